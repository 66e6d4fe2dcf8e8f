"""Sign-in and sign-out, from whichever page or API, into the audit log."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from apps.accounts.models import Membership, User
from apps.accounts.tokens import tokens_revoke_all
from apps.audit.actions import PASSWORD_CHANGED, SIGN_IN_FAILED, SIGNED_IN, SIGNED_OUT
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


@receiver([password_changed, password_reset, password_set])
def password_change_record(*, user: User, **_: Any) -> None:
    """Also ends the person's API sign-ins; browsers' end by Django's session hash."""
    tokens_revoke_all(user=user)
    _record(PASSWORD_CHANGED, user)
