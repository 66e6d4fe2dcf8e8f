"""Registration by oneself, where it is open.

Until the mailbox is proven nothing is stored: the mailed link carries, encrypted, what was entered. Asking is the same
work for an address that somebody has, so neither words nor time tell.
"""

import base64
import json
from typing import cast

from allauth.account.models import EmailAddress
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac

from apps.accounts import tasks
from apps.accounts.mail import mail_deliver, mail_render
from apps.accounts.models import Membership, User
from apps.accounts.rate_limit import mail_may_be_asked
from apps.accounts.services.first_run import workspace_default_ensure
from apps.accounts.services.people import member_added_record
from apps.accounts.sign_in_guard import attempt_failed, attempt_require, attempt_succeeded
from apps.audit.actions import PERSON_CREATED
from apps.audit.services import event_record
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

_GONE = "This link was used already, or it is too old. Try to sign in; if that does not work, register again."
_NAME_LENGTH = 150


def registration_is_open() -> bool:
    return settings.REGISTRATION != "closed"


def registration_require_open() -> None:
    """Raises NotFoundError where people cannot register: the page does not exist then."""
    if not registration_is_open():
        raise NotFoundError


@transaction.atomic
def registration_ask(*, email: str, password: str, name: str, base_url: str) -> None:
    """Have a worker mail a link that completes the registration, or a word to whoever has the address already.

    Raises NotFoundError where registration is closed and ValidationFailedError for what was entered.
    """
    registration_require_open()
    email, name = email.strip().lower(), name.strip()[:_NAME_LENGTH]
    _check(email=email, password=password, name=name)
    token = _seal({"email": email, "name": name, "password": make_password(password)})
    if mail_may_be_asked(email=email):
        transaction.on_commit(lambda: task_enqueue(tasks.registration_mail, email, token, base_url))


def registration_mail_send(*, email: str, token: str, base_url: str) -> None:
    """The link for a new address; for one that has an account, the way back into it."""
    if User.objects.filter(email=email).exists():
        known = {
            "sign_in": f"{base_url}{reverse('account_login')}",
            "reset": f"{base_url}{reverse('account_reset_password')}",
        }
        mail_deliver(mail_render(name="registration_known", to=email, context=known))
        return
    link = f"{base_url}{reverse('accounts:registration-confirm', args=[token])}"
    new = {"link": link, "hours": settings.REGISTRATION_LINK_SECONDS // 3600}
    mail_deliver(mail_render(name="registration", to=email, context=new))


def registration_read(*, token: str) -> str:
    """The address that a link was mailed to. Raises NotFoundError for one that does not work any more. One query."""
    registration_require_open()
    email = _open(token)["email"]
    if User.objects.filter(email=email).exists():
        raise NotFoundError(_GONE)
    return email


def registration_complete(*, token: str, password: str, address: str | None) -> User:
    """Make the account. The password is asked again: the mailbox's owner may not be the one who entered it.

    Wrong passwords count as failed sign-ins, so call it outside a transaction. Raises NotFoundError,
    TooManyAttemptsError and ValidationFailedError.
    """
    email = registration_read(token=token)
    entered = _open(token)
    attempt = attempt_require(email=email, address=address)
    if not check_password(password, entered["password"]):
        attempt_failed(attempt)
        raise ValidationFailedError(errors={"password": "This is not the password that you chose."})
    attempt_succeeded(attempt)
    try:
        return _create(email=email, name=entered["name"], password_hash=entered["password"])
    except IntegrityError as error:
        # The link was opened twice at once.
        raise NotFoundError(_GONE) from error


@transaction.atomic
def _create(*, email: str, name: str, password_hash: str) -> User:
    user = User.objects.create(email=email, name=name, password=password_hash)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    workspace = workspace_default_ensure()
    membership = Membership.objects.create(user=user, workspace=workspace, role=Membership.Role.USER)
    event_record(action=PERSON_CREATED, actor=user, workspace_id=workspace.pk, target=user)
    member_added_record(actor=user, membership=membership)
    return user


def _check(*, email: str, password: str, name: str) -> None:
    errors: dict[str, str] = {}
    try:
        validate_email(email)
    except ValidationError as error:
        errors["email"] = " ".join(error.messages)
    else:
        if settings.REGISTRATION == "domains" and email.rpartition("@")[2] not in settings.REGISTRATION_DOMAINS:
            errors["email"] = f"Only addresses of {', '.join(settings.REGISTRATION_DOMAINS)} can register."
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        errors["password"] = " ".join(error.messages)
    if errors:
        raise ValidationFailedError(errors=errors)


def _seal(entered: dict[str, str]) -> str:
    return _cipher().encrypt(json.dumps(entered).encode()).decode().rstrip("=")


def _open(token: str) -> dict[str, str]:
    try:
        plain = _cipher().decrypt(token + "=" * (-len(token) % 4), ttl=settings.REGISTRATION_LINK_SECONDS)
    except (InvalidToken, ValueError) as error:
        raise NotFoundError(_GONE) from error
    return cast("dict[str, str]", json.loads(plain))


def _cipher() -> Fernet:
    key = salted_hmac("apps.accounts.services.registration", "key", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
