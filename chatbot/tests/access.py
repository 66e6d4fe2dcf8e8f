"""Which permission every address needs, and whose the thing is that it names.

A route is `METHOD name` or `* name` for all its methods, an operation of the API `METHOD /api/v1/…`, a socket
`WS /ws/…`. `test_access.py` walks them all as everybody and compares with the permission table.
"""

from dataclasses import dataclass, field
from typing import Any

# Whose the named thing is. Empty: the address names none, and the permission alone decides.
ADA = "ada"  # hers alone
READERS = "readers"  # hers and shared with vera
WORKSPACE = "workspace"  # of her workspace: everybody there who has the permission, and super admins who have it
ANNA = "anna"  # the administrator's own
MEMBERS = "members"  # of her workspace: its members alone
NOBODY = "nobody"  # where nothing is configured there is no such thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`permission`: a code of the permission table, empty for a public address. `body`: what a POST must carry to get
    as far as the question who asks; values in braces name things of the walk's world."""

    permission: str
    whose: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    # The operation asks for a password or code itself, so that 401 means: wrong one.
    asks_again: bool = False


def public() -> Rule:
    return Rule(permission="")


def may(permission: str, whose: str = "", **body: Any) -> Rule:
    return Rule(permission=permission, whose=whose, body=body)


# Stands for an uploaded file.
FILE = object()
_ASK = {"content": "When does the canteen open?"}

