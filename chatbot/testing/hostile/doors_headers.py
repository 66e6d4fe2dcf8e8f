"""Doors in the head of a request."""

from chatbot.testing.hostile.types import ADA, HOSTILE, NOBODY, Door, Step, door

_LOGIN = {"login": "a@example.org", "password": "x"}
_HTMX = {"HX-Request": "true"}
# Headers that a page of somebody signed in, a refused sign-in and the API each get.
_EVERYWHERE = ("X-Forwarded-For", "X-Forwarded-Host", "User-Agent", "Origin", "X-Request-ID", "Accept", "Content-Type")
_OF_PAGES = (
    "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Referer", "Accept-Language", "Accept-Encoding", "X-CSRFToken",
    "X-HTTP-Method-Override", "X-Original-URL", "If-None-Match", "If-Modified-Since", "Range",
)  # fmt: skip
_OF_HTMX = ("HX-Current-URL", "HX-Target", "HX-Trigger", "HX-Trigger-Name", "HX-Prompt", "HX-Boosted")

DOORS: tuple[Door, ...] = (
    *(door("headers", f"page: {name}", "/settings/", headers={name: HOSTILE}) for name in (*_EVERYWHERE, *_OF_PAGES)),
    *(
        door("headers", f"sign-in: {name}", "/accounts/login/", who=NOBODY, form=_LOGIN, headers={name: HOSTILE})
        for name in _EVERYWHERE
    ),
    *(door("headers", f"API: {name}", "/api/v1/me", headers={name: HOSTILE}) for name in _EVERYWHERE),
    *(
        door("headers", f"page: {name}", "/conversations/", headers={**_HTMX, name: HOSTILE}) for name in _OF_HTMX
    ),
    *(
        door("headers", f"documents: {name}", "/documents/", headers={**_HTMX, name: HOSTILE}) for name in _OF_HTMX
    ),
    door("headers", "HX-Request", "/documents/", headers={"HX-Request": HOSTILE}),
    door(
        "headers", "HX-Current-URL, signed out", "/settings/", who=NOBODY, expects=204,
        headers={**_HTMX, "HX-Current-URL": HOSTILE},
    ),
    door(
        "headers", "Referer, asked again", "/settings/security/app/", who="ben", form={"code": "x"}, expects=302,
        headers={"Referer": HOSTILE},
    ),
    door(
        "headers", "HX-Current-URL, asked again", "/settings/security/app/", who="ben", form={"code": "x"}, expects=204,
        headers={**_HTMX, "HX-Current-URL": HOSTILE},
    ),
    *(
        door("headers", f"Host of {path}", path, who=NOBODY, headers={"Host": HOSTILE}, expects=400)
        for path in ("/accounts/login/", "/api/v1/me", "/health", "/accounts/sso/saml/metadata/")
    ),
    door(
        "headers", "Host, a reset", "/accounts/password/reset/", who=NOBODY, form={"email": "ada@example.org"},
        headers={"Host": HOSTILE}, expects=400,
    ),
    door(
        "headers", "Host's port", "/accounts/login/", who=NOBODY, headers={"Host": f"testserver:{HOSTILE}"},
        expects=400,
    ),
    door("headers", "Authorization", "/api/v1/me", who=NOBODY, headers={"Authorization": HOSTILE}, expects=401),
    door("headers", "Bearer", "/api/v1/me", who=NOBODY, headers={"Authorization": f"Bearer {HOSTILE}"}, expects=401),
    door("headers", "key", "/api/v1/me", who=NOBODY, headers={"Authorization": f"Bearer cb_{HOSTILE}_x"}, expects=401),
    door("headers", "directory's key", "/scim/v2/Users", who=NOBODY, headers={"Authorization": HOSTILE}, expects=401),
    door("headers", "metrics", "/metrics", who=NOBODY, headers={"Authorization": f"Bearer {HOSTILE}"}, expects=404),
    door("headers", "cookies", "/settings/", who=NOBODY, headers={"Cookie": HOSTILE}, expects=302),
    door(
        "headers", "session cookie", "/settings/", who=NOBODY, headers={"Cookie": f"sessionid={HOSTILE}"}, expects=302,
    ),
    door("headers", "CSRF cookie", "/accounts/login/", who=NOBODY, headers={"Cookie": f"csrftoken={HOSTILE}"}),
    door("headers", "messages cookie", "/accounts/login/", who=NOBODY, headers={"Cookie": f"messages={HOSTILE}"}),
    door(
        "headers", "Idempotency-Key", "/api/v1/conversations", Step(path="/"), json={"title": "x"}, expects=200,
        headers={"Idempotency-Key": HOSTILE},
    ),
    door(
        "headers", "Last-Event-ID", "/api/v1/conversations/{conversation}/stream", who=ADA, expects=422,
        headers={"Last-Event-ID": HOSTILE},
    ),
    door(
        "headers", "file: Accept", "/documents/{document}/content/", headers={"Accept": HOSTILE, "Range": HOSTILE}
    ),
    door("headers", "preflight", "/api/v1/me", method="OPTIONS", who=NOBODY, headers={
        "Origin": HOSTILE, "Access-Control-Request-Method": HOSTILE, "Access-Control-Request-Headers": HOSTILE,
    }),
    door("headers", "method", "/api/v1/me", method="TRACE", headers={"X-Method": HOSTILE}, expects=405),
)  # fmt: skip
