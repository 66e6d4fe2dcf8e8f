"""Doors by which people name things, and the pages that show the names afterwards."""

from chatbot.testing.hostile.types import ADA, ANNA, HOSTILE, NOBODY, ROOT, Door, Step, door

_SCIM = {"Authorization": "Bearer {key}", "Content-Type": "application/scim+json"}
_HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/documents/"}
_HOME, _SETTINGS, _PEOPLE = Step(path="/"), Step(path="/settings/"), Step(path="/people/")
_AUDIT = Step(path="/audit/")
_KEY = {"workspace_id": "{workspace}", "scopes": "read", "expires_in_days": "7"}
_TALK = "/conversations/{conversation}/"
_DOCUMENTS = Step(path="/documents/")
_JSON = {"Accept": "application/json"}

PEOPLE = (
    door("names", "profile", "/settings/", _SETTINGS, _HOME, form={"name": HOSTILE}),
    door("names", "profile of an administrator", "/settings/", _PEOPLE, _AUDIT, who=ANNA, form={"name": HOSTILE}),
    door(
        "names", "API: a person's name", "/api/v1/admin/users/{ben}", Step(path="/people/{ben}/"), _PEOPLE, who=ANNA,
        method="PUT", json={"name": HOSTILE},
    ),
    door("names", "group", "/groups/", Step(path="/groups/"), _AUDIT, who=ANNA, form={"title": HOSTILE}),
    door(
        "names", "group, another name", "/groups/{group}/", Step(path="/groups/{group}/"),
        Step(path="/groups/{group}/delete/"), who=ANNA, form={"title": HOSTILE},
    ),
    door("names", "group: new member", "/groups/{group}/add/", who=ANNA, form={"email": HOSTILE}, expects=422),
    door(
        "names", "workspace", "/workspace/name/", Step(path="/workspace/"), _HOME, _SETTINGS, _AUDIT, who=ANNA,
        form={"name": HOSTILE},
    ),
    door(
        "names", "new workspace", "/workspace/new/", Step(path="/workspace/"), Step(path="/admin/accounts/workspace/"),
        Step(path="/audit/"), who=ROOT, form={"new-name": HOSTILE},
    ),
    door(
        "names", "invitation: address", "/people/invitations/", who=ANNA,
        form={"email": HOSTILE, "role": "user"}, expects=422,
    ),
    door(
        "names", "invitation: part of the address", "/people/invitations/", Step(path="/people/invitations/"), _AUDIT,
        who=ANNA, form={"email": f"{HOSTILE}@example.org", "role": "user"},
    ),
    door(
        "names", "invitation: role", "/people/invitations/", who=ANNA,
        form={"email": "x@example.org", "role": HOSTILE}, expects=422,
    ),
    door(
        "names", "API invitation", "/api/v1/admin/invitations", Step(path="/people/invitations/"), who=ANNA,
        json={"email": f"{HOSTILE}@example.org", "role": "user"},
    ),
    door("names", "person to add", "/people/add/", who=ROOT, form={"email": HOSTILE, "role": "user"}, expects=422),
    door("names", "role", "/people/{ben}/role/", who=ANNA, form={"role": HOSTILE}, expects=422),
    door("names", "limits", "/people/{ben}/limits/", who=ANNA, form={"messages_per_day": HOSTILE}, expects=422),
    door("names", "workspace limits", "/workspace/limits/", who=ANNA, form={"bytes_limit": HOSTILE}, expects=422),
    door(
        "names", "reason for a look", "/people/{ada}/break-glass/", Step(path="/break-glass/"), _AUDIT, who=ANNA,
        form={"reason": HOSTILE},
    ),
)  # fmt: skip

ACCOUNT = (
    door("names", "API key", "/settings/keys/new/", Step(path="/settings/keys/"), form={**_KEY, "name": HOSTILE}),
    door(
        "names", "API key: networks", "/settings/keys/new/",
        form={**_KEY, "name": "x", "allowed_networks": HOSTILE}, expects=422,
    ),
    door(
        "names", "API key, by API", "/api/v1/keys", Step(path="/settings/keys/"),
        json={"name": HOSTILE, "scopes": ["read"], "workspace_id": "{workspace}"},
    ),
    door(
        "names", "API key, by API: all else", "/api/v1/keys", expects=422,
        json={"name": "x", "scopes": [HOSTILE], "allowed_networks": [HOSTILE], "workspace_id": HOSTILE},
    ),
    door(
        "names", "passkey", "/settings/security/passkeys/{passkey}/name/", Step(path="/settings/security/"),
        Step(path="/settings/security/factors/{passkey}/remove/"), form={"name": HOSTILE},
    ),
    door(
        "names", "new passkey", "/settings/security/passkeys/add/",
        form={"name": HOSTILE, "credential": HOSTILE}, expects=422,
    ),
    door("names", "authenticator's code", "/settings/security/app/", who=ADA, form={"code": HOSTILE}, expects=302),
    door("names", "password: old", "/accounts/password/change/", form={"old": HOSTILE, "new": "x"}, expects=422),
    door(
        "names", "password: new", "/accounts/password/change/", form={"old": "{password}", "new": HOSTILE}, expects=422,
    ),
    door("names", "step-up: code", "/settings/confirm/", form={"code": HOSTILE}, expects=422),
    door("names", "step-up: passkey", "/settings/confirm/", form={"credential": HOSTILE}, expects=422),
)  # fmt: skip

