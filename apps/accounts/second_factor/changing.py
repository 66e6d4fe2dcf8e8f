"""Services: adding and removing second factors. Each is audited, and the person is told by mail."""

from dataclasses import dataclass
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from apps.accounts.exceptions import (
    FactorExistsError,
    FactorNeededError,
    FactorSetupExpiredError,
)
from apps.accounts.mail import mail_render
from apps.accounts.models import RecoveryCode, User
from apps.accounts.second_factor.checking import Proof, audit_workspace_of, counted
from apps.accounts.second_factor.cipher import secret_decrypt, secret_encrypt
from apps.accounts.second_factor.enforcement import state_forget
from apps.accounts.second_factor.recovery import COUNT, recovery_codes_left, recovery_codes_replace
from apps.accounts.second_factor.state import PASSKEY, TOTP, factor_rows, has_second_factor, second_factor_state
from apps.accounts.second_factor.totp import qr_svg, totp_counter, totp_secret, totp_url
from apps.accounts.selectors.people import account_manage_require
from apps.accounts.services.sessions import access_end_all, sessions_end_others
from apps.accounts.tasks import mail_send
from apps.audit.actions import (
    RECOVERY_CODES_MADE,
    SECOND_FACTOR_ADDED,
    SECOND_FACTOR_REMOVED,
    SECOND_FACTOR_RESET,
)
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

# A secret that was shown and not confirmed is forgotten after that.
_SETUP_SECONDS = 900
NAME_LENGTH = 60
PASSKEYS_MAXIMUM = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpSetup:
    secret: str
    url: str
    svg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Where the person is signed in as they ask: the key of a browser's session, or the family of API tokens."""

    session_key: str | None = None
    family: UUID | None = None


def totp_setup(*, user: User) -> TotpSetup:
    """The secret that the person is about to take into an app; the same one until it is confirmed or forgotten.

    It waits encrypted in the cache. Raises FactorExistsError if there is an authenticator app already.
    """
    _no_totp_require(user)
    secret = _pending(user) or totp_secret()
    cache.set(_pending_key(user), secret_encrypt(secret), _SETUP_SECONDS)
    url = totp_url(user=user, secret=secret)
    return TotpSetup(secret=secret, url=url, svg=qr_svg(url))


@sensitive_variables("code", "secret")
def totp_add(*, actor: User, code: str, here: Here) -> list[str]:
    """Make the secret that `totp_setup` showed a second factor, once a code proves that an app has it.

    If it is the first one, the person is signed out everywhere but `here`. Returns recovery codes if there were none,
    else nothing. Outside a transaction. Raises OtpInvalidError,
    FactorSetupExpiredError if no secret waits, FactorExistsError, TooManyAttemptsError.
    """
    secret = _pending(actor)
    if secret is None:
        raise FactorSetupExpiredError
    found: list[int] = []

    def check() -> Proof | None:
        counter = totp_counter(secret=secret, code="".join(code.split()))
        if counter is None:
            return None
        found.append(counter)
        return Proof(kind=TOTP)

    counted(user=actor, check=check, is_signed_in=True)
    with transaction.atomic():
        _lock(actor)
        _no_totp_require(actor)
        # The counter of the code that was just taken: it does not work again for signing in.
        data = {"secret": secret_encrypt(secret), "counter": found[0]}
        Authenticator.objects.create(user=actor, type=TOTP, data=data)
        codes = _added(actor, kind=TOTP, here=here, told="An authenticator app was added to your account.")
    cache.delete(_pending_key(actor))
    return codes


@transaction.atomic
def passkey_add(*, actor: User, name: str, data: dict[str, object], here: Here) -> list[str]:
    """Keep a passkey whose registration was checked (`data`). Returns recovery codes if there were none.

    If it is the first second factor, the person is signed out everywhere but `here`.

    Raises ValidationFailedError for one too many.
    """
    _lock(actor)
    number = Authenticator.objects.filter(user_id=actor.pk, type=PASSKEY).count()
    if number >= PASSKEYS_MAXIMUM:
        raise ValidationFailedError(errors={"name": f"You have {number} passkeys. Remove one first."})
    shown = _name(name) or f"Passkey {number + 1}"
    Authenticator.objects.create(user=actor, type=PASSKEY, data={**data, "name": shown})
    return _added(actor, kind=PASSKEY, here=here, told="A passkey was added to your account.")


@transaction.atomic
def passkey_rename(*, actor: User, passkey_id: int, name: str) -> None:
    """Raises NotFoundError for another's, ValidationFailedError for an empty name. Names are not audited."""
    row = Authenticator.objects.select_for_update().filter(user_id=actor.pk, type=PASSKEY, pk=passkey_id).first()
    if row is None:
        raise NotFoundError
    shown = _name(name)
    if not shown:
        raise ValidationFailedError(errors={"name": "Give it a name."})
    row.data["name"] = shown
    row.save(update_fields=["data"])