PAGES: dict[str, Rule] = {
    # Signing in and out
    "* account_login": public(),
    "* account_logout": public(),
    "* account_inactive": public(),
    "* account_signup": public(),
    "* account_reset_password": public(),
    "* account_reset_password_done": public(),
    "* account_reset_password_from_key": public(),
    "* account_reset_password_from_key_done": public(),
    # The second half of a sign-in, and a whole one
    "* mfa_authenticate": public(),
    "* passkey_sign_in": public(),
    "* account_reauthenticate": may("account"),
    "* account_change_password": may("account"),
    "* accounts:setup": public(),
    "* accounts:invitation": public(),
    "* accounts:registration-asked": public(),
    "* accounts:registration-confirm": public(),
    "* oidc-login": public(),
    "* oidc-callback": public(),
    "* saml-login": public(),
    "* saml-acs": public(),
    "* saml-finish": public(),
    "* saml-metadata": public(),
    "* health": public(),
    "* ready": public(),
    "* metrics": public(),
    # One's own account
    "* accounts:profile": may("account"),
    "* accounts:notice-list": may("account"),
    "POST accounts:notice-seen": may("account", ADA),
    "* accounts:workspace-leave": may("account", MEMBERS),
    "POST accounts:workspace-switch": may("account", WORKSPACE, workspace="{workspace}"),
    "GET conversations:usage": may("account"),
    "* mfa_index": may("account"),
    "* accounts:security": may("account"),
    "* accounts:totp-add": may("account"),
    "* accounts:passkey-add": may("account"),
    "* accounts:passkey-name": may("account", ADA),
    "* accounts:factor-remove": may("account", ADA),
    "* accounts:recovery-codes": may("account"),
    "* accounts:step-up": may("account"),
    "* accounts:step-up-again": Rule(permission="account", asks_again=True),
    "* accounts:sessions": may("account"),
    "* accounts:sessions-end": may("account"),
    "* accounts:session-end": may("account", ADA),
    "* accounts:api-keys": may("key_write"),
    "* accounts:api-key-new": may("key_write"),
    "* accounts:api-key-end": may("key_write", ADA),
    # People and the workspace
    "* accounts:people": may("people_manage"),
    "* accounts:people-bulk": may("people_manage"),
    "* accounts:person-add": may("workspace_create"),
    "* accounts:invitations": may("people_manage"),
    "POST accounts:invitation-again": may("people_manage", WORKSPACE),
    "POST accounts:invitation-withdraw": may("people_manage", WORKSPACE),
    "* accounts:person": may("people_manage", WORKSPACE),
    "* accounts:person-role": may("people_manage", WORKSPACE, role="viewer"),
    "* accounts:person-limits": may("people_manage", WORKSPACE),
    "* accounts:person-remove": may("people_manage", WORKSPACE),
    "* accounts:person-unlock": may("people_manage", WORKSPACE),
    "* accounts:person-factor-reset": may("people_manage", WORKSPACE),
    "* accounts:person-end-sessions": may("people_manage", WORKSPACE),
    "* accounts:person-disable": may("people_manage", WORKSPACE),
    "* accounts:person-enable": may("people_manage", WORKSPACE),
    "* accounts:groups": may("people_manage"),
    "* accounts:group": may("people_manage", WORKSPACE),
    "* accounts:group-add": may("people_manage", WORKSPACE, person="{person}"),
    "* accounts:group-remove": may("people_manage", WORKSPACE),
    "* accounts:group-delete": may("people_manage", WORKSPACE),
    "* accounts:workspace": may("workspace_manage"),
    "* accounts:workspace-name": may("workspace_manage"),
    "* accounts:workspace-limits": may("workspace_manage"),
    "* accounts:workspace-second-factor": may("workspace_manage"),
    "* accounts:workspace-new": may("workspace_create", name="Branch office"),
    # Single sign-on
    "GET accounts:sign-in-rules": may("sign_in_rules_manage"),
    "* accounts:sign-in-rule-new": may("sign_in_rules_manage"),
    "* accounts:sign-in-rule-delete": may("sign_in_rules_manage"),
    "* accounts:sign-in-try": may("sign_in_rules_manage"),
    "POST accounts:sign-in-unlink": may("sign_in_rules_manage"),
    "GET accounts:connections": may("account"),
    "POST accounts:connection-add": may("account", NOBODY),
    "* accounts:connection-remove": may("account", ADA),
    # Looking into another's conversations
    "GET accounts:break-glass-list": may("break_glass"),
    "* accounts:break-glass-ask": may("break_glass", WORKSPACE),
    "POST accounts:break-glass-end": may("break_glass", ANNA),
    "GET conversations:break-glass-list": may("break_glass", ANNA),
    "GET conversations:break-glass-read": may("break_glass", ANNA),
    # The audit log
    "GET accounts:audit-log": may("audit_read"),
    "GET accounts:audit-log-newer": may("audit_read"),
    "GET accounts:audit-export": may("audit_read"),
    "GET accounts:audit-event": may("audit_read", WORKSPACE),
    # Conversations
    "GET conversations:conversation-new": may("conversation_read"),
    "GET conversations:conversation-list": may("conversation_read"),
    "POST conversations:conversation-list": may("conversation_write", **_ASK),
    "GET conversations:conversation-shared": may("conversation_read"),
    "GET conversations:conversation-detail": may("conversation_read", READERS),
    "GET conversations:conversation-item": may("conversation_read", ADA),
    "* conversations:conversation-rename": may("conversation_write", ADA, title="Other"),
    "* conversations:conversation-delete": may("conversation_write", ADA),
    "* conversations:conversation-share": may("share", ADA, add="{person}"),
    "POST conversations:message-create": may("conversation_write", ADA, **_ASK),
    "POST conversations:reply-stop": may("conversation_write", ADA),
    "POST conversations:branch-select": may("conversation_write", ADA, message="{message}"),
    "GET conversations:message-detail": may("conversation_read", READERS),
    "* conversations:message-edit": may("conversation_write", ADA, **_ASK),
    "POST conversations:reply-regenerate": may("conversation_write", ADA),
    "GET conversations:message-frames": may("conversation_read", READERS),
    "GET conversations:citation-detail": may("conversation_read", READERS),
    # The document may be closed to whom the conversation is open.
    "GET conversations:citation-page": may("document_read", NOBODY),
    "POST conversations:reply-plain": may("conversation_write", ADA),
    "POST conversations:message-feedback": may("conversation_write", ADA, rating="1"),
    "* conversations:gaps": may("gaps_read"),
    "GET conversations:gaps-mine": may("conversation_read"),
    "GET conversations:document-warnings": may("document_read"),
    "GET conversations:document-answers": may("document_read", ADA),
    "GET conversations:version-answers": may("document_manage", MEMBERS),
    "GET conversations:message-why": may("conversation_read", ADA),
    "GET conversations:passage-detail": may("conversation_read", ADA),
    # Documents
    "GET conversations:document-page": may("document_read", ADA),
    "GET documents:document-list": may("document_read"),
    "POST documents:document-list": may("document_write", files=FILE),
    "GET documents:document-states": may("document_read"),
    "* documents:document-chip": may("document_read", ADA),
    "* documents:document-delete": may("document_write", ADA),
    "* documents:document-tags": may("document_write", ADA),
    "GET documents:document-content": may("document_read", ADA),
    "* documents:document-move": may("document_write", ADA),
    "* documents:collection-new": may("collection_write", name="Shelf", classification="internal"),
    "* documents:collection-edit": may("collection_write", ADA),
    "* documents:collection-delete": may("collection_write", ADA),
    "* documents:collection-share": may("share", ADA, add="{person}"),
    # Golden questions and evaluations
    "POST conversations:golden-new": may("evaluation_manage", ADA, collection="{collection}"),
    "GET conversations:golden-new": may("evaluation_manage", ADA),
    "GET rag:evaluation-list": may("evaluation_manage"),
    "GET rag:evaluation-detail": may("evaluation_manage", ADA),
    "POST rag:evaluation-start": may("evaluation_manage", ADA, mode="hybrid"),
    "GET rag:evaluation-compare": may("evaluation_manage", ADA),
    "POST rag:tuning-change": may("evaluation_manage", ADA, rerank="on"),
    "POST rag:tuning-measure": may("evaluation_manage", ADA),
    "GET rag:evaluation-run": may("evaluation_manage", ADA),
    "POST rag:evaluation-stop": may("evaluation_manage", ADA),
    "GET rag:golden-list": may("evaluation_manage", ADA),
    "* rag:golden-new": may("evaluation_manage", ADA),
    "POST rag:golden-decide": may("evaluation_manage", ADA),
    "* rag:golden-import": may("evaluation_manage", ADA),
    "POST rag:golden-propose": may("evaluation_manage", ADA),
    "GET rag:proposals-progress": may("evaluation_manage", ADA),
    "POST rag:proposals-retry": may("evaluation_manage", ADA),
    "POST rag:proposals-stop": may("evaluation_manage", ADA),
    "* rag:golden-edit": may("evaluation_manage", ADA),
    "* rag:golden-delete": may("evaluation_manage", ADA),
    # Search indexes
    "GET rag:laboratory": may("evaluation_manage"),
    # The walk's document is not indexed, so there is no passage.
    "GET rag:laboratory-passage": may("evaluation_manage", NOBODY),
    "GET rag:index-list": may("index_manage"),
    "* rag:index-new": may("index_manage", name="Second", provider="onnx", embedder="bge-small-en-v1.5"),
    "POST rag:index-back": may("index_manage"),
    "GET rag:index-progress": may("index_manage"),
    "POST rag:index-pause": may("index_manage"),
    "POST rag:index-resume": may("index_manage"),
    "* rag:index-switch": may("index_manage"),
    "* rag:index-drop": may("index_manage"),
    # The page about the API
    "* api:openapi-view": may("account"),
    "* api:openapi-json": public(),
}

