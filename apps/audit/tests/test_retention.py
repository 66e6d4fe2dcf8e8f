"""Deleting old events leaves a rest that verifies; nothing else deletes any."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit import actions, tasks
from apps.audit.models import Checkpoint, Event, Link
from apps.audit.tests.log import flaw, superuser, verify, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def old_and_new(workspace, settings):
    """Six events, of 100, 80, 60, 50, 20 and 0 days ago; kept for 55 days."""
    settings.AUDIT_RETENTION_DAYS = 55
    now = timezone.now()
    for days in (100, 80, 60, 50, 20, 0):
        Event.objects.create(action=actions.SIGNED_IN, workspace_id=workspace.pk, created_at=now - timedelta(days=days))


def seqs():
    return list(Link.objects.order_by("seq").values_list("seq", flat=True))


def retain():
    out = StringIO()
    call_command("audit_retain", stdout=out)
    return out.getvalue()


def test_old_events_go_and_the_rest_verifies(old_and_new, workspace):
    call_command("audit_sign", stdout=StringIO())
    assert retain() == f"{workspace.pk}: 3 events deleted.\n"
    assert (seqs(), Event.objects.count()) == ([4, 5, 6, 7], 4)
    trimmed = Event.objects.get(action=actions.AUDIT_TRIMMED)
    assert (trimmed.actor_label, trimmed.data["events"], trimmed.data["last_number"]) == ("retention", 3, 3)
    is_good, reports = verify()
    assert (is_good, reports[0]["first_number"], reports[0]["heads_checked"]) == (True, 4, 2)


def test_a_second_time_there_is_nothing_to_do(old_and_new):
    retain()
    assert retain() == "Nothing is old enough.\n"
    assert Event.objects.filter(action=actions.AUDIT_TRIMMED).count() == 1


def test_checkpoints_follow_each_other(old_and_new, settings):
    retain()
    settings.AUDIT_RETENTION_DAYS = 30
    tasks.events_retain()
    assert list(Checkpoint.objects.order_by("seq").values_list("seq", "event_count")) == [(3, 3), (4, 1)]
    assert verify()[0]


def test_nothing_goes_unless_it_is_asked_for(old_and_new, settings):
    settings.AUDIT_RETENTION_DAYS = 0
    assert "everything is kept" in retain()
    tasks.events_retain()
    assert seqs() == [1, 2, 3, 4, 5, 6]


def test_only_the_beginning_goes(old_and_new, workspace):
    """An event that says it is old but stands behind a newer one stays until that one goes."""
    Event.objects.create(
        action=actions.SIGNED_IN, workspace_id=workspace.pk, created_at=timezone.now() - timedelta(days=90)
    )
    retain()
    assert seqs() == [4, 5, 6, 7, 8]
    assert verify()[0]


def test_a_chain_with_a_flaw_is_kept_as_evidence(old_and_new):
    with superuser() as cursor:
        cursor.execute("UPDATE audit_event SET actor_label = 'x' FROM audit_link WHERE id = event_id AND seq = 2")
    with pytest.raises(CommandError, match="Left alone"):
        retain()
    assert seqs() == [1, 2, 3, 4, 5, 6]


def test_a_forged_checkpoint_is_found(old_and_new):
    retain()
    with superuser() as cursor:
        cursor.execute("UPDATE audit_checkpoint SET event_count = 2")
    assert "signature is wrong" in flaw()["text"]


def checkpoint(**changes):
    links = list(Link.objects.order_by("seq")[:4])
    fields = {
        "chain": links[0].chain, "seq": 3, "hash": links[2].hash, "event_count": 3, "first_at": links[0].event_at,
        "last_at": links[2].event_at, "signed_at": timezone.now(), "key_id": "x", "signature": b"",
    }  # fmt: skip
    return Checkpoint(**fields | changes)


@pytest.mark.parametrize(
    "changes", [{"event_count": 2}, {"seq": 2}, {"hash": bytes(32)}, {"last_at": datetime(2001, 1, 1, tzinfo=UTC)}]
)
def test_the_database_deletes_only_what_a_checkpoint_says(old_and_new, changes):
    with pytest.raises(DatabaseError, match="checkpoint"):
        checkpoint(**changes).save(force_insert=True)
    assert seqs() == [1, 2, 3, 4, 5, 6]


def test_the_database_deletes_nothing_younger_than_thirty_days(old_and_new):
    links = list(Link.objects.order_by("seq"))
    fresh = checkpoint(seq=5, hash=links[4].hash, event_count=5, last_at=links[4].event_at)
    with pytest.raises(DatabaseError, match="30 days at least"):
        fresh.save(force_insert=True)
    assert seqs() == [1, 2, 3, 4, 5, 6]


def partitions():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname ~ '^audit_event_[0-9]{4}_[0-9]{2}$' ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_empty_months_of_the_past_go(settings):
    settings.AUDIT_RETENTION_DAYS = 30
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_partition_make('2001-02-14'), audit_partition_make('2001-03-14')")
    Event.objects.create(action=actions.SIGNED_IN, created_at=datetime(2001, 3, 31, tzinfo=UTC))
    write(1)
    assert partitions()[:2] == ["audit_event_2001_02", "audit_event_2001_03"]
    tasks.partitions_ensure()
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_partitions_drop()")
    assert partitions()[0] == "audit_event_2001_03"
    tasks.events_retain()
    assert partitions()[0] >= f"audit_event_{timezone.now() - timedelta(days=62):%Y_%m}"
    assert verify()[0]


def test_months_to_come_are_made_once():
    now = timezone.now()
    months = [f"audit_event_{now.year + (now.month - 1 + n) // 12}_{(now.month - 1 + n) % 12 + 1:02}" for n in range(4)]
    before = partitions()
    assert set(months) <= set(before)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {months[3]}")
    tasks.partitions_ensure()
    assert partitions() == before
    tasks.partitions_ensure()
    assert partitions() == before


def test_events_lie_in_the_partition_of_their_month():
    write(1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_event")
        assert cursor.fetchone()[0] == f"audit_event_{timezone.now():%Y_%m}"
        with transaction.atomic():
            cursor.execute("SELECT count(*) FROM audit_event_default")
            assert cursor.fetchone()[0] == 0
