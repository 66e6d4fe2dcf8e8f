"""Locks an account and a network address after failed attempts, longer each time.

Each attempt is counted as failed before the password is looked at and taken back when it was right: of twenty wrong
ones sent at once, no more than the limit are checked. Accounts are known by their address's keyed hash only, so one
that nobody has is locked like any other.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.exceptions import TooManyAttemptsError
from apps.accounts.models import SignInGuard, User
from apps.audit.actions import SIGN_IN_LOCKED
from apps.audit.services import event_record
from chatbot.lib.keys import uuid7
from chatbot.lib.request_context import address_counted

Kind = SignInGuard.Kind

# After a day without failures the count begins anew.
QUIET = timedelta(days=1)
# Doubled so often, any first delay is longer than the longest.
_MOST_DOUBLINGS = 20

# Counts one failure unless the row is locked; then no row comes back. A single statement, so that attempts at the same
# moment queue up behind each other's counts.
_COUNT = """
INSERT INTO accounts_signinguard AS guard (id, kind, subject_hash, failures, last_failure_at, locked_until)
VALUES (%(id)s, %(kind)s, %(subject)s, 1, %(now)s, CASE WHEN %(limit)s <= 1 THEN %(now)s + %(first)s END)
ON CONFLICT (kind, subject_hash) DO UPDATE SET
    failures = CASE WHEN guard.last_failure_at < %(quiet)s THEN 1 ELSE guard.failures + 1 END,
    last_failure_at = %(now)s,
    locked_until = CASE
        WHEN guard.last_failure_at < %(quiet)s THEN CASE WHEN %(limit)s <= 1 THEN %(now)s + %(first)s END
        WHEN guard.failures + 1 >= %(limit)s THEN %(now)s + LEAST(
            %(first)s * power(2, LEAST(guard.failures + 1 - %(limit)s, %(doublings)s)), %(longest)s)
    END
WHERE guard.locked_until IS NULL OR guard.locked_until <= %(now)s
RETURNING failures, locked_until
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    kind: str
    subject: str
    failures: int
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that may be made, counted as failed until `attempt_succeeded` says otherwise."""

    email: str
    locks: tuple[Lock, ...]


def attempt_require(*, email: str, address: str | None, is_signed_in: bool = False) -> Attempt:
    """Leave to check one password or code of the account from the network address. Two statements of their own.

    Somebody who is signed in and asked again has a count of their own, of the account alone: strangers who fail at the
    sign-in page must not keep them from their own settings.

    Call it outside a transaction, before looking at what was entered; afterwards call `attempt_failed` or
    `attempt_succeeded` with what it returns. Raises TooManyAttemptsError while the account or the address is locked.
    """
    locks: list[Lock] = []
    for kind, subject, limit in _subjects(email=email, address=address, is_signed_in=is_signed_in):
        lock = _count(kind=kind, subject=subject, limit=limit)
        if lock is None:
            _take_back(locks)
            raise _refusal(kind=kind, subject=subject)
        locks.append(lock)
    return Attempt(email=email, locks=tuple(locks))


def attempt_failed(attempt: Attempt) -> None:
    """The password or code was wrong: the count stands. A lock that this began is recorded, once."""
    now = timezone.now()
    for lock in attempt.locks:
        if lock.until is not None:
            event_record(
                action=SIGN_IN_LOCKED,
                actor=None,
                actor_label=attempt.email.replace("\x00", ""),
                workspace_id=None,
                data={
                    "kind": lock.kind,
                    "failures": lock.failures,
                    "seconds": round((lock.until - now).total_seconds()),
                },
                result="refused",
            )


def attempt_succeeded(attempt: Attempt) -> None:
    """It was right: this attempt is taken back. Earlier failures stay until the sign-in is complete.

    Whoever has the password but not the second factor would otherwise wipe the count with each round.
    """
    _take_back(attempt.locks)


def guard_clear(*, email: str) -> None:
    """Forget the account's failures, as after a complete sign-in. The network address keeps its own."""
    subjects = [account_subject(email), signed_in_subject(email)]
    SignInGuard.objects.filter(kind=Kind.ACCOUNT, subject_hash__in=subjects).update(failures=0, locked_until=None)