_CONVERSATION = "/api/v1/conversations/{conversation_id}"
_DOCUMENT = "/api/v1/documents/{document_id}"
_COLLECTION = "/api/v1/collections/{collection_id}"

OPERATIONS: dict[str, Rule] = {
    "POST /api/v1/auth/login": public(),
    "POST /api/v1/auth/refresh": public(),
    "POST /api/v1/auth/register": public(),
    "POST /api/v1/auth/password/reset": public(),
    "POST /api/v1/auth/logout": may("account"),
    "PUT /api/v1/auth/password/change": may("account"),
    "POST /api/v1/auth/2fa/setup": may("account"),
    "POST /api/v1/auth/2fa/verify": may("account", otp="000000"),
    "POST /api/v1/auth/2fa/disable": Rule(
        permission="account", body={"otp": "000000", "password": "wrong"}, asks_again=True
    ),
    "GET /api/v1/keys": may("key_write"),
    "POST /api/v1/keys": may("key_write", name="Key", scopes=["read"]),
    "DELETE /api/v1/keys/{key_id}": may("key_write", ADA),
    "GET /api/v1/admin/users": may("people_manage"),
    "GET /api/v1/admin/users/{user_id}": may("people_manage", WORKSPACE),
    "PUT /api/v1/admin/users/{user_id}": may("people_manage", WORKSPACE, role="viewer"),
    "DELETE /api/v1/admin/users/{user_id}": may("people_manage", WORKSPACE),
    "POST /api/v1/admin/invitations": may("people_manage", email="new@example.org"),
    "GET /api/v1/me": may("account"),
    "PUT /api/v1/me/workspace": may("account", WORKSPACE, workspace_id="{workspace}"),
    "GET /api/v1/me/workspace/grantees": may("share"),
    "GET /api/v1/admin/audit-logs": may("audit_read"),
    "GET /api/v1/models": may("model_read"),
    "GET /api/v1/models/{model_id}/status": may("model_read"),
    "GET /api/v1/conversations": may("conversation_read"),
    "POST /api/v1/conversations": may("conversation_write"),
    f"GET {_CONVERSATION}": may("conversation_read", READERS),
    f"PUT {_CONVERSATION}": may("conversation_write", ADA, title="Other"),
    f"DELETE {_CONVERSATION}": may("conversation_write", ADA),
    f"GET {_CONVERSATION}/grants": may("share", ADA),
    f"POST {_CONVERSATION}/grants": may("share", ADA, grantee_id="{person}"),
    f"DELETE {_CONVERSATION}/grants/{{grantee_id}}": may("share", ADA),
    f"POST {_CONVERSATION}/messages": may("conversation_write", ADA, **_ASK),
    f"POST {_CONVERSATION}/regenerate": may("conversation_write", ADA, message_id="{message}"),
    f"POST {_CONVERSATION}/stop": may("conversation_write", ADA),
    f"GET {_CONVERSATION}/stream": may("conversation_read", READERS),
    f"GET {_DOCUMENT}/answers": may("document_read", ADA),
    "GET /api/v1/documents/versions/{version_id}/answers": may("document_manage", MEMBERS),
    "PUT /api/v1/messages/{message_id}/feedback": may("conversation_write", ADA, rating=1),
    "DELETE /api/v1/messages/{message_id}/feedback": may("conversation_write", ADA),
    "GET /api/v1/messages/{message_id}/provenance": may("conversation_read", ADA),
    "GET /api/v1/documents": may("document_read"),
    "POST /api/v1/documents/search": may("document_read", query="noon"),
    "POST /api/v1/documents/upload": may("document_write", files=FILE),
    f"GET {_DOCUMENT}": may("document_read", ADA),
    f"PATCH {_DOCUMENT}": may("document_write", ADA, tags=["law"]),
    f"DELETE {_DOCUMENT}": may("document_write", ADA),
    f"GET {_DOCUMENT}/status": may("document_read", ADA),
    f"GET {_DOCUMENT}/content": may("document_read", ADA),
    f"GET {_DOCUMENT}/pages/{{page}}.png": may("document_read", ADA),
    f"PUT {_DOCUMENT}/collection": may("document_write", ADA, collection_id=None),
    "GET /api/v1/collections": may("document_read"),
    "POST /api/v1/collections": may("collection_write", name="Shelf"),
    f"GET {_COLLECTION}": may("document_read", ADA),
    f"PUT {_COLLECTION}": may("collection_write", ADA, name="Other"),
    f"DELETE {_COLLECTION}": may("collection_write", ADA),
    f"GET {_COLLECTION}/grants": may("share", ADA),
    f"POST {_COLLECTION}/grants": may("share", ADA, grantee_id="{person}"),
    f"DELETE {_COLLECTION}/grants/{{grantee_id}}": may("share", ADA),
}

SOCKETS: dict[str, Rule] = {"WS /ws/messages/<uuid:message_id>/": may("conversation_read", READERS)}
