"""Numbers and hashes that the database gives at commit."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from apps.audit import actions
from apps.audit.content import ORGANISATION_CHAIN
from apps.audit.models import Chain, Event, Link
from apps.audit.services import event_record
from apps.audit.tests.log import together, verify, write

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_SECONDS = 30


def numbers(chain):
    return list(Link.objects.filter(chain=chain).order_by("seq").values_list("seq", flat=True))


def test_each_workspace_has_a_chain_of_its_own(workspace, other_workspace):
    write(3, workspace=workspace)
    write(2, workspace=other_workspace)
    write(1)
    assert [numbers(chain) for chain in (workspace.pk, other_workspace.pk, ORGANISATION_CHAIN)] == [
        [1, 2, 3], [1, 2], [1]
    ]  # fmt: skip
    assert verify()[0]


def test_writers_at_the_same_time_lose_nothing_and_leave_no_gap(workspace):
    together(*[lambda: write(30, workspace=workspace)] * 10)
    assert Event.objects.filter(chain=workspace.pk).count() == 300
    assert numbers(workspace.pk) == list(range(1, 301))
    is_good, reports = verify()
    assert is_good
    assert [(report["events"], report["last_number"]) for report in reports] == [(300, 300)]


def test_what_is_rolled_back_leaves_no_gap(workspace):
    with transaction.atomic():
        write(1, workspace=workspace)
        with transaction.atomic():
            write(5, workspace=workspace)
            transaction.set_rollback(True)
        write(1, workspace=workspace)
    with transaction.atomic():
        write(5, workspace=workspace)
        transaction.set_rollback(True)
    write(1, workspace=workspace)
    assert numbers(workspace.pk) == [1, 2, 3]
    assert verify()[0]


def test_a_chain_that_only_a_rolled_back_part_named_is_not_begun(workspace, other_workspace):
    with transaction.atomic():
        write(1, workspace=workspace)
        with transaction.atomic():
            write(1, workspace=other_workspace)
            transaction.set_rollback(True)
    assert list(Chain.objects.values_list("chain", "seq")) == [(workspace.pk, 1)]


def test_two_chains_in_opposite_orders_do_not_wait_for_each_other_for_ever(workspace, other_workspace):
    def both(first, second):
        for _ in range(60):
            with transaction.atomic():
                write(1, workspace=first)
                write(1, workspace=second)

    together(lambda: both(workspace, other_workspace), lambda: both(other_workspace, workspace))
    assert numbers(workspace.pk) == numbers(other_workspace.pk) == list(range(1, 121))
    assert verify()[0]


def waits_for_a_lock(pid):
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        return cursor.fetchone()[0]


def test_foreign_keys_are_checked_before_the_chain_is_locked(workspace, django_user_model):
    """Who waits for somebody's row lock at commit must not hold the chain that this somebody needs to commit."""
    person = django_user_model.objects.create_user("new@example.org")
    is_locked, pid_known = threading.Event(), threading.Event()
    pids: list[int] = []

    def holder():
        with transaction.atomic():
            type(workspace).objects.select_for_update().get(pk=workspace.pk)
            is_locked.set()
            assert pid_known.wait(WAIT_SECONDS)
            while not waits_for_a_lock(pids[0]):
                pass
            write(1, workspace=workspace)

    def committer():
        assert is_locked.wait(WAIT_SECONDS)
        with transaction.atomic():
            write(1, workspace=workspace)
            workspace.memberships.create(user=person)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.append(cursor.fetchone()[0])
            pid_known.set()

    together(holder, committer)
    assert numbers(workspace.pk) == [1, 2]


def test_nothing_is_locked_before_the_commit(workspace):
    with transaction.atomic():
        write(1, workspace=workspace)
        together(lambda: write(2, workspace=workspace))
    assert numbers(workspace.pk) == [1, 2, 3]
    assert verify()[0]


def test_an_event_costs_one_query_where_the_role_is_known(ada, workspace, django_assert_num_queries):
    event_record(action=actions.SIGNED_IN, actor=ada, workspace_id=workspace.pk)
    with django_assert_num_queries(1):
        event_record(action=actions.SIGNED_IN, actor=ada, workspace_id=workspace.pk)


@pytest.mark.parametrize("value", [0.1, -0.0, 1e25, 1e-9, float("nan"), 2**70, "\x00\ud800", True])
def test_whatever_stands_in_the_data_reads_back_as_it_was_hashed(value):
    event_record(action=actions.SIGNED_IN, actor=None, workspace_id=None, data={"value": value})
    assert verify()[0]


def test_events_of_the_past_and_the_future_find_a_place(workspace):
    for year in (2001, 2099):
        Event.objects.create(action=actions.SIGNED_IN, created_at=datetime(year, 5, 1, tzinfo=UTC))
    assert numbers(ORGANISATION_CHAIN) == [1, 2]
    assert verify()[0]
