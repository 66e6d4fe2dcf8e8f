"""Keyset pagination: pages stay right while rows come and go, and deep pages cost no more than the first."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from chatbot.lib.errors import ValidationFailedError

RowT = TypeVar("RowT", bound=Model)
DEFAULT_LIMIT = 30
MAXIMUM_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[RowT]):
    """`next` is the cursor of the page after this one, None on the last."""

    items: Sequence[RowT]
    next: str | None


def cursor_write(moment: datetime, key: UUID) -> str:
    """A place in a list ordered by time and key, as text for an address."""
    return base64.urlsafe_b64encode(json.dumps([moment.isoformat(), str(key)]).encode()).decode().rstrip("=")


def cursor_read(cursor: str) -> tuple[datetime, UUID]:
    """The place that a cursor names. Raises ValidationFailedError for what is none of ours."""
    try:
        moment, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = datetime.fromisoformat(moment), UUID(key)
        if place[0].tzinfo is None:
            raise ValueError("a time without a zone")
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ValidationFailedError("The cursor is not one of ours.", errors={"cursor": "not valid"}) from error
    return place


def keyset_before(moment: datetime, key: UUID, *, order: str) -> Q:
    """What comes after this place in a list with the newest first.

    The first condition says nothing new, but an index over the time begins at it; of the others alone it cannot.
    """
    older = Q(**{f"{order}__lt": moment}) | Q(**{order: moment, "pk__lt": key})
    return Q(**{f"{order}__lte": moment}) & older


def page_of(rows: QuerySet[RowT], *, order: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[RowT]:
    """The newest rows by the time field `order` (ties by key), from the cursor on. One query.

    Raises ValidationFailedError for a cursor or limit that makes no sense.
    """
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise ValidationFailedError(errors={"limit": f"must be between 1 and {MAXIMUM_LIMIT}"})
    if cursor:
        moment, key = cursor_read(cursor)
        rows = rows.filter(keyset_before(moment, key, order=order))
    found: list[Any] = list(rows.order_by(f"-{order}", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(items=found[:limit], next=cursor_write(getattr(last, order), last.pk) if last else None)
