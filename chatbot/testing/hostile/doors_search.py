"""Doors that look something up: searches, filters, cursors, keys in addresses."""

from chatbot.testing.hostile.types import ADA, ANNA, HOSTILE, NOBODY, ROOT, Door, Step, door

_HTMX = {"HX-Request": "true"}
_FILTERED = {HOSTILE: HOSTILE}
_SCIM = {"Authorization": "Bearer {key}", "Content-Type": "application/scim+json"}

# Path, who, and what of its query is hostile with the status that a harmless word gets.
_SEARCHES: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("/conversations/", ADA, {"q": 200, "cursor": 422, "last": 200}),
    ("/conversations/shared/", ADA, {"cursor": 422}),
    ("/conversations/{conversation}/", ADA, {"q": 200}),
    ("/conversations/{conversation}/share/", ADA, {"q": 200}),
    ("/documents/", ADA, {"q": 200, "state": 200, "cursor": 422, "collection": 404, "workspace": 404}),
    ("/documents/states/", ADA, {"ids": 200}),
    ("/documents/{document}/pages/1.png", ADA, {"chunk": 404}),
    ("/documents/collections/{collection}/share/", ADA, {"q": 200}),
    ("/people/", ANNA, {"q": 200, "role": 200, "status": 200, "cursor": 422}),
    (
        "/audit/", ANNA,
        {
            "actor": 200, "action": 422, "target": 200, "result": 422, "after": 422, "before": 422, "request_id": 200,
            "ip": 422, "workspace": 200, "cursor": 422,
        },
    ),
    ("/audit/", ROOT, {"actor": 200, "target": 200, "workspace": 422}),
    ("/audit/newer/", ANNA, {"seen": 422, "actor": 422}),
    ("/audit/export/", ANNA, {"format": 422, "actor": 422}),
    ("/api/v1/conversations", ADA, {"q": 200, "cursor": 422, "limit": 422, "shared": 422, "archived": 422}),
    ("/api/v1/conversations/{conversation}", ADA, {"tree": 422}),
    ("/api/v1/conversations/{conversation}/stream", ADA, {"message_id": 422, "after": 422}),
    ("/api/v1/documents", ADA, {"q": 200, "status": 422, "cursor": 422, "limit": 422, "collection": 422}),
    ("/api/v1/collections", ADA, {"cursor": 422, "limit": 422}),
    ("/api/v1/me/workspace/grantees", ADA, {"q": 200}),
    ("/api/v1/keys", ADA, {"cursor": 422, "limit": 422}),
    ("/api/v1/admin/users", ANNA, {"q": 200, "role": 422, "status": 422, "cursor": 422, "limit": 422}),
    (
        "/api/v1/admin/audit-logs", ANNA,
        {
            "actor": 200, "action": 422, "target": 200, "result": 422, "after": 422, "before": 422, "request_id": 200,
            "ip": 422, "workspace": 200, "format": 422, "limit": 422, "cursor": 422,
        },
    ),
)  # fmt: skip

SEARCHES = (
    *(
        door("search", f"{path} {name} ({who})", path, who=who, expects=expects, query={name: HOSTILE})
        for path, who, names in _SEARCHES
        for name, expects in names.items()
    ),
    *(
        door("search", f"{path} {name}, htmx", path, query={name: HOSTILE}, headers=_HTMX, expects=expects)
        for path, name, expects in (
            ("/conversations/", "q", 200), ("/conversations/", "cursor", 422), ("/documents/", "q", 200),
            ("/documents/collections/{collection}/share/", "q", 200),
        )
    ),
    *(
        door("search", f"{path} {name}, htmx", path, who=ANNA, query={name: HOSTILE}, headers=_HTMX)
        for path, name in (("/people/", "q"), ("/audit/", "actor"))
    ),
    door("search", "audit export", "/audit/export/", who=ANNA, query={"format": "csv", "actor": HOSTILE}),
    door("search", "audit export, target", "/audit/export/", who=ANNA, query={"format": "jsonl", "target": HOSTILE}),
    door("search", "passages: mode", "/api/v1/documents/search", json={"query": "x", "mode": HOSTILE}, expects=422),
    door(
        "search", "passages: keys", "/api/v1/documents/search", expects=422,
        json={"query": "x", "mode": "keyword", "collection_ids": [HOSTILE], "filters": {"after": HOSTILE}},
    ),
)  # fmt: skip

