"""Reads of the audit log, newest first.

Who may see what is decided above this app and comes in as a `Scope`. Every query here runs along one index in the
order of the list and ends with its page, however large the log is: nothing is counted, and nothing is sorted beyond a
page. What would need several indexes at once is asked as several such queries, merged by the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from operator import and_
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.audit.models import Event
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.pagination import MAXIMUM_LIMIT, Page, cursor_read, cursor_write, keyset_before

# What is shown when nothing else narrows the search.
WINDOW = timedelta(days=30)
PAGE_ROWS = 50
# An event is dated when it is written and seen when its transaction commits, which may be a little later.
TAIL_OVERLAP = timedelta(seconds=10)
TAIL_ROWS = 100
# Each is a query of its own along an index; of more, one along the time finds a page soon enough.
_ACTIONS_APART = 8
_EXPORT_BATCH = 1000
_ORDER = ("-created_at", "-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The chains that somebody may read: a workspace's id, ORGANISATION_CHAIN for what is above all. None: all."""

    chains: tuple[UUID, ...] | None

    def narrowed(self, chain: UUID | None) -> "Scope":
        """Of these chains only that one; None changes nothing. Raises NotFoundError for a chain outside."""
        if chain is None:
            return self
        if self.chains is not None and chain not in self.chains:
            raise NotFoundError
        return Scope(chains=(chain,))


EVERYTHING = Scope(chains=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody searches for; what is empty does not narrow.

    `people`: did it, had it done, or had it done to them. `label`: the actor's address as it was then, in full; beside
    `people` it stands for one more person. `since` is inside, `until` outside.
    """

    people: tuple[UUID, ...] = ()
    label: str = ""
    actions: tuple[str, ...] = ()
    target_type: str = ""
    target_id: str = ""
    result: str = ""
    request_id: str = ""
    ip_address: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether so few events are meant that they can be looked for in all months."""
        return bool(self.people or self.label or self.target_id or self.request_id)

    def windowed(self) -> "Wanted":
        """With a beginning where one is needed."""
        if self.since is not None or self.is_narrow:
            return self
        return replace(self, since=(self.until or timezone.now()) - WINDOW)


def events_page(*, scope: Scope, wanted: Wanted, cursor: str | None = None, limit: int = PAGE_ROWS) -> Page[Event]:
    """The newest events from the cursor on. One query; two where people or several actions are asked for.

    `wanted` is taken as it is, see `windowed`. Raises ValidationFailedError for a cursor or limit that makes no sense.
    """
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise ValidationFailedError(errors={"limit": f"must be between 1 and {MAXIMUM_LIMIT}"})
    place = cursor_read(cursor) if cursor else None
    rows = _newest(scope, wanted, place, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items=rows[:limit], next=cursor_write(last.created_at, last.pk) if last else None)


def events_newer(*, scope: Scope, wanted: Wanted, after: datetime) -> tuple[list[Event], bool]:
    """What has come since, newest first, and whether there is more than that. One query, or two as `events_page`.

    Some of the last seconds before `after` comes again: what became visible late is among it.
    """
    since = after - TAIL_OVERLAP
    rows = _newest(scope, replace(wanted, since=max(since, wanted.since or since)), None, TAIL_ROWS + 1)
    return rows[:TAIL_ROWS], len(rows) > TAIL_ROWS


def events_all(*, scope: Scope, wanted: Wanted, limit: int | None = None) -> Iterator[Event]:
    """Everything that is wanted, newest first; what is written meanwhile is not among it.

    A query per thousand, none held open between them: a slow reader blocks nothing.
    """
    return islice(_batches(scope, wanted), limit)


def event_require(*, scope: Scope, event_id: UUID) -> Event:
    """Raises NotFoundError for one outside the scope too. One query."""
    event = _within(scope).filter(pk=event_id).first()
    if event is None:
        raise NotFoundError
    return event


def _batches(scope: Scope, wanted: Wanted) -> Iterator[Event]:
    place: tuple[datetime, UUID] | None = None
    while rows := _newest(scope, wanted, place, _EXPORT_BATCH):
        yield from rows
        if len(rows) < _EXPORT_BATCH:
            return
        place = rows[-1].created_at, rows[-1].pk


def _newest(scope: Scope, wanted: Wanted, place: tuple[datetime, UUID] | None, count: int) -> list[Event]:
    rows = _within(scope).filter(_conditions(wanted))
    if place:
        rows = rows.filter(keyset_before(*place, order="created_at"))
    legs = [rows.filter(leg).order_by(*_ORDER) for leg in _legs(wanted)]
    if len(legs) == 1:
        return list(legs[0][:count])
    first, *others = [leg.values_list("created_at", "id")[:count] for leg in legs]
    keys = list(first.union(*others).order_by(*_ORDER)[:count])
    if not keys:
        return []
    # The times keep the months out that have none of them.
    found = Event.objects.filter(pk__in=[key for _, key in keys], created_at__range=(keys[-1][0], keys[0][0]))
    return list(found.order_by(*_ORDER))


def _within(scope: Scope) -> QuerySet[Event]:
    if scope.chains is None:
        return Event.objects.all()
    if len(scope.chains) == 1:
        return Event.objects.filter(chain=scope.chains[0])
    return Event.objects.filter(chain__in=scope.chains)


def _conditions(wanted: Wanted) -> Q:
    """What each leg has to meet."""
    parts = {
        "target_type": wanted.target_type,
        "target_id": wanted.target_id,
        "result": wanted.result,
        "request_id": wanted.request_id,
        "ip_address": wanted.ip_address,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
        # One is a place in the index, several are not.
        "action": wanted.actions[0] if len(wanted.actions) == 1 else "",
        "action__in": wanted.actions if len(wanted.actions) > 1 else (),
    }
    return reduce(and_, (Q(**{name: value}) for name, value in parts.items() if value), Q())


def _legs(wanted: Wanted) -> Sequence[Q]:
    """Conditions of which each is met along one index, and one is enough."""
    if wanted.people or wanted.label:
        legs = [leg for person in wanted.people for leg in _legs_of_person(person)]
        return [*legs, Q(actor_label=wanted.label)] if wanted.label else legs
    if 1 < len(wanted.actions) <= _ACTIONS_APART and not wanted.is_narrow:
        return [Q(action=action) for action in wanted.actions]
    return [Q()]


def _legs_of_person(person: UUID) -> Sequence[Q]:
    return [
        Q(actor_id=person),
        Q(on_behalf_of_id=person),
        Q(target_id=str(person), target_type=settings.AUTH_USER_MODEL.lower()),
    ]