def accounts_locked(*, users: Iterable[User]) -> dict[UUID, datetime]:
    """Those of the people whose account is locked now, and until when. One query."""
    subjects = {user.pk: account_subject(user.email) for user in users}
    rows = SignInGuard.objects.filter(kind=Kind.ACCOUNT, subject_hash__in=set(subjects.values()))
    found = dict(rows.filter(locked_until__gt=timezone.now()).values_list("subject_hash", "locked_until"))
    return {key: until for key, subject in subjects.items() if (until := found.get(subject)) is not None}


def account_subject(email: str) -> str:
    """The same for all that a directory takes for the same name: any case, width, accent and spacing of letters."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", email).casefold())
    plain = "".join(letter for letter in letters if not (unicodedata.combining(letter) or letter.isspace()))
    return salted_hmac("apps.accounts.sign_in_guard.account", plain, algorithm="sha256").hexdigest()


def signed_in_subject(email: str) -> str:
    """Of the same account, for questions to somebody who is signed in."""
    return salted_hmac("apps.accounts.sign_in_guard.signed_in", account_subject(email), algorithm="sha256").hexdigest()


def address_subject(address: str) -> str:
    """Of an IPv6 address, its network counts."""
    counted = address_counted(address)
    return salted_hmac("apps.accounts.sign_in_guard.address", counted, algorithm="sha256").hexdigest()


def _subjects(*, email: str, address: str | None, is_signed_in: bool) -> list[tuple[str, str, int]]:
    """The address first: one that is locked must not add to accounts."""
    found: list[tuple[str, str, int]] = []
    if address and settings.LOCKOUT_ADDRESS_FAILURES and not is_signed_in:
        found.append((Kind.ADDRESS, address_subject(address), settings.LOCKOUT_ADDRESS_FAILURES))
    if settings.LOCKOUT_ACCOUNT_FAILURES:
        subject = signed_in_subject(email) if is_signed_in else account_subject(email)
        found.append((Kind.ACCOUNT, subject, settings.LOCKOUT_ACCOUNT_FAILURES))
    return found


def _count(*, kind: str, subject: str, limit: int) -> Lock | None:
    now = timezone.now()
    values: dict[str, Any] = {
        "id": uuid7(),
        "kind": str(kind),
        "subject": subject,
        "now": now,
        "quiet": now - QUIET,
        "limit": limit,
        "first": timedelta(seconds=settings.LOCKOUT_FIRST_SECONDS),
        "longest": timedelta(seconds=settings.LOCKOUT_LONGEST_SECONDS),
        "doublings": _MOST_DOUBLINGS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        row = cursor.fetchone()
    return Lock(kind=str(kind), subject=subject, failures=row[0], until=row[1]) if row else None


def _take_back(locks: Sequence[Lock]) -> None:
    """Undo one count of each. No attempt passes a lock, so the last one that passed began it, and it ends with it."""
    for lock in locks:
        SignInGuard.objects.filter(kind=lock.kind, subject_hash=lock.subject).update(
            failures=Greatest(F("failures"), 1) - 1, locked_until=None
        )


def _refusal(*, kind: str, subject: str) -> TooManyAttemptsError:
    until = SignInGuard.objects.filter(kind=kind, subject_hash=subject).values_list("locked_until", flat=True).first()
    now = timezone.now()
    seconds = max(1, round((until - now).total_seconds())) if until else 1
    return TooManyAttemptsError(
        f"Sign-in with this address, or from your network, is closed. Please try again in {_in_words(seconds)}, "
        f"at {(now + timedelta(seconds=seconds)):%H:%M} UTC.",
        retry_after=seconds,
    )


def _in_words(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
