"""Changing a password, and asking for a new one by mail."""

from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from apps.accounts import tasks
from apps.accounts.access_ended import access_ended_announce
from apps.accounts.mail import mail_deliver, mail_render
from apps.accounts.models import Membership, User
from apps.accounts.rate_limit import mail_may_be_asked
from apps.accounts.sign_in_guard import attempt_failed, attempt_require, attempt_succeeded
from apps.accounts.tokens import tokens_revoke_all
from apps.audit.actions import PASSWORD_CHANGED, PASSWORD_RESET_ASKED
from apps.audit.services import event_record
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.queue import task_enqueue

_OLD_IS_WRONG = "This is not your password."


def password_change(*, user: User, old: str, new: str, address: str | None) -> None:
    """Give the person a new password. Every other sign-in of theirs ends; the caller keeps its own alive.

    `address`: where the request comes from. Wrong old passwords count as failed sign-ins, so call it outside a
    transaction. Raises TooManyAttemptsError, and ValidationFailedError for `old` or `new`.
    """
    if not user.has_usable_password():
        raise ValidationFailedError(errors={"old": "You sign in through your organisation and have no password here."})
    attempt = attempt_require(email=user.email, address=address, is_signed_in=True)
    if not user.check_password(old):
        attempt_failed(attempt)
        raise ValidationFailedError(errors={"old": _OLD_IS_WRONG})
    attempt_succeeded(attempt)
    if old == new:
        raise ValidationFailedError(errors={"new": "Please choose another password than the one you have."})
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise ValidationFailedError(errors={"new": " ".join(error.messages)}) from error
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        password_change_finish(user=user)


@transaction.atomic
def password_change_finish(*, user: User) -> None:
    """What every change of a password brings: API sign-ins and open streams end, it is recorded and mailed.

    Browsers' sessions end by Django's session hash.
    """
    tokens_revoke_all(user=user)
    workspace_id = Membership.objects.filter(user=user).values_list("workspace_id", flat=True).first()
    event_record(action=PASSWORD_CHANGED, actor=user, workspace_id=workspace_id, target=user)
    access_ended_announce(user_id=user.pk)
    transaction.on_commit(lambda: task_enqueue(tasks.password_changed_mail, str(user.pk)))


@transaction.atomic
def password_reset_ask(*, email: str, base_url: str) -> None:
    """Have a worker mail a link to whoever has the address.

    Does the same for an address that nobody has, and does not look which it is: neither words nor time tell. Beyond
    a few mails an hour to one mailbox nothing more is sent.
    """
    email = email.strip().lower().replace("\x00", "")
    if not mail_may_be_asked(email=email):
        return
    event_record(action=PASSWORD_RESET_ASKED, actor=None, actor_label=email, workspace_id=None)
    transaction.on_commit(lambda: task_enqueue(tasks.password_reset_mail, email, base_url))


def password_reset_mail_send(*, email: str, base_url: str) -> None:
    """Mail a link that works until it is used, the password changes, the person signs in, or it is too old.

    Nothing for a closed account, and for one that signs in through the organisation: a password would be a way around.
    """
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None or not user.has_usable_password():
        return
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(user), key])
    context = {"link": f"{base_url}{path}", "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
    mail_deliver(mail_render(name="password_reset", to=user.email, context=context))


def password_changed_mail_send(*, user_id: UUID) -> None:
    """Tell the person, who may not have done it."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        context = {"link": f"{settings.PUBLIC_URL}{reverse('account_reset_password')}" if settings.PUBLIC_URL else ""}
        mail_deliver(mail_render(name="password_changed", to=user.email, context=context))
