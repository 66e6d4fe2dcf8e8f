"""Letting others read a conversation."""

from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import permission_require
from apps.accounts.services.grants import grant_create, grant_delete
from apps.conversations.models import Conversation
from apps.conversations.selectors import conversation_require


def conversation_shareable(*, user: User, conversation_id: UUID) -> Conversation:
    """The conversation, if the person may see and change whom it is shared with: its owner, and no viewer.

    Raises NotFoundError, ForbiddenError.
    """
    conversation = conversation_require(user=user, conversation_id=conversation_id)
    permission_require(user=user, workspace_id=conversation.workspace_id, permission="share")
    return conversation


@transaction.atomic
def conversation_share(*, actor: User, conversation_id: UUID, grantee_id: UUID) -> None:
    """Let a person or a group of the workspace read it, all its branches, now and as it goes on.

    Raises NotFoundError, ForbiddenError.
    """
    conversation = conversation_shareable(user=actor, conversation_id=conversation_id)
    grant_create(actor=actor, workspace_id=conversation.workspace_id, target=conversation, grantee_id=grantee_id)


@transaction.atomic
def conversation_unshare(*, actor: User, conversation_id: UUID, grantee_id: UUID) -> None:
    """Take it back. Raises NotFoundError, ForbiddenError."""
    conversation = conversation_shareable(user=actor, conversation_id=conversation_id)
    grant_delete(actor=actor, workspace_id=conversation.workspace_id, target=conversation, grantee_id=grantee_id)
