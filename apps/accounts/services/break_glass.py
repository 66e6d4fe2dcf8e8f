"""Looking into another person's conversations: with a reason, for half an hour, and the person is told."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.exceptions import BreakGlassRefusedError
from apps.accounts.models import BreakGlass, Membership, User
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.break_glass import break_glass_require
from apps.accounts.services.notices import notice_create
from apps.audit.actions import BREAK_GLASS_ENDED, BREAK_GLASS_OPENED, BREAK_GLASS_READ
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError

OPEN_FOR = timedelta(minutes=30)
REASON_MINIMUM = 15
REASON_MAXIMUM = 500


def break_glass_owner_require(*, actor: User, owner_id: UUID, workspace_id: UUID) -> User:
    """The member whose conversations the actor may ask to read. At most two queries.

    Raises ForbiddenError without the permission, NotFoundError for who is no member there, BreakGlassRefusedError for
    oneself and, unless the actor is one too, for super admins.
    """
    permission_require(user=actor, workspace_id=workspace_id, permission="break_glass")
    membership = Membership.objects.filter(user_id=owner_id, workspace_id=workspace_id).select_related("user").first()
    if membership is None:
        raise NotFoundError
    owner = membership.user
    if owner.pk == actor.pk:
        raise BreakGlassRefusedError("They are your own: open them as always.")
    if owner.is_super_admin and not actor.is_super_admin:
        raise BreakGlassRefusedError("The conversations of a super admin are open to super admins only.")
    return owner


@transaction.atomic
def break_glass_open(*, actor: User, owner_id: UUID, workspace_id: UUID, reason: str) -> BreakGlass:
    """Leave for the actor to read the owner's conversations in the workspace for 30 minutes. The owner is told at once.

    The caller has asked for the second factor (`step_up_required`). The reason is kept with the access and shown to
    the owner; the audit log holds only the access's key.
    Raises what `break_glass_owner_require` raises, and ValidationFailedError for too short a reason.
    """
    owner = break_glass_owner_require(actor=actor, owner_id=owner_id, workspace_id=workspace_id)
    access = BreakGlass.objects.create(
        workspace_id=workspace_id,
        actor=actor,
        owner=owner,
        reason=_reason_checked(reason),
        expires_at=timezone.now() + OPEN_FOR,
    )
    _record(BREAK_GLASS_OPENED, access, data={"minutes": int(OPEN_FOR.total_seconds() // 60)})
    notice_create(
        user=owner,
        text=f"{actor.get_username()} may read your conversations until {access.expires_at:%H:%M} UTC on "
        f"{access.expires_at:%d %B %Y}. The reason given: {access.reason}",
    )
    return access


@transaction.atomic
def break_glass_end(*, actor: User, access_id: UUID) -> None:
    """Give the leave back before its time. Raises NotFoundError for another's and for one that has ended."""
    access = break_glass_require(user=actor, access_id=access_id)
    BreakGlass.objects.filter(pk=access.pk).update(ended_at=timezone.now())
    _record(BREAK_GLASS_ENDED, access)


def break_glass_read_record(*, access: BreakGlass, conversation_id: UUID) -> None:
    """That a conversation was read under the access: each time, on behalf of nobody but the reader."""
    _record(BREAK_GLASS_READ, access, data={"conversation_id": conversation_id})


def _record(action: str, access: BreakGlass, data: dict[str, object] | None = None) -> None:
    event_record(
        action=action,
        actor=access.actor,
        workspace_id=access.workspace_id,
        target=access.owner,
        data={"access_id": access.pk, **(data or {})},
    )


def _reason_checked(reason: str) -> str:
    words = " ".join(reason.replace("\x00", "").split())
    if not REASON_MINIMUM <= len(words) <= REASON_MAXIMUM:
        raise ValidationFailedError(
            errors={"reason": f"Say why in {REASON_MINIMUM} to {REASON_MAXIMUM} characters; the person will read it."}
        )
    return words
