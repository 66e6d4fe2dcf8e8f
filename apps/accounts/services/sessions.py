"""Ending access: of one sign-in, of all others, of a person altogether."""

from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction

from apps.accounts.access_ended import access_ended_announce
from apps.accounts.models import BrowserSession, User
from apps.accounts.second_factor.checking import audit_workspace_of
from apps.accounts.selectors.people import account_manage_require
from apps.accounts.selectors.sessions import families_of, session_key_hash, sessions_of
from apps.accounts.services.accounts import super_admin_stays
from apps.accounts.services.keys import keys_revoke_all
from apps.accounts.tokens import family_revoke, tokens_revoke_all
from apps.audit.actions import PERSON_DISABLED, PERSON_ENABLED, SESSION_ENDED, SESSIONS_ENDED
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError, NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How many of each ended. `api_sign_ins` counts families of tokens."""

    sessions: int
    api_sign_ins: int
    api_keys: int = 0


@transaction.atomic
def session_end(*, actor: User, sign_in_id: UUID) -> None:
    """Sign the actor out in one place: a browser's session, or an API sign-in by its family.

    Raises NotFoundError for what is not theirs or has ended.
    """
    if BrowserSession.objects.filter(user=actor, pk=sign_in_id).delete()[0]:
        kind = "browser"
        access_ended_announce(user_id=actor.pk)
    elif families_of(user=actor).filter(family=sign_in_id).exists():
        kind = "api"
        family_revoke(user=actor, family=sign_in_id)
    else:
        raise NotFoundError
    event_record(
        action=SESSION_ENDED,
        actor=actor,
        workspace_id=audit_workspace_of(actor),
        target=actor,
        data={"kind": kind, "id": sign_in_id},
    )


@transaction.atomic
def sessions_end_others(*, actor: User, session_key: str | None, family: UUID | None = None) -> Ended:
    """Sign the actor out everywhere but in the session with this key and the API sign-in of this family.

    API keys go on.
    """
    but = session_key_hash(session_key) if session_key else ""
    ended = _sign_ins_end(actor, but=but, family=family)
    event_record(
        action=SESSIONS_ENDED,
        actor=actor,
        workspace_id=audit_workspace_of(actor),
        target=actor,
        data={**asdict(ended), "but": "this"},
    )
    return ended


@transaction.atomic
def access_end_all(*, user: User, actor: User) -> Ended:
    """End all that lets the person in: sessions, API sign-ins and API keys; what they have open closes at once.

    The account itself stays as it is. The caller has checked that the actor may. Recorded as one event.
    """
    ended = _everything_end(user)
    event_record(
        action=SESSIONS_ENDED, actor=actor, workspace_id=audit_workspace_of(user), target=user, data=asdict(ended)
    )
    return ended


@transaction.atomic
def person_disable(*, actor: User, user: User) -> None:
    """Close an account, and with it at once everything that is open. Disabling twice is not an error.

    For super admins and for administrators of all the person's workspaces. Raises NotFoundError for a stranger,
    ForbiddenError for oneself, for a super admin's account and where others administer too, LastSuperAdminError.
    """
    account_manage_require(actor=actor, person=user)
    if actor.pk == user.pk:
        raise ForbiddenError("You cannot disable your own account.")
    super_admin_stays(user)
    if not _activity_change(user, is_active=False):
        return
    event_record(
        action=PERSON_DISABLED,
        actor=actor,
        workspace_id=audit_workspace_of(user),
        target=user,
        data=asdict(_everything_end(user)),
    )


@transaction.atomic
def person_enable(*, actor: User, user: User) -> None:
    """Open an account again. What ended when it was closed stays ended. Enabling twice is not an error.

    Raises as `person_disable`, except for oneself.
    """
    account_manage_require(actor=actor, person=user)
    if _activity_change(user, is_active=True):
        event_record(action=PERSON_ENABLED, actor=actor, workspace_id=audit_workspace_of(user), target=user)


def _activity_change(user: User, *, is_active: bool) -> bool:
    """Under a lock on the row. False if it is that already."""
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    is_news = row.is_active != is_active
    user.is_active = is_active
    if is_news:
        user.save(update_fields=["is_active"])
    return is_news


def _everything_end(user: User) -> Ended:
    ended = _sign_ins_end(user)
    return Ended(sessions=ended.sessions, api_sign_ins=ended.api_sign_ins, api_keys=keys_revoke_all(user=user))


def _sign_ins_end(user: User, *, but: str = "", family: UUID | None = None) -> Ended:
    """`but`: the hash of a session that stays; `family`: of an API sign-in that does."""
    rows = BrowserSession.objects.filter(user=user).exclude(key_hash=but)
    sessions = sessions_of(user=user).exclude(key_hash=but).count()
    families = families_of(user=user)
    if family is not None:
        families = families.exclude(family=family)
    api_sign_ins = families.count()
    rows.delete()
    tokens_revoke_all(user=user, but=family)
    access_ended_announce(user_id=user.pk)
    return Ended(sessions=sessions, api_sign_ins=api_sign_ins)
