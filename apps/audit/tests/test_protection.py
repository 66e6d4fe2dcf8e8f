"""The role that the application acts under, and what the triggers refuse to everybody."""

import importlib
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.audit import actions, tasks
from apps.audit.models import Event, Link
from apps.audit.tests.log import verify, write

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ["audit_event", "audit_link", "audit_chain", "audit_signedhead", "audit_checkpoint"]


@contextmanager
def application():
    """Acting as the application does."""
    call_command("audit_protect")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE chatbot_app")
        try:
            yield cursor
        finally:
            cursor.execute("RESET ROLE")


def refused(statement, match):
    with pytest.raises(DatabaseError, match=match), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def this_month():
    return f"audit_event_{timezone.now():%Y_%m}"


def test_the_application_writes_events_and_everything_else(workspace, ada, django_user_model):
    with application():
        write(3, workspace=workspace, actor=ada)
        type(workspace).objects.filter(pk=workspace.pk).update(name="Another")
        django_user_model.objects.create_user("new@example.org").delete()
        call_command("audit_sign", stdout=StringIO())
        tasks.partitions_ensure()
        assert verify()[0]


@pytest.mark.parametrize("table", [*TABLES, "audit_waiting", "audit_event_default", this_month()])
def test_the_application_cannot_change_or_remove_events(workspace, table):
    write(1, workspace=workspace)
    with application():
        for statement in (
            f"UPDATE {table} SET chain = chain",  # noqa: S608
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TABLE {table}",
        ):
            refused(statement, "permission denied|must be owner")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_link SELECT gen_random_uuid(), now(), chain, seq + 1, hash FROM audit_link",
        "INSERT INTO audit_chain VALUES (gen_random_uuid(), 1, '')",
        "SELECT audit_partition_make('2001-01-01')",
        "SET session_replication_role = replica",
        "UPDATE django_migrations SET name = ''",
    ],
)
def test_the_application_cannot_make_up_a_chain(workspace, statement):
    write(1, workspace=workspace)
    with application():
        refused(statement, "permission denied")


def test_a_table_of_the_applications_own_does_not_stand_in_for_the_chain(workspace):
    write(1, workspace=workspace)
    with application() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE audit_chain (chain uuid, seq bigint, hash bytea)")
        write(1, workspace=workspace)
        cursor.execute("DROP TABLE pg_temp.audit_chain")
    assert list(Link.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]
    assert verify()[0]


def test_retention_works_for_the_application(workspace, settings):
    settings.AUDIT_RETENTION_DAYS = 40
    old = timezone.now() - timedelta(days=50)
    Event.objects.create(action=actions.SIGNED_IN, workspace_id=workspace.pk, created_at=old)
    with application():
        tasks.events_retain()
        assert verify()[0]
    assert list(Event.objects.values_list("action", flat=True)) == [actions.AUDIT_TRIMMED]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET chain = chain", "DELETE FROM {}"])
def test_the_triggers_refuse_changes_by_the_owner_too(workspace, settings, table, statement):
    settings.AUDIT_RETENTION_DAYS = 40
    Event.objects.create(
        action=actions.SIGNED_IN, workspace_id=workspace.pk, created_at=timezone.now() - timedelta(days=50)
    )
    write(1, workspace=workspace)
    call_command("audit_sign", stdout=StringIO())
    tasks.events_retain()
    refused(statement.format(table), "append-only")


@pytest.mark.parametrize("table", [*TABLES, "audit_event_default", this_month()])
def test_the_triggers_refuse_to_empty_a_table(table):
    """The test database lets tables be emptied; here with what the migration says."""
    closing = importlib.import_module("apps.audit.migrations.0003_chain_tables").CLOSING
    begin = closing.index("CREATE FUNCTION audit_refuse_truncate")
    function = closing[begin : closing.index("$$;", begin) + 3].replace("CREATE", "CREATE OR REPLACE", 1)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(function)
        refused(f"TRUNCATE {table} CASCADE", "append-only")
        transaction.set_rollback(True)


def test_protecting_again_changes_nothing(django_assert_max_num_queries):
    call_command("audit_protect")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relacl::text FROM pg_class WHERE relacl IS NOT NULL ORDER BY 1")
        before = cursor.fetchall()
    with django_assert_max_num_queries(8):
        call_command("audit_protect")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relacl::text FROM pg_class WHERE relacl IS NOT NULL ORDER BY 1")
        assert cursor.fetchall() == before


def test_a_right_that_somebody_added_is_taken_back():
    call_command("audit_protect")
    with connection.cursor() as cursor:
        cursor.execute("GRANT ALL ON audit_event TO chatbot_app")
    with application():
        refused("DELETE FROM audit_event", "permission denied")


def test_a_name_that_is_not_plain_is_refused():
    with pytest.raises(CommandError, match="plain"):
        call_command("audit_protect", role='x"; DROP')