CONVERSATIONS = (
    door("names", "conversation", f"{_TALK}rename/", Step(path=_TALK), form={"title": HOSTILE}),
    door(
        "names", "conversation, htmx", f"{_TALK}rename/", Step(path=f"{_TALK}delete/"), form={"title": HOSTILE},
        headers=_HTMX,
    ),
    door(
        "names", "API conversation", "/api/v1/conversations", _HOME,
        json={"title": HOSTILE, "system_prompt": HOSTILE},
    ),
    door("names", "API conversation: all else", "/api/v1/conversations", expects=422, json={
        "model": HOSTILE, "params": {HOSTILE: HOSTILE}, "document_ids": [HOSTILE], "use_documents": HOSTILE,
    }),
    door("names", "question", "/conversations/", _HOME, form={"content": HOSTILE}),
    door("names", "question, next", f"{_TALK}messages/", Step(path=_TALK), form={"content": HOSTILE}),
    door("names", "question, changed", "/messages/{question}/edit/", Step(path=_TALK), form={"content": HOSTILE}),
    door("names", "question: model", f"{_TALK}messages/", form={"content": "x", "model": HOSTILE}, expects=422),
    door(
        "names", "API question", "/api/v1/conversations/{conversation}/messages",
        Step(path="/api/v1/conversations/{conversation}"), Step(path=_TALK), headers=_JSON, json={"content": HOSTILE},
    ),
)  # fmt: skip

DOCUMENTS = (
    door("names", "file", "/documents/", _DOCUMENTS, filename=HOSTILE),
    door("names", "file with a type", "/documents/", _DOCUMENTS, filename=f"{HOSTILE}.txt"),
    door("names", "file, htmx", "/documents/", filename=f"{HOSTILE}.txt", headers=_HTMX),
    door(
        "names", "API file", "/api/v1/documents/upload", Step(path="/api/v1/documents"), _DOCUMENTS,
        filename=f"{HOSTILE}.txt",
    ),
    door(
        "names", "collection", "/documents/collections/new/", _DOCUMENTS,
        form={"name": HOSTILE, "classification": "internal"},
    ),
    door(
        "names", "collection, another name", "/documents/collections/{collection}/edit/",
        Step(path="/documents/collections/{collection}/share/"),
        Step(path="/documents/collections/{collection}/delete/"),
        Step(path="/documents/", query={"collection": "{collection}"}),
        form={"name": HOSTILE, "classification": "internal"},
    ),
    door(
        "names", "collection: kind", "/documents/collections/new/",
        form={"name": "x", "classification": HOSTILE}, expects=422,
    ),
    door("names", "API collection", "/api/v1/collections", _DOCUMENTS, json={"name": HOSTILE}),
)  # fmt: skip

RULES = (
    door(
        "names", "sign-in rule", "/settings/sign-in/new/", Step(path="/settings/sign-in/"),
        Step(path="/admin/accounts/signinrule/"), who=ROOT,
        form={"source": "oidc", "claim": HOSTILE, "value": HOSTILE, "workspace": "{workspace}", "role": "user"},
    ),
    door(
        "names", "trial: address", "/settings/sign-in/try/", who=ROOT,
        form={"source": "oidc", "email": HOSTILE}, expects=422,
    ),
    door(
        "names", "trial: claims", "/settings/sign-in/try/", who=ROOT, harmless='{"groups": ["x"]}',
        form={"source": "oidc", "claims": HOSTILE},
    ),
    door("names", "links to end", "/settings/sign-in/unlink/", who=ROOT, form={"email": HOSTILE}, expects=422),
    door(
        "names", "directory: new person", "/scim/v2/Users", Step(path="/scim/v2/Users", headers=_SCIM),
        who=NOBODY, headers=_SCIM,
        json={
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{HOSTILE}@example.org",
            "externalId": HOSTILE, "displayName": HOSTILE, "name": {"givenName": HOSTILE, "familyName": HOSTILE},
        },
    ),
    door(
        "names", "directory: new group", "/scim/v2/Groups", Step(path="/scim/v2/Groups", headers=_SCIM),
        who=NOBODY, headers=_SCIM,
        json={
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": HOSTILE, "externalId": HOSTILE,
        },
    ),
    door(
        "names", "directory: patch", "/scim/v2/Users/{ben}", method="PATCH", who=NOBODY, headers=_SCIM,
        json={
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": HOSTILE, "value": HOSTILE}],
        },
    ),
)  # fmt: skip

DOORS: tuple[Door, ...] = (*PEOPLE, *ACCOUNT, *CONVERSATIONS, *DOCUMENTS, *RULES)
