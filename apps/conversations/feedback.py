"""What people think of replies to their questions."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import permission_require
from apps.audit.actions import FEEDBACK_GIVEN
from apps.audit.services import event_record
from apps.conversations.models import Feedback, Message
from apps.conversations.selectors import message_require
from chatbot.lib.errors import NotFoundError, ValidationFailedError

REASON_MAXIMUM = 1000
UP, DOWN = 1, -1


@transaction.atomic
def feedback_give(*, actor: User, message_id: UUID, rating: int, reason: str = "") -> Feedback:
    """Rate a reply in one's own conversation, or rate it anew.

    Raises NotFoundError for what is not a reply that has ended, ForbiddenError, ValidationFailedError.
    """
    message = _reply_require(actor, message_id)
    reason = " ".join(reason.replace("\x00", "").split())
    if rating not in {UP, DOWN}:
        raise ValidationFailedError(errors={"rating": "must be 1 or -1"})
    if len(reason) > REASON_MAXIMUM:
        raise ValidationFailedError(errors={"reason": f"At most {REASON_MAXIMUM:,} characters."})
    feedback, _ = Feedback.objects.update_or_create(
        message=message,
        user=actor,
        defaults={"workspace_id": message.workspace_id, "rating": rating, "reason": reason},
    )
    _record(actor, message, rating=rating, has_reason=bool(reason))
    return feedback


@transaction.atomic
def feedback_withdraw(*, actor: User, message_id: UUID) -> None:
    """Take it back; nothing given is no error. Raises NotFoundError, ForbiddenError."""
    message = _reply_require(actor, message_id)
    if Feedback.objects.filter(message=message, user=actor).delete()[0]:
        _record(actor, message, rating=0, has_reason=False)


def ratings_of(messages: Sequence[Message], *, user: User) -> dict[UUID, int]:
    """Message -> this person's rating, for those that they rated. One query, none without replies that have ended."""
    keys = [message.pk for message in messages if message.role == Message.Role.ASSISTANT and not message.is_open]
    if not keys:
        return {}
    return dict(Feedback.objects.filter(message_id__in=keys, user=user).values_list("message_id", "rating"))


def _reply_require(actor: User, message_id: UUID) -> Message:
    message = message_require(user=actor, message_id=message_id)
    permission_require(user=actor, workspace_id=message.workspace_id, permission="conversation_write")
    if message.role != Message.Role.ASSISTANT or message.is_open:
        raise NotFoundError("Only a finished reply can be rated.")
    return message


def _record(actor: User, message: Message, *, rating: int, has_reason: bool) -> None:
    event_record(
        action=FEEDBACK_GIVEN,
        actor=actor,
        workspace_id=message.workspace_id,
        target=message,
        data={"conversation_id": message.conversation_id, "rating": rating, "has_reason": has_reason},
    )
