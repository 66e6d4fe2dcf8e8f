"""Every address needs sign-in unless it stands on the public list; tried with a stranger, one by one."""

import re

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

from apps.conversations.routing import websocket_urlpatterns
from chatbot.middleware import PUBLIC_ROUTES

# Public, and yet they lead to the sign-in page whoever has not begun what they go on with.
_LEADING_AWAY = {"admin:login", "account_logout", "account_signup", "mfa_authenticate", "passkey_sign_in"}
PUBLIC_API = {
    "/api/v1/auth/login", "/api/v1/auth/password/reset", "/api/v1/auth/refresh", "/api/v1/auth/register",
    "/api/v1/openapi.json",
}  # fmt: skip
# Names nothing. Always the same, because it stands in the names of tests, which all processes must agree on.
_KEY = "01900000-0000-7000-8000-000000000000"
_SAMPLES = {"uuid": _KEY, "uuidstr": _KEY, "int": "1", "str": "x", "slug": "x", "path": "x"}


def _sample(route):
    route = re.sub(r"<(?:(\w+):)?\w+>", lambda match: _SAMPLES[match.group(1) or "str"], route)
    return re.sub(r"\\.", lambda match: match.group()[1], route)


def _walk(resolver, prefix="/", names=()):
    for pattern in resolver.url_patterns:
        part = pattern.pattern
        text = str(part) if isinstance(part, RoutePattern) else simplify_regex(str(part)).lstrip("/")
        address = prefix + text
        if isinstance(pattern, URLPattern):
            yield ":".join([*names, pattern.name or ""]), _sample(address), pattern
        else:
            inner = [*names, pattern.namespace] if pattern.namespace else list(names)
            yield from _walk(pattern, address, inner)


ROUTES = sorted({(name, address) for name, address, _ in _walk(get_resolver())})
PAGES = [route for route in ROUTES if not route[1].startswith(("/api/", "/scim/"))]
SCIM = [route for route in ROUTES if route[1].startswith("/scim/")]


def test_the_map_was_walked():
    names = {name for name, _ in ROUTES}
    assert {"health", "account_login", "admin:index", "conversations:conversation-list"} <= names
    assert len(ROUTES) > 40


def test_every_public_route_exists():
    assert PUBLIC_ROUTES - {name for name, _ in ROUTES} == set()


@pytest.mark.parametrize(("name", "address"), PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_needs_sign_in(client, db, name, address, method):
    answer = getattr(client, method)(address)
    sent_away = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    if name in PUBLIC_ROUTES:
        assert answer.status_code < 500 or name == "ready"
        assert not sent_away or name in _LEADING_AWAY
    else:
        assert sent_away, f"{method} {address} answered {answer.status_code}"


@pytest.mark.parametrize(("name", "address"), SCIM)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_scim_needs_a_key(client_root, name, address, method):
    """A super admin's session opens nothing there: it could be forged by another site."""
    answer = getattr(client_root, method)(address)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/scim+json")


def _operations():
    from chatbot.api import api

    for path, operations in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method in operations:
            yield method, re.sub(r"{(\w+)}", lambda match: "1" if match.group(1) == "page" else _KEY, path)


@pytest.mark.parametrize(("method", "address"), sorted(_operations()))
def test_an_operation_of_the_api_needs_authentication(client, db, method, address):
    answer = getattr(client, method)(address, **({} if method == "get" else {"content_type": "application/json"}))
    if address in PUBLIC_API:
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_the_api_has_no_operation_outside_its_description():
    described = {address for _, address in _operations()}
    routes = {address for name, address in ROUTES if address.startswith("/api/v1/")}
    plain = {re.sub(r"[0-9a-f-]{36}", "*", address) for address in routes}
    known = {re.sub(r"[0-9a-f-]{36}", "*", address) for address in described}
    assert plain - known == {"/api/v1/", "/api/v1/docs", "/api/v1/openapi.json"}


def test_the_description_is_public_and_the_page_about_it_is_not(client, client_ada):
    description = client.get("/api/v1/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    assert client.get("/api/v1/docs").status_code == 302
    page = client_ada.get("/api/v1/docs")
    assert page.status_code == 200
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.content.decode())
    assert sources
    assert all(source.startswith("/static/") for source in sources)


def test_the_description_names_only_what_it_describes(client):
    import json

    description = client.get("/api/v1/openapi.json").json()
    references = set(re.findall(r"\"#/components/schemas/([^\"]+)\"", json.dumps(description)))
    assert references - set(description["components"]["schemas"]) == set()
    assert all(
        "default" in operation["responses"] for path in description["paths"].values() for operation in path.values()
    )


@pytest.mark.parametrize("pattern", websocket_urlpatterns, ids=str)
@pytest.mark.django_db(transaction=True)
async def test_a_socket_needs_sign_in(pattern):
    from chatbot.asgi import application

    socket = WebsocketCommunicator(
        application,
        "/" + _sample(str(pattern.pattern)),
        headers=[(b"origin", b"http://testserver"), (b"host", b"testserver")],
    )
    is_open, code = await socket.connect()
    if is_open:
        said = await socket.receive_output()
        assert said["type"] == "websocket.close"
        code = said["code"]
    assert code == 4401
    await socket.disconnect()
