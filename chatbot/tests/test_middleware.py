"""Request ids, sign-in, and errors as pages, toasts and problems; by both kinds of server."""

import logging

import pytest
from django.test import AsyncClient, Client
from django.urls import path

from chatbot import urls
from chatbot.lib.errors import ForbiddenError, ValidationFailedError
from chatbot.lib.request_context import RequestIdFilter, request_context

HTMX = {"HX-Request": "true"}


def _raises(error):
    def view(request):
        raise error

    return view


def _bug(request):
    raise RuntimeError("secret-detail")


async def _bug_async(request):
    raise RuntimeError("secret-detail")


@pytest.fixture
def routes(settings):
    """The product's addresses and some that fail."""

    class Routes:
        handler400, handler403 = urls.handler400, urls.handler403
        handler404, handler500 = urls.handler404, urls.handler500
        urlpatterns = [
            path("try/forbidden", _raises(ForbiddenError("Only administrators may do that.")), name="health"),
            path("try/bug", _bug, name="health"),
            path("try/bug-async", _bug_async, name="health"),
            path("api/try/forbidden", _raises(ForbiddenError()), name="health"),
            path("api/try/invalid", _raises(ValidationFailedError(errors={"title": "too long"})), name="health"),
            path("api/try/bug", _bug, name="health"),
            *urls.urlpatterns,
        ]

    settings.ROOT_URLCONF = Routes


@pytest.fixture
def quiet():
    """A client that answers a bug as the server does, instead of raising it."""
    return Client(raise_request_exception=False)


def test_a_request_id_is_accepted_and_echoed(client):
    assert client.get("/health", headers={"X-Request-ID": "trace-42"})["X-Request-ID"] == "trace-42"


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "ü", "", "a\tb", "<script>"])
def test_other_request_ids_are_replaced(client, bad):
    given = client.get("/health", headers={"X-Request-ID": bad})["X-Request-ID"]
    assert given != bad
    assert len(given) == 32


async def test_a_request_id_is_echoed_under_asgi():
    answer = await AsyncClient().get("/health", headers={"X-Request-ID": "trace-42"})
    assert (answer.status_code, answer["X-Request-ID"]) == (200, "trace-42")


def test_the_context_ends_with_the_request(client):
    client.get("/health", headers={"X-Request-ID": "trace-42"})
    assert request_context().request_id == ""


def test_log_lines_outside_a_request_have_a_dash():
    record = logging.LogRecord("x", logging.INFO, "", 0, "", (), None)
    assert RequestIdFilter().filter(record)
    assert vars(record)["request_id"] == "-"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "6.6.6.6", "127.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (2, "10.0.0.1", "10.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "nonsense", None),
    ],
)
def test_only_our_proxies_are_believed_about_addresses(rf, settings, proxies, forwarded, expected):
    from chatbot.lib.request_context import client_address

    settings.TRUSTED_PROXIES = proxies
    assert client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == expected


def test_strangers_are_sent_to_sign_in_and_back(client):
    answer = client.get("/documents/?q=a%26b")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/documents/%3Fq%3Da%2526b"
    assert answer["Cache-Control"] == "no-store"


def test_htmx_is_told_to_load_the_sign_in_page(client):
    answer = client.get("/documents/", headers={**HTMX, "HX-Current-URL": "http://testserver/documents/?page=2"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/accounts/login/?next=http%3A//testserver/documents/") or answer[
        "HX-Redirect"
    ].startswith("/accounts/login/?next=http://testserver/documents/")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_htmx_cannot_be_sent_elsewhere_after_sign_in(client, target):
    answer = client.get("/documents/", headers={**HTMX, "HX-Current-URL": target})
    assert answer["HX-Redirect"] == "/accounts/login/?next=/"


def test_a_refused_post_does_not_become_the_page_after_sign_in(client):
    assert client.post("/documents/")["Location"] == "/accounts/login/?next=/"


def test_a_closed_account_has_no_session_any_more(client_ada, ada):
    ada.is_active = False
    ada.save()
    assert client_ada.get("/documents/").status_code == 302


async def test_strangers_are_sent_to_sign_in_under_asgi():
    answer = await AsyncClient().get("/documents/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/documents/")


def test_errors_of_services_are_pages(routes, client):
    answer = client.get("/try/forbidden", headers={"X-Request-ID": "trace-42"})
    assert answer.status_code == 403
    assert "Only administrators may do that." in answer.content.decode()


def test_errors_of_services_are_toasts_for_htmx(routes, client):
    answer = client.get("/try/forbidden", headers=HTMX)
    assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (403, "#toasts", "beforeend")
    assert "Only administrators may do that." in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_errors_of_services_are_problems_under_api(routes, client):
    answer = client.get("/api/try/forbidden", headers={"X-Request-ID": "trace-42"})
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert answer.json()["code"] == "forbidden"
    assert answer.json()["request_id"] == "trace-42"
    invalid = client.get("/api/try/invalid")
    assert invalid.json()["errors"] == [{"field": "title", "message": "too long"}]


@pytest.mark.parametrize("address", ["/try/bug", "/api/try/bug"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_bug_tells_nothing(routes, quiet, address, headers):
    answer = quiet.get(address, headers={"X-Request-ID": "trace-42", **headers})
    text = answer.content.decode()
    assert answer.status_code == 500
    assert "secret-detail" not in text
    assert "Traceback" not in text


async def test_a_bug_tells_nothing_under_asgi(routes):
    for address in ("/try/bug", "/try/bug-async", "/api/try/bug"):
        answer = await AsyncClient(raise_request_exception=False).get(address)
        assert answer.status_code == 500
        assert "secret-detail" not in answer.content.decode()


def test_what_is_not_there_is_404_in_each_form(client, client_ada):
    assert client_ada.get("/nonesuch").status_code == 404
    assert client.get("/nonesuch").status_code == 404
    problem = client.get("/api/v1/nonesuch")
    assert (problem.status_code, problem["Content-Type"]) == (404, "application/problem+json")


def test_a_refused_method_is_a_problem_under_api(client_ada):
    answer = client_ada.put("/api/v1/me")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == "GET"


def test_the_admin_has_no_sign_in_page_of_its_own(client, db):
    answer = client.get("/admin/login/?next=/admin/")
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")


def test_a_missing_csrf_token_is_explained(ada):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accounts/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 403
    assert "reload" in answer.content.decode()


def test_answers_carry_the_security_headers(client):
    answer = client.get("/accounts/login/")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


async def test_static_files_come_whole_under_asgi():
    answer = await AsyncClient().get("/static/ninja/swagger-ui-init.js")
    assert answer.status_code == 200
    assert "javascript" in answer["Content-Type"]
    assert b"SwaggerUIBundle" in answer.content
    assert "Access-Control-Allow-Origin" not in answer
