"""Sending events to a receiver outside, in order within each chain, each at least once.

How far a chain has been sent is the number of its last event. Numbers are given at commit under the chain's lock and
have no gaps, so no event can become visible behind that place; times and keys could not promise it. The place moves on
only after the receiver has taken a batch: whoever dies in between sends that batch again.
"""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.exceptions import DeliveryError
from apps.audit.export import row_of
from apps.audit.models import Event, Link, Stream, StreamPosition
from apps.audit.ocsf import ocsf_event
from apps.audit.outlets import Message, Outlet
from apps.audit.syslog import syslog_message

logger = logging.getLogger(__name__)

BATCH_ROWS = 500
# A sender that takes longer for one batch has died or hangs; the next one may send the same.
LEASE_SECONDS = 60
_ERROR_LENGTH = 300

_NEWS_SQL = """
SELECT ended.chain, COALESCE(sent.seq, 0)
FROM audit_chain ended LEFT JOIN audit_streamposition sent ON sent.chain = ended.chain
WHERE ended.seq > COALESCE(sent.seq, 0)
ORDER BY ended.chain
"""
# An installation that begins to stream sends what happens from then on; a chain that begins later is sent whole.
_BEGIN_SQL = "INSERT INTO audit_streamposition (chain, seq) SELECT chain, seq FROM audit_chain ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A piece of a chain, up to the event number `last`."""

    chain: UUID
    last: int
    messages: Sequence[Message]


def outlet_configured() -> Outlet | None:
    """Where events go; None where they stay."""
    if not settings.AUDIT_STREAM:
        return None
    return Outlet(
        address=settings.AUDIT_STREAM,
        authorization=settings.AUDIT_STREAM_AUTHORIZATION,
        ca_file=settings.AUDIT_STREAM_CA,
    )


def stream_run(*, outlet: Outlet, seconds: float) -> int:
    """Send what is new until there is no more or the time is up; the number of events sent.

    0 also while another sender is at it. Raises DeliveryError; what was sent before it stays sent.
    """
    token = _lease_take()
    if token is None:
        return 0
    ends_at = time.monotonic() + seconds
    sent = 0
    error = ""
    try:
        while parts := _batch():
            outlet.send([message for part in parts for message in part.messages])
            sent += sum(len(part.messages) for part in parts)
            if not _advance(token, parts) or time.monotonic() > ends_at:
                break
    except DeliveryError as failure:
        error = failure.detail[:_ERROR_LENGTH]
        raise
    finally:
        Stream.objects.filter(lease_token=token).update(lease_token=None, lease_expires_at=None, error=error)
    return sent


@transaction.atomic
def stream_restart() -> None:
    """Begin again with the oldest events that there are."""
    StreamPosition.objects.update(seq=0)
    StreamPosition.objects.get_or_create(chain=ORGANISATION_CHAIN)


def _lease_take() -> UUID | None:
    Stream.objects.get_or_create(pk=1)
    if not StreamPosition.objects.exists():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_BEGIN_SQL)
            # Also where nothing has happened yet: that there is a place says that the stream has begun.
            StreamPosition.objects.get_or_create(chain=ORGANISATION_CHAIN)
    token = uuid4()
    is_free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
    taken = Stream.objects.filter(is_free, pk=1).update(lease_token=token, lease_expires_at=_lease_end())
    return token if taken else None


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_SECONDS)


@transaction.atomic
def _advance(token: UUID, parts: Sequence[_Part]) -> bool:
    """Note what was taken. False if the lease has lapsed: another sends, and its note counts."""
    held = Stream.objects.filter(lease_token=token).update(lease_expires_at=_lease_end(), sent_at=Now(), error="")
    if not held:
        return False
    places = [StreamPosition(chain=part.chain, seq=part.last) for part in parts]
    StreamPosition.objects.bulk_create(places, update_conflicts=True, unique_fields=["chain"], update_fields=["seq"])
    return True


def _batch() -> list[_Part]:
    """What is to be sent next, at most BATCH_ROWS of events. Two queries a chain."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWS_SQL)
        places = cursor.fetchall()
    parts: list[_Part] = []
    room = BATCH_ROWS
    for chain, seq in places:
        if room <= 0:
            break
        part = _part(chain, seq, room)
        if part:
            parts.append(part)
            room -= len(part.messages)
    return parts


def _part(chain: UUID, seq: int, room: int) -> _Part | None:
    links = list(Link.objects.filter(chain=chain, seq__gt=seq).order_by("seq")[:room])
    if not links:
        return None
    times = [link.event_at for link in links]
    rows = Event.objects.filter(pk__in=[link.event_id for link in links], created_at__range=(min(times), max(times)))
    events = {event.pk: event for event in rows}
    # Retention may have deleted some before they could be sent.
    messages = [_message(events[link.event_id], link) for link in links if link.event_id in events]
    return _Part(chain=chain, last=links[-1].seq, messages=messages)


def _message(event: Event, link: Link) -> Message:
    row = row_of(event, link)
    content = ocsf_event(row) if settings.AUDIT_STREAM_FORMAT == "ocsf" else row
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Message(line=line, syslog=syslog_message(row, text=line))
