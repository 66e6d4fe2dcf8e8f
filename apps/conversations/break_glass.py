"""Reading another person's conversations under a break-glass access: the one door to them, and each look is recorded.

Apart from `selectors.py`, so that nothing that a person does with their own conversations can open another's.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import BreakGlass, User
from apps.accounts.selectors.break_glass import break_glass_require
from apps.accounts.services.break_glass import break_glass_read_record
from apps.conversations.models import Conversation
from chatbot.lib.errors import NotFoundError


def conversations_under(access: BreakGlass) -> QuerySet[Conversation]:
    """The owner's conversations in the access's workspace, unordered."""
    return Conversation.objects.filter(owner_id=access.owner_id, workspace_id=access.workspace_id)


@transaction.atomic
def conversation_read_under(*, actor: User, access_id: UUID, conversation_id: UUID) -> tuple[BreakGlass, Conversation]:
    """The conversation, with an audit event that it was read; without the event nobody reads it.

    Raises NotFoundError for another's access, one that has ended, and conversations that it does not open.
    """
    access = break_glass_require(user=actor, access_id=access_id)
    conversation = conversations_under(access).filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFoundError
    break_glass_read_record(access=access, conversation_id=conversation.pk)
    return access, conversation
