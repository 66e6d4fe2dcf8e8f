"""Doors that open before anybody has signed in: sign-in, second factor, mailed links, single sign-on."""

from typing import Any

from chatbot.testing.hostile.payloads import HEADER, MARKUP, REDIRECT, TEXT
from chatbot.testing.hostile.types import BEN, HOSTILE, NOBODY, ROOT, Door, Step, door
from chatbot.testing.hostile.world import IDENTITY_PROVIDER

_LOGIN = "/accounts/login/"
_SIGN_IN = {"login": "ben@example.org", "password": "{password}"}
_HALF = {"login": "half@example.org", "password": "{password}"}
# A new account's.
_NEW = "seven green bicycles sing"
_CODE = "/accounts/2fa/authenticate/"
_SAML = "/accounts/sso/saml/"
_OIDC = "/accounts/sso/oidc/"
_NEXT = frozenset({REDIRECT, HEADER, MARKUP, TEXT})

SIGN_IN = (
    door("sign-in", "sign-in page: address", _LOGIN, who=NOBODY, form={"login": HOSTILE, "password": "x"}),
    door(
        "sign-in", "sign-in page: part of the address", _LOGIN, who=NOBODY,
        form={"login": f"{HOSTILE}@example.org", "password": "x"},
    ),
    door(
        "sign-in", "sign-in page: password", _LOGIN, who=NOBODY, form={"login": "a@example.org", "password": HOSTILE}
    ),
    door(
        "sign-in", "sign-in page: names of fields", _LOGIN, who=NOBODY, form={HOSTILE: "x", "login": "a@example.org"}
    ),
    door(
        "sign-in", "API sign-in: address", "/api/v1/auth/login", who=NOBODY, expects=401,
        json={"email": HOSTILE, "password": "x"},
    ),
    door(
        "sign-in", "API sign-in: password", "/api/v1/auth/login", who=NOBODY, expects=401,
        json={"email": "a@example.org", "password": HOSTILE},
    ),
    door(
        "sign-in", "API sign-in: code", "/api/v1/auth/login", who=NOBODY, expects=401,
        json={"email": "half@example.org", "password": "{password}", "otp": HOSTILE},
    ),
    door(
        "sign-in", "API sign-in: not an object", "/api/v1/auth/login", who=NOBODY, expects=422,
        json=[HOSTILE, {HOSTILE: HOSTILE}],
    ),
    door("sign-in", "API refresh", "/api/v1/auth/refresh", who=NOBODY, expects=401, json={"refresh": HOSTILE}),
    door("sign-in", "code page", _LOGIN, Step(path=_CODE, form={"code": HOSTILE}), who=NOBODY, expects=422, form=_HALF),
    door(
        "sign-in", "code page: passkey", _LOGIN, Step(path=_CODE, form={"credential": HOSTILE}), who=NOBODY,
        expects=422, form=_HALF,
    ),
    door(
        "sign-in", "passkey sign-in", "/accounts/2fa/passkey/", Step(path=_LOGIN), who=NOBODY,
        form={"credential": HOSTILE},
    ),
    door(
        "sign-in", "passkey sign-in: inside", "/accounts/2fa/passkey/", Step(path=_LOGIN), who=NOBODY,
        form={"credential": f'{{"id": "{HOSTILE}", "rawId": "{HOSTILE}", "type": "public-key", "response": {{}}}}'},
    ),
)  # fmt: skip

LINKS = (
    door("links", "set-up link", f"/setup/{HOSTILE}/", who=NOBODY, expects=404),
    door("links", "invitation link", f"/invitations/{HOSTILE}/", who=NOBODY, expects=404),
    door("links", "invitation link, signed in", f"/invitations/{HOSTILE}/", expects=404, form={}),
    door("links", "registration link", f"/register/{HOSTILE}/", who=NOBODY, expects=404),
    door(
        "links", "registration link: password", f"/register/{HOSTILE}/", who=NOBODY, expects=404,
        form={"password": HOSTILE},
    ),
    door("links", "reset link", f"/accounts/password/reset/key/1-{HOSTILE}/", who=NOBODY),
    door("links", "reset link: person", f"/accounts/password/reset/key/{HOSTILE}-set-password/", who=NOBODY),
    door("links", "reset page", "/accounts/password/reset/", who=NOBODY, form={"email": HOSTILE}),
    door(
        "links", "reset page: part of the address", "/accounts/password/reset/", who=NOBODY, expects=302,
        form={"email": f"{HOSTILE}@example.org"},
    ),
    door(
        "links", "API reset", "/api/v1/auth/password/reset", who=NOBODY, expects=202,
        harmless="a@example.org", json={"email": HOSTILE},
    ),
    door(
        "links", "registration: name", "/accounts/signup/", who=NOBODY, expects=302,
        form={"name": HOSTILE, "email": "new2@example.org", "password": _NEW},
    ),
    door(
        "links", "registration: address", "/accounts/signup/", who=NOBODY, expects=302,
        form={"name": "Grace", "email": f"{HOSTILE}@example.org", "password": _NEW},
    ),
    door(
        "links", "registration: password", "/accounts/signup/", who=NOBODY, expects=422,
        form={"name": "Grace", "email": "new2@example.org", "password": HOSTILE},
    ),
    door(
        "links", "API registration", "/api/v1/auth/register", who=NOBODY, expects=202,
        json={"name": HOSTILE, "email": f"{HOSTILE}@example.org", "password": _NEW},
    ),
    door(
        "links", "invitation: name", "/invitations/{invitation}/", Step(path="/settings/"), who=NOBODY,
        form={"name": HOSTILE, "password": _NEW},
    ),
    door(
        "links", "invitation: password", "/invitations/{invitation}/", who=NOBODY, expects=422,
        form={"name": "Grace", "password": HOSTILE},
    ),
)  # fmt: skip


