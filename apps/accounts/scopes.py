"""What an API key may do: the scope that each operation of the API asks of it. A test walks the API against this."""

import re
from functools import lru_cache

from django.http import HttpRequest

from apps.accounts.exceptions import ScopeMissingError
from apps.accounts.models import ApiKey, User

READ = ApiKey.Scope.READ
CHAT = ApiKey.Scope.CHAT
DOCUMENTS = ApiKey.Scope.DOCUMENTS
ADMIN = ApiKey.Scope.ADMIN
# For people only: an account's own affairs, keys among them.
PEOPLE = None

_OPERATIONS: dict[ApiKey.Scope | None, str] = {
    READ: """
        GET /me
        GET /me/workspace/grantees
        GET /models
        GET /models/{model_id}/status
        GET /conversations
        GET /conversations/{conversation_id}
        GET /conversations/{conversation_id}/grants
        GET /conversations/{conversation_id}/stream
        GET /messages/{message_id}/provenance
        GET /documents/{document_id}/answers
        GET /documents/versions/{version_id}/answers
        GET /documents
        GET /documents/{document_id}
        GET /documents/{document_id}/status
        GET /documents/{document_id}/content
        GET /documents/{document_id}/pages/{page}.png
        GET /collections
        GET /collections/{collection_id}
        GET /collections/{collection_id}/grants
    """,
    CHAT: """
        POST /conversations
        PUT /conversations/{conversation_id}
        DELETE /conversations/{conversation_id}
        POST /conversations/{conversation_id}/messages
        POST /conversations/{conversation_id}/regenerate
        POST /conversations/{conversation_id}/stop
        PUT /messages/{message_id}/feedback
        DELETE /messages/{message_id}/feedback
        POST /conversations/{conversation_id}/grants
        DELETE /conversations/{conversation_id}/grants/{grantee_id}
    """,
    DOCUMENTS: """
        POST /documents/search
        POST /documents/upload
        PATCH /documents/{document_id}
        DELETE /documents/{document_id}
        PUT /documents/{document_id}/collection
        POST /collections
        PUT /collections/{collection_id}
        DELETE /collections/{collection_id}
        POST /collections/{collection_id}/grants
        DELETE /collections/{collection_id}/grants/{grantee_id}
    """,
    ADMIN: """
        GET /admin/audit-logs
        GET /admin/users
        GET /admin/users/{user_id}
        PUT /admin/users/{user_id}
        DELETE /admin/users/{user_id}
        POST /admin/invitations
    """,
    PEOPLE: """
        POST /auth/logout
        PUT /auth/password/change
        POST /auth/2fa/setup
        POST /auth/2fa/verify
        POST /auth/2fa/disable
        PUT /me/workspace
        GET /keys
        POST /keys
        DELETE /keys/{key_id}
    """,
}
SCOPES: dict[str, ApiKey.Scope | None] = {
    line.strip(): scope for scope, lines in _OPERATIONS.items() for line in lines.strip().splitlines()
}


def scope_require(request: HttpRequest, *, user: User) -> None:
    """Pass if the request carries no API key, or one with the operation's scope. No query.

    Raises ScopeMissingError; for an operation that is not listed, too.
    """
    if user.api_key is None:
        return
    match = request.resolver_match
    scope = SCOPES.get(f"{request.method} {_path(match.route)}") if match else None
    if scope is None:
        raise ScopeMissingError("No API key may do this. Sign in as yourself.")
    if scope not in user.api_key.scopes:
        raise ScopeMissingError(f"This API key lacks the scope {scope.value}.")


@lru_cache(maxsize=512)
def _path(route: str) -> str:
    """`/documents/{document_id}` of Django's `api/v1/documents/<uuid:document_id>`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", "/" + route.split("/", 2)[-1])
