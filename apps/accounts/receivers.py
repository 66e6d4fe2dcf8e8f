"""Sign-in and sign-out, from whichever page or API, into the audit log; and what ends with a membership."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_delete
from django.dispatch import receiver

from apps.accounts.models import Membership, User
from apps.accounts.permissions import grants_void
from apps.accounts.services.passwords import password_change_finish
from apps.accounts.sign_in_guard import guard_clear
from apps.audit.actions import SIGN_IN_FAILED, SIGNED_IN, SIGNED_OUT
from apps.audit.services import event_record


def _record(action: str, user: User) -> None:
    workspace_id = Membership.objects.filter(user=user).values_list("workspace_id", flat=True).first()
    event_record(action=action, actor=user, workspace_id=workspace_id, target=user)


@receiver(user_logged_in)
def sign_in_record(*, user: User, **_: Any) -> None:
    _record(SIGNED_IN, user)


@receiver(user_logged_out)
def sign_out_record(*, user: User | None, **_: Any) -> None:
    if user is not None:
        _record(SIGNED_OUT, user)


@receiver(user_login_failed)
def sign_in_failure_record(*, credentials: dict[str, Any], **_: Any) -> None:
    """Who was tried stands as a label: the address may be nobody's, and the answer must not depend on that."""
    label = str(credentials.get("email") or credentials.get("username") or "").replace("\x00", "")
    event_record(action=SIGN_IN_FAILED, actor=None, actor_label=label, workspace_id=None, result="refused")


@receiver([user_logged_in, password_reset])
def sign_in_guard_clear(*, user: User, **_: Any) -> None:
    """Whoever is in, or has the mailbox, is no stranger who guesses."""
    guard_clear(email=user.email)


@receiver([password_changed, password_reset, password_set])
def password_change_record(*, user: User, **_: Any) -> None:
    """For allauth's pages; the service of this product does the same by itself."""
    password_change_finish(user=user)


@receiver(post_delete, sender=Membership)
def membership_end_void(*, instance: Membership, **_: Any) -> None:
    """However somebody leaves a workspace, what they were granted there ends, and does not come back with them."""
    grants_void(user_id=instance.user_id, workspace_id=instance.workspace_id)
