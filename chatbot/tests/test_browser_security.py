"""What a browser is told: the checks of the usual observatories, on every kind of answer."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client
from django.urls import reverse

from chatbot.testing.plugin import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "/accounts/login/",
    "/",
    "/settings/usage/",
    "/admin/",
    "/no/such/page",
    "/api/v1/me",
    "/api/v1/docs",
    "/health",
]


def directives(answer):
    policy = answer["Content-Security-Policy"]
    return {name: values for name, *values in (part.split() for part in policy.split(";") if part.strip())}


@pytest.fixture(params=PAGES)
def answer(request, client_root):
    return client_root.get(request.param)


def test_the_content_policy_starts_from_nothing(answer):
    policy = directives(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["img-src"] == ["'self'", "data:"]
    assert policy["form-action"] == ["'self'"]


def test_the_content_policy_lets_nothing_inline_run(answer):
    for name, values in directives(answer).items():
        assert not {"'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "*", "http:", "https:"} & set(values), name
        assert not [value for value in values if value.startswith("data:") and name != "img-src"]


def test_scripts_in_pages_carry_the_nonce_of_their_answer(client_root):
    pages = [client_root.get(path) for path in ("/", "/")]
    nonces = [re.search(r"'nonce-([^']+)'", page["Content-Security-Policy"]) for page in pages]
    values = {match.group(1) for match in nonces if match}
    inline = re.findall(rb"<script(?![^>]*\bsrc=)(?![^>]*application/json)([^>]*)>", pages[0].content)
    assert all(b"nonce=" in attributes for attributes in inline)
    assert len(values) in {0, 2}


def test_the_small_headers(answer):
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in answer["Permissions-Policy"]
    if not answer.wsgi_request.path.startswith("/api/"):
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Server" not in answer
    assert "X-Powered-By" not in answer


def test_no_page_loads_anything_from_elsewhere(client_root):
    for path in PAGES:
        body = client_root.get(path).content.decode()
        for address in re.findall(r"<(?:script|link|img|iframe|source)[^>]+(?:src|href)=\"([^\"]+)\"", body):
            assert address.startswith(("/", "data:image/")), (path, address)
            assert not address.startswith("//")


_TLS = """
import json
import django
django.setup()
from django.conf import settings
from django.test import Client
answer = Client().get("/accounts/login/", secure=True, headers={"host": "chat.example.org"})
cookie = answer.cookies[settings.CSRF_COOKIE_NAME]
print(json.dumps({
    "status": answer.status_code, "hsts": answer.headers.get("Strict-Transport-Security"),
    "cookie": [cookie.key, bool(cookie["secure"]), bool(cookie["httponly"]), cookie["samesite"], cookie["path"],
               cookie["domain"]],
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY,
                settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_DOMAIN],
    "plain": Client().get("/accounts/login/", headers={"host": "chat.example.org"}).status_code,
}))
"""


def test_behind_tls_cookies_and_transport_are_strict(tmp_path):
    environment = {
        **os.environ,
        "CHATBOT_DATA_DIR": str(tmp_path),
        "CHATBOT_ALLOWED_HOSTS": "chat.example.org",
        "CHATBOT_BEHIND_TLS": "true",
        "DJANGO_SETTINGS_MODULE": "chatbot.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", _TLS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["status"] == 200
    seconds = int(re.search(r"max-age=(\d+)", found["hsts"]).group(1))
    assert seconds >= 15_768_000
    assert "includeSubDomains" in found["hsts"]
    assert found["cookie"] == ["__Host-csrftoken", True, True, "Lax", "/", ""]
    assert found["session"] == ["__Host-sessionid", True, True, "Lax", None]


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client, ada):
    answer = client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})
    cookie = answer.cookies["sessionid"]
    assert (cookie["samesite"], cookie["httponly"], cookie["domain"], cookie["path"]) == ("Lax", True, "", "/")


def test_other_sites_may_not_read_the_api(client_ada):
    answer = client_ada.get("/api/v1/me", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    preflight = client_ada.options(
        "/api/v1/me", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    )
    assert not [name for name in preflight.headers if name.lower().startswith("access-control-")]


def test_a_listed_site_may_use_tokens_on_the_api_and_nothing_else(client_ada, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://tools.example.org"]
    origin = {"Origin": "https://tools.example.org"}
    answer = client_ada.get("/api/v1/me", headers=origin)
    assert answer["Access-Control-Allow-Origin"] == "https://tools.example.org"
    assert "Access-Control-Allow-Credentials" not in answer
    page = client_ada.get("/settings/usage/", headers=origin)
    assert "Access-Control-Allow-Origin" not in page


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "a\tb"])
def test_foreign_hosts_are_refused(client, db, host):
    assert client.get("/accounts/login/", headers={"host": host}).status_code == 400


def test_forms_need_the_token_of_their_page(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("conversations:conversation-list", "documents:document-list", "account_logout"):
        assert client.post(reverse(name), {"content": "x"}).status_code == 403
    refused = client.post("/api/v1/conversations", {"title": "x"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (b"http://testserver", True),
        (b"http://evil.example", False),
        (b"http://testserver.evil.example", False),
        (None, False),
    ],
)
async def test_a_socket_is_for_our_own_pages(origin, is_let_in):
    from chatbot.asgi import application

    headers = [(b"host", b"testserver")] + ([(b"origin", origin)] if origin else [])
    path = "/ws/messages/01a1fe29-60a1-74c2-a7ac-72e329eb3b22/"
    socket = WebsocketCommunicator(application, path, headers=headers)
    is_open, code = await socket.connect()
    if is_open:
        code = (await socket.receive_output())["code"]
    # 4401: past the origin's check, and then nobody is signed in.
    assert (code == 4401) is is_let_in
    await socket.disconnect()
