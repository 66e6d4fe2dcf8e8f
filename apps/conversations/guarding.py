"""Who watches a reply is watched: the stream ends with their access to it."""

from uuid import UUID

from apps.accounts.access import Access
from apps.accounts.access_guard import AccessGuard
from apps.conversations.selectors import message_readable_require


def message_guard(access: Access, message_id: UUID) -> AccessGuard:
    """Ends the stream of a message once its reader is signed out, closed out or may not read it any more."""
    return AccessGuard(access=access, check=lambda user: message_readable_require(user=user, message_id=message_id))