@transaction.atomic
def factor_remove(*, actor: User, factor_id: int) -> None:
    """Take one's authenticator app or a passkey away. With the last of them the recovery codes go.

    The caller has asked for the second factor again. Raises NotFoundError for another's and FactorNeededError for the
    last one where a workspace demands one.
    """
    _lock(actor)
    rows = factor_rows(user=actor)
    row = rows.filter(pk=factor_id).first()
    if row is None:
        raise NotFoundError
    if not rows.exclude(pk=factor_id).exists():
        _not_needed_require(actor)
    kind = row.type
    row.delete()
    words = {TOTP: "The authenticator app was removed from your account."}
    _removed(actor, kind=kind, told=words.get(kind, "A passkey was removed from your account."))


@transaction.atomic
def second_factor_disable(*, actor: User) -> None:
    """Take all of one's second factors away. Raises FactorNeededError where a workspace demands one.

    The caller has asked for password and second factor.
    """
    _lock(actor)
    _not_needed_require(actor)
    if not factor_rows(user=actor).exists():
        raise NotFoundError("There is no second factor to turn off.")
    factor_rows(user=actor).delete()
    _removed(actor, kind="all", told="The second factor of your account was turned off.")


@transaction.atomic
def recovery_codes_make(*, actor: User) -> list[str]:
    """New recovery codes; former ones end. Raises NotFoundError without a second factor to stand in for."""
    _lock(actor)
    if not has_second_factor(user=actor):
        raise NotFoundError
    codes = _codes_make(actor)
    _tell(actor, "New recovery codes were made for your account. The former ones do not work any more.")
    return codes


@transaction.atomic
def second_factor_reset(*, actor: User, user: User) -> None:
    """Take away all second factors of somebody who lost them, and end their sign-ins; they are told by mail.

    For administrators of all the person's workspaces and super admins; the caller has asked for the second factor
    again. Raises NotFoundError for a stranger, ForbiddenError for oneself, for super admins' accounts and where others
    administer too.
    """
    if actor.pk == user.pk:
        raise ForbiddenError("Change your own second factor on your security page.")
    account_manage_require(actor=actor, person=user)
    _lock(user)
    removed, _ = factor_rows(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    event_record(
        action=SECOND_FACTOR_RESET,
        actor=actor,
        workspace_id=audit_workspace_of(user),
        target=user,
        data={"factors": removed},
    )
    access_end_all(user=user, actor=actor)
    _tell(user, "An administrator took the second factor off your account and signed you out everywhere.")
    transaction.on_commit(lambda: state_forget(user_id=user.pk))


def _added(actor: User, *, kind: str, here: Here, told: str) -> list[str]:
    if factor_rows(user=actor).count() == 1:
        # Whoever got in by the password alone must not stay in.
        sessions_end_others(actor=actor, session_key=here.session_key, family=here.family)
    _changed(actor, action=SECOND_FACTOR_ADDED, kind=kind, told=told)
    return [] if recovery_codes_left(user=actor) else _codes_make(actor)


def _removed(actor: User, *, kind: str, told: str) -> None:
    if not has_second_factor(user=actor):
        RecoveryCode.objects.filter(user=actor).delete()
    _changed(actor, action=SECOND_FACTOR_REMOVED, kind=kind, told=told)


def _changed(actor: User, *, action: str, kind: str, told: str) -> None:
    event_record(action=action, actor=actor, workspace_id=audit_workspace_of(actor), target=actor, data={"kind": kind})
    _tell(actor, told)
    transaction.on_commit(lambda: state_forget(user_id=actor.pk))


def _codes_make(actor: User) -> list[str]:
    codes = recovery_codes_replace(user=actor)
    event_record(
        action=RECOVERY_CODES_MADE,
        actor=actor,
        workspace_id=audit_workspace_of(actor),
        target=actor,
        data={"count": COUNT},
    )
    return codes


def _tell(user: User, what: str) -> None:
    """By mail: whoever did not do it must hear of it."""
    link = f"{settings.PUBLIC_URL}{reverse('accounts:security')}" if settings.PUBLIC_URL else ""
    mail = mail_render(name="second_factor_changed", to=user.email, context={"what": what, "link": link})
    transaction.on_commit(lambda: task_enqueue(mail_send, mail.to, mail.subject, mail.text, mail.html))


def _not_needed_require(user: User) -> None:
    if second_factor_state(user=user).required:
        raise FactorNeededError


def _no_totp_require(user: User) -> None:
    if Authenticator.objects.filter(user_id=user.pk, type=TOTP).exists():
        raise FactorExistsError


def _lock(user: User) -> None:
    """Changes of one person's factors go one after the other."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _pending(user: User) -> str | None:
    kept = cache.get(_pending_key(user))
    return secret_decrypt(kept) if isinstance(kept, str) else None


def _pending_key(user: User) -> str:
    return f"second-factor-setup:{user.pk}"


def _name(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:NAME_LENGTH]
