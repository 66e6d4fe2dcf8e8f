"""Which profile searches use: the switch to another, and back. One transaction; searches before and after find all."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import permission_require
from apps.audit.actions import INDEX_SWITCHED
from apps.audit.services import event_record
from apps.rag.exceptions import IndexStateError, SwitchBlockedError
from apps.rag.models import IndexProfile
from apps.rag.profiles import tasks
from apps.rag.profiles.changing import profile_locked
from apps.rag.profiles.coverage import Coverage, coverage_of
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

_State = IndexProfile.State
# What a switch can go to; with force also what is still being built.
READY_STATES = (_State.READY, _State.RETIRED)
FORCED_STATES = (*READY_STATES, _State.BUILDING, _State.PAUSED)
REASON_LENGTH = 300


def index_switch(
    *, actor: User | None, profile_id: UUID, force_reason: str = "", actor_label: str = ""
) -> IndexProfile:
    """Make the profile the live one, after asking the golden questions of both: for workers and commands only.

    `force_reason`: do it whatever speaks against it; the reason is recorded. Raises SwitchBlockedError with the
    reasons against it, IndexStateError, NotFoundError.
    """
    profile = _profile_require(actor, profile_id)
    _not_live_check(profile)
    if not force_reason and (reasons := _reasons(profile)):
        raise SwitchBlockedError(reasons)
    return _switch(actor=actor, profile_id=profile_id, force_reason=force_reason, actor_label=actor_label)[0]


def index_switch_force(*, actor: User, profile_id: UUID, reason: str) -> IndexProfile:
    """As `index_switch` with a reason; asks no questions, so pages may call it."""
    words = " ".join(reason.replace("\x00", "").split())
    if not words or len(words) > REASON_LENGTH:
        raise ValidationFailedError(errors={"reason": f"Say why, in up to {REASON_LENGTH} characters."})
    return index_switch(actor=actor, profile_id=profile_id, force_reason=words)


@transaction.atomic
def index_switch_ask(*, actor: User, profile_id: UUID) -> None:
    """Have a worker check the profile and switch to it; what speaks against it is shown with the profile.

    Raises SwitchBlockedError at once where documents are missing, IndexStateError.
    """
    profile = profile_locked(actor=actor, profile_id=profile_id)
    _not_live_check(profile)
    if reasons := coverage_reasons(profile, coverage_of(profile)):
        raise SwitchBlockedError(reasons)
    profile.switch_wanted_at, profile.switch_wanted_by, profile.switch_blocked = timezone.now(), actor, ""
    profile.save(update_fields=["switch_wanted_at", "switch_wanted_by", "switch_blocked"])
    transaction.on_commit(partial(task_enqueue, tasks.index_switch_check, str(profile.pk)))


def index_switch_wanted(*, profile_id: UUID) -> bool:
    """Do the switch that somebody asked for, if nothing speaks against it. False if none is wanted or it was not done.

    May run twice: the second finds the lock taken, or nothing wanted any more.
    """
    with _alone(profile_id) as is_alone:
        profile = IndexProfile.objects.filter(pk=profile_id).exclude(switch_wanted_at=None).first()
        if not is_alone or profile is None:
            return False
        reasons: tuple[str, ...] = ()
        try:
            if profile.switch_wanted_by is None:
                raise NotFoundError
            index_switch(actor=profile.switch_wanted_by, profile_id=profile_id)
        except SwitchBlockedError as error:
            reasons = error.reasons
        except (IndexStateError, NotFoundError) as error:
            reasons = (error.detail or error.title,)
        IndexProfile.objects.filter(pk=profile_id).update(
            switch_wanted_at=None, switch_wanted_by=None, switch_blocked="\n".join(reasons)
        )
        return not reasons


def index_roll_back(*, actor: User | None, actor_label: str = "") -> tuple[IndexProfile, int]:
    """Make the profile live that was so before, at once; also gives how many documents it still misses.

    Those are added as soon as a worker is free. Raises IndexStateError if there is none.
    """
    if actor is not None:
        permission_require(user=actor, workspace_id=None, permission="index_manage")
    last = roll_back_target()
    if last is None:
        raise IndexStateError("There is no earlier index to go back to.")
    return _switch(actor=actor, profile_id=last.pk, is_roll_back=True, actor_label=actor_label)


def roll_back_target() -> IndexProfile | None:
    """The profile that was live last. One query."""
    return IndexProfile.objects.filter(state=_State.RETIRED).order_by("-retired_at").first()


def coverage_reasons(profile: IndexProfile, coverage: Coverage) -> list[str]:
    """What speaks against a switch by what stands in the index alone."""
    reasons = []
    if profile.state not in READY_STATES:
        reasons.append(f"The index {profile.title} is {profile.state}, not ready.")
    if coverage.missing:
        reasons.append(f"{_documents(coverage.missing)} not in it yet.")
    if coverage.failed:
        reasons.append(f"{_documents(coverage.failed)} not in it because indexing failed.")
    return reasons


def _documents(count: int) -> str:
    return "1 document is" if count == 1 else f"{count} documents are"


def _not_live_check(profile: IndexProfile) -> None:
    if profile.state == _State.LIVE:
        raise IndexStateError(f"The index {profile.title} is the live one already.")


def _reasons(profile: IndexProfile) -> list[str]:
    """Those of coverage first: an index that is not whole need not be measured."""
    # Measuring searches, and so loads model libraries.
    from apps.rag.evaluation.gate import switch_check

    return coverage_reasons(profile, coverage_of(profile)) or switch_check(profile=profile)


def _profile_require(actor: User | None, profile_id: UUID) -> IndexProfile:
    if actor is not None:
        permission_require(user=actor, workspace_id=None, permission="index_manage")
    profile = IndexProfile.objects.filter(pk=profile_id).first()
    if profile is None:
        raise NotFoundError
    return profile


@transaction.atomic
def _switch(
    *,
    actor: User | None,
    profile_id: UUID,
    force_reason: str = "",
    is_roll_back: bool = False,
    actor_label: str = "",
) -> tuple[IndexProfile, int]:
    """The profile, and how many documents it misses."""
    # In the order of their keys, so that two switches at once wait for each other and not crosswise.
    rows = IndexProfile.objects.select_for_update(no_key=True).order_by("pk")
    profiles = {row.pk: row for row in rows}
    profile = profiles.get(profile_id)
    if profile is None:
        raise NotFoundError
    live = next((row for row in profiles.values() if row.state == _State.LIVE), None)
    _not_live_check(profile)
    coverage = coverage_of(profile)
    _state_check(profile, coverage, is_forced=bool(force_reason), is_roll_back=is_roll_back)
    _states_write(live, profile)
    event_record(
        action=INDEX_SWITCHED,
        actor=actor,
        actor_label=actor_label,
        workspace_id=None,
        target=profile,
        data={
            "from": str(live.pk) if live else "",
            "missing": coverage.missing,
            "roll_back": is_roll_back,
            "forced": bool(force_reason),
            **({"reason": force_reason} if force_reason else {}),
        },
    )
    transaction.on_commit(partial(tasks.step_enqueue, profile.pk))
    return profile, coverage.missing


def _state_check(profile: IndexProfile, coverage: Coverage, *, is_forced: bool, is_roll_back: bool) -> None:
    """Again under the lock: meanwhile somebody may have paused or dropped it, or a document have come."""
    if profile.state not in (FORCED_STATES if is_forced else READY_STATES):
        raise IndexStateError(f"The index {profile.title} is {profile.state}; it cannot become the live one.")
    if not profile.dimensions:
        raise IndexStateError("Nothing stands in this index yet.")
    if not is_forced and not is_roll_back and (reasons := coverage_reasons(profile, coverage)):
        raise SwitchBlockedError(reasons)


def _states_write(live: IndexProfile | None, profile: IndexProfile) -> None:
    now = timezone.now()
    if live is not None:
        # First, because there is never more than one.
        live.state, live.retired_at = _State.RETIRED, now
        live.save(update_fields=["state", "retired_at"])
    profile.state, profile.live_at, profile.retired_at = _State.LIVE, now, None
    profile.switch_wanted_at = profile.switch_wanted_by = None
    profile.switch_blocked = profile.error_detail = ""
    profile.lease_token = profile.lease_expires_at = profile.enqueued_at = None
    profile.save()


@contextmanager
def _alone(profile_id: UUID) -> Iterator[bool]:
    """A lock that the connection holds, so that a killed worker leaves none behind."""
    key = f"rag_switch {profile_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        [is_alone] = cursor.fetchone()
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