def _next(name: str, path: str, *later: Step, **options: Any) -> Door:
    return door("next", name, path, *later, **{"harmless": "/documents/", "kinds": _NEXT, **options})


NEXT = (
    _next("sign-in", _LOGIN, who=NOBODY, expects=302, form={**_SIGN_IN, "next": HOSTILE}),
    _next(
        "sign-in, in the address", _LOGIN, who=NOBODY, expects=302, query={"next": HOSTILE}, form=_SIGN_IN
    ),
    _next("sign-in, page", _LOGIN, who=NOBODY, query={"next": HOSTILE}),
    _next("sign-in, refused", _LOGIN, who=NOBODY, form={"login": "x@example.org", "password": "x", "next": HOSTILE}),
    _next("sign-in, signed in already", _LOGIN, expects=302, query={"next": HOSTILE}),
    _next(
        "sign-in with a code", _LOGIN, Step(path=_CODE, form={"code": "{code}"}),
        who=NOBODY, expects=302, form={**_HALF, "next": HOSTILE},
    ),
    _next("sign-out", "/accounts/logout/", expects=302, form={"next": HOSTILE}),
    _next("sign-out, in the address", "/accounts/logout/", expects=302, query={"next": HOSTILE}, form={}),
    _next("registration", "/accounts/signup/", who=NOBODY, query={"next": HOSTILE}),
    _next(
        "passkey sign-in, then", "/accounts/2fa/passkey/", who=NOBODY, expects=302,
        form={"credential": "x", "next": HOSTILE},
    ),
    _next("step-up page", "/settings/confirm/", query={"next": HOSTILE}),
    _next(
        "step-up", "/settings/confirm/", who=BEN, expects=302, form={"password": "{password}", "next": HOSTILE}
    ),
    _next(
        "step-up, in the address", "/settings/confirm/", who=BEN, expects=302, query={"next": HOSTILE},
        form={"password": "{password}"},
    ),
    _next("step-up, refused", "/settings/confirm/", who=BEN, expects=422, form={"password": "x", "next": HOSTILE}),
    _next("step-up by signing in", "/settings/confirm/again/", expects=302, form={"next": HOSTILE}),
    _next("allauth's step-up", "/accounts/reauthenticate/", expects=302, query={"next": HOSTILE}),
    _next(
        "workspace switch, then", "/workspace/switch/", expects=302, form={"workspace": "{workspace}", "next": HOSTILE},
    ),
    _next("invitation", "/invitations/{invitation}/", who=NOBODY, query={"next": HOSTILE}),
    _next(
        "invitation, accepted", "/invitations/{invitation}/", who=NOBODY, expects=302, query={"next": HOSTILE},
        form={"name": "Grace", "password": _NEW, "next": HOSTILE},
    ),
    _next("admin sign-in", "/admin/login/", who=NOBODY, expects=302, query={"next": HOSTILE}),
    _next("admin sign-in, signed in", "/admin/login/", who=ROOT, expects=302, query={"next": HOSTILE}),
    _next("OpenID Connect", _OIDC, who=NOBODY, expects=403, query={"next": HOSTILE}),
    _next("SAML", _SAML, who=NOBODY, expects=302, query={"next": HOSTILE}, leaves_for=IDENTITY_PROVIDER),
    # Where nobody asked for the page, its own address is what one comes back to.
    _next("any page, signed out", f"/people/{HOSTILE}", who=NOBODY, harmless="x", expects=404),
    _next("any page's query, signed out", "/people/", who=NOBODY, expects=302, query={"q": HOSTILE}),
    _next("a path as it is", HOSTILE, who=NOBODY, is_exact=True, harmless="/people/", expects=302, kinds=frozenset()),
    _next("a path as it is, signed in", HOSTILE, is_exact=True, harmless="/settings/", kinds=frozenset()),
    _next("a path without its last slash", f"/{HOSTILE}", is_exact=True, harmless="settings", expects=301),
)  # fmt: skip

SINGLE_SIGN_ON = (
    *(
        door(
            "single sign-on", f"OpenID Connect: {name}", f"{_OIDC}callback/", who=NOBODY, expects=403,
            query={"state": "x", name: HOSTILE},
        )
        for name in ("state", "code", "iss", "error", "error_description")
    ),
    door("single sign-on", "SAML: answer", f"{_SAML}acs/", who=NOBODY, expects=403, form={"SAMLResponse": HOSTILE}),
    door(
        "single sign-on", "SAML: RelayState", f"{_SAML}acs/", who=NOBODY, expects=403,
        form={"SAMLResponse": "PGEvPg==", "RelayState": HOSTILE},
    ),
    door("single sign-on", "SAML: ticket", f"{_SAML}finish/", who=NOBODY, expects=403, query={"ticket": HOSTILE}),
    door("single sign-on", "SAML: metadata", f"{_SAML}metadata/", who=NOBODY, query={HOSTILE: HOSTILE}),
    door("single sign-on", "linking", f"/settings/connections/{HOSTILE}/add/", expects=404, form={}),
)  # fmt: skip

DOORS = (*SIGN_IN, *LINKS, *NEXT, *SINGLE_SIGN_ON)