DIRECTORY = (
    *(
        door(
            "search", f"directory {path} {name} {value.partition(' ')[0]}", path, who=NOBODY, query={name: value},
            headers=_SCIM, expects=expects,
        )
        for path, name, value, expects in (
            ("/scim/v2/Users", "filter", HOSTILE, 400),
            ("/scim/v2/Users", "filter", f'userName eq "{HOSTILE}"', 200),
            ("/scim/v2/Users", "sortBy", HOSTILE, 400),
            ("/scim/v2/Users", "startIndex", HOSTILE, 400),
            ("/scim/v2/Users", "attributes", HOSTILE, 200),
            ("/scim/v2/Groups", "filter", f'displayName co "{HOSTILE}"', 200),
        )
    ),
    door("keys", "directory: person", f"/scim/v2/Users/{HOSTILE}", who=NOBODY, headers=_SCIM, expects=404),
    door("keys", "directory: other", f"/scim/v2/{HOSTILE}", who=NOBODY, headers=_SCIM, expects=404),
)  # fmt: skip

_LISTS = (
    "accounts/user", "accounts/workspace", "accounts/membership", "accounts/group", "accounts/apikey",
    "accounts/invitation", "accounts/externalidentity", "accounts/signinrule", "audit/event", "documents/document",
    "documents/collection", "conversations/conversation", "llm/inference",
)  # fmt: skip
ADMIN = (
    *(door("search", f"admin {name}: search", f"/admin/{name}/", who=ROOT, query={"q": HOSTILE}) for name in _LISTS),
    *(
        door(
            "search", f"admin people: {name}", "/admin/accounts/user/", who=ROOT, query={name: HOSTILE},
            expects=expects,
        )
        for name, expects in (
            ("o", 200), ("p", 200), ("all", 200), ("is_active__exact", 302), ("memberships__workspace__id__exact", 200),
            ("_to_field", 400), ("_popup", 200), ("e", 200), ("_facets", 200),
        )
    ),
    door("search", "admin people: a filter's name", "/admin/accounts/user/", who=ROOT, query=_FILTERED, expects=302),
    door(
        "search", "admin suggestions", "/admin/autocomplete/", who=ROOT, expects=403,
        query={"term": HOSTILE, "app_label": "accounts", "model_name": "user", "field_name": HOSTILE},
    ),
    door(
        "search", "admin person: way back", "/admin/accounts/user/{ada}/change/", who=ROOT,
        query={"_changelist_filters": HOSTILE},
    ),
    door("keys", "admin person", f"/admin/accounts/user/{HOSTILE}/change/", who=ROOT, expects=302),
    door("keys", "admin other", f"/admin/{HOSTILE}", who=ROOT, expects=404),
    door("keys", "admin view on site", f"/admin/r/{HOSTILE}/{HOSTILE}/", who=ROOT, expects=404),
)  # fmt: skip

KEYS: tuple[Door, ...] = (
    *(
        door("keys", path, path.replace("…", HOSTILE), who=ANNA, expects=404)
        for path in (
            "/conversations/…/", "/messages/…/", "/messages/{reply}/citations/…/", "/documents/…/content/",
            "/documents/{document}/pages/….png", "/documents/collections/…/edit/", "/people/…/", "/groups/…/",
            "/audit/…/", "/break-glass/…/", "/settings/keys/…/revoke/", "/static/…", "/static/css/…", "/…",
            "/settings/security/passkeys/…/name/", "/api/v1/…", "/api/v1/conversations/…", "/api/v1/documents/…",
            "/api/v1/documents/{document}/pages/….png", "/api/v1/keys/…", "/api/v1/admin/users/…", "/health…",
        )
    ),
    door("keys", "workspace switch", "/workspace/switch/", form={"workspace": HOSTILE}, expects=404),
    door(
        "keys", "API workspace switch", "/api/v1/me/workspace", method="PUT", json={"workspace_id": HOSTILE},
        expects=422,
    ),
    door(
        "keys", "share with", "/conversations/{conversation}/share/", Step(path="/conversations/{conversation}/share/"),
        form={"add": HOSTILE, "remove": HOSTILE}, expects=200,
    ),
    door(
        "keys", "API share with", "/api/v1/conversations/{conversation}/grants", json={"grantee_id": HOSTILE},
        expects=422,
    ),
    door(
        "keys", "move a document", "/documents/{document}/move/", form={"collection": HOSTILE}, expects=422
    ),
    door("keys", "branch", "/conversations/{conversation}/branch/", form={"message": HOSTILE}, expects=302),
    door("keys", "bulk change", "/people/bulk/", who=ANNA, form={"people": HOSTILE, "change": HOSTILE}, expects=422),
)  # fmt: skip

DOORS = (*SEARCHES, *DIRECTORY, *ADMIN, *KEYS)
