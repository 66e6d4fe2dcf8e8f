"""`manage.py audit_verify`: whatever a superuser of the database does to the log is found and named."""

import contextlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audit.content import ORGANISATION_CHAIN, content_hash, content_of, link_hash
from apps.audit.models import Event, Link
from apps.audit.tests.log import flaw, superuser, verify, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(workspace, ada):
    """Ten events of a workspace; gives the link of each, from number 1 on."""
    write(10, workspace=workspace, actor=ada)
    return [None, *Link.objects.order_by("seq")]


def names(found, link):
    return (found["number"], found["id"], found["action"]) == (link.seq, str(link.event_id), "document_uploaded")


def sign():
    call_command("audit_sign", stdout=StringIO())


def test_a_log_as_it_was_written_is_good(log, workspace):
    sign()
    write(1, workspace=workspace)
    is_good, reports = verify()
    assert is_good
    assert reports == [
        {
            "chain": str(workspace.pk),
            "events": 11,
            "first_number": 1,
            "last_number": 11,
            "heads_checked": 2,
            "flaw": None,
        }
    ]


@pytest.mark.parametrize(
    "change",
    [
        "actor_label = 'adb@example.org'",
        "data = jsonb_set(data, '{number}', '4')",
        "created_at = created_at + interval '1 microsecond'",
        "result = 'refused'",
        "role = 'admin'",
        "workspace_id = NULL, chain = '00000000-0000-0000-0000-000000000000'",
        "content_hash = set_byte(content_hash, 31, get_byte(content_hash, 31) # 1)",
    ],
)
def test_one_changed_byte_of_an_event_is_found_and_named(log, change):
    with superuser() as cursor:
        cursor.execute(f"UPDATE audit_event SET {change} WHERE id = %s", [log[6].event_id])  # noqa: S608
    flaws = [report["flaw"] for report in verify()[1] if report["flaw"]]
    assert (6, str(log[6].event_id)) in [(found["number"], found["id"]) for found in flaws]


def test_one_changed_byte_of_a_hash_is_found_and_named(log):
    with superuser() as cursor:
        cursor.execute("UPDATE audit_link SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE seq = 4")
    assert names(flaw(), log[4])


def test_a_changed_event_with_a_fitting_content_hash_is_found(log):
    event = Event.objects.get(pk=log[3].event_id)
    event.actor_label = "somebody else"
    with superuser() as cursor:
        cursor.execute(
            "UPDATE audit_event SET actor_label = %s, content_hash = %s WHERE id = %s",
            [event.actor_label, content_hash(content_of(event)), event.pk],
        )
    found = flaw()
    assert names(found, log[3])
    assert "does not follow" in found["text"]


def test_a_deleted_event_is_found_and_named(log):
    with superuser() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [log[5].event_id])
    found = flaw()
    assert (found["number"], found["id"], "deleted" in found["text"]) == (5, str(log[5].event_id), True)


def test_an_event_deleted_with_its_link_is_found(log):
    with superuser() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = %s", [log[5].event_id])
        cursor.execute("DELETE FROM audit_link WHERE seq = 5")
    found = flaw()
    assert (found["number"], found["text"]) == (5, "Events 5 to 5 are missing.")


def test_a_deleted_end_is_found(log):
    with superuser() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id = ANY(%s)", [[link.event_id for link in log[9:]]])
        cursor.execute("DELETE FROM audit_link WHERE seq > 8")
    assert flaw()["text"] == "Events 9 to 10 are missing."


def test_swapped_events_are_found(log):
    with superuser() as cursor:
        cursor.execute("UPDATE audit_link SET seq = 100 WHERE seq = 2")
        cursor.execute("UPDATE audit_link SET seq = 2 WHERE seq = 7")
        cursor.execute("UPDATE audit_link SET seq = 7 WHERE seq = 100")
    found = flaw()
    assert (found["number"], found["id"]) == (2, str(log[7].event_id))


def test_an_event_put_in_past_the_triggers_is_found(log, workspace):
    with superuser():
        event = Event.objects.create(action="signed_in", workspace_id=workspace.pk)
    found = flaw()
    assert (found["id"], "past the triggers" in found["text"]) == (str(event.pk), True)


def test_an_end_that_was_set_back_is_found(log):
    with superuser() as cursor:
        cursor.execute("UPDATE audit_chain SET (seq, hash) = (SELECT seq, hash FROM audit_link WHERE seq = 9)")
    assert "stands after the chain's end" in flaw()["text"]


def rewrite(log, after):
    """Change one event and calculate everything behind it anew, as whoever owns the database could."""
    previous = bytes(log[after].hash)
    with superuser() as cursor:
        cursor.execute("UPDATE audit_event SET actor_label = 'nobody' WHERE id = %s", [log[after + 1].event_id])
        for link in log[after + 1 :]:
            content = content_hash(content_of(Event.objects.get(pk=link.event_id)))
            previous = link_hash(previous=previous, seq=link.seq, content=content)
            cursor.execute("UPDATE audit_event SET content_hash = %s WHERE id = %s", [content, link.event_id])
            cursor.execute("UPDATE audit_link SET hash = %s WHERE seq = %s", [previous, link.seq])
        cursor.execute("UPDATE audit_chain SET hash = %s", [previous])


def test_a_rewritten_log_is_found_by_its_signed_head(log, workspace):
    sign()
    write(3, workspace=workspace)
    log += Link.objects.filter(seq__gt=10).order_by("seq")
    rewrite(log, after=7)
    found = flaw()
    assert names(found, log[10])
    assert "was rewritten" in found["text"]


def test_without_a_signed_head_a_rewritten_log_is_not_found(log):
    """The reason for signed heads, and that the rewriting of these tests is complete."""
    rewrite(log, after=7)
    assert verify()[0]


def test_the_file_finds_what_the_rows_no_longer_tell(log):
    sign()
    rewrite(log, after=7)
    with superuser() as cursor:
        cursor.execute("DELETE FROM audit_signedhead")
    assert "heads.jsonl" in flaw()["text"]


def test_a_log_that_is_gone_altogether_is_found(log, workspace):
    sign()
    with superuser() as cursor:
        for table in ("event", "link", "chain", "signedhead"):
            cursor.execute(f"DELETE FROM audit_{table}")  # noqa: S608
    assert "says 10 events; the chain ends at 0" in flaw()["text"]


def test_a_forged_head_is_found(log, workspace):
    sign()
    write(1, workspace=workspace)
    with superuser() as cursor:
        cursor.execute("UPDATE audit_signedhead SET (seq, hash) = (SELECT seq, hash FROM audit_link WHERE seq = 11)")
    assert "signature is wrong" in flaw()["text"]


def test_heads_of_a_former_key_count_if_it_is_listed(log, settings):
    sign()
    former = StringIO()
    call_command("audit_verify", public_key=True, stdout=former)
    settings.AUDIT_SIGNING_KEY = "another secret"
    assert "unknown key" in flaw()["text"]
    settings.AUDIT_PUBLIC_KEYS = [former.getvalue().strip()]
    assert verify()[0]


def test_a_damaged_file_of_heads_is_said(log, audit_heads):
    sign()
    audit_heads.write_text("{}\n")
    with pytest.raises(CommandError, match="line 1, is no signed head"):
        call_command("audit_verify", stdout=StringIO())


def test_heads_go_to_a_storage_if_there_is_one(log, settings, audit_heads):
    settings.STORAGES = {**settings.STORAGES, "audit": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    sign()
    assert not audit_heads.exists()
    assert verify()[1][0]["heads_checked"] == 2


def test_one_workspace_by_its_short_name(log, workspace):
    write(2)
    out = StringIO()
    call_command("audit_verify", workspace=workspace.slug, stdout=out)
    assert str(workspace.pk) in out.getvalue()
    assert str(ORGANISATION_CHAIN) not in out.getvalue()
    with pytest.raises(CommandError, match="no workspace 'elsewhere'"):
        call_command("audit_verify", workspace="elsewhere", stdout=StringIO())


def test_people_read_sentences(log):
    with superuser() as cursor:
        cursor.execute("UPDATE audit_event SET result = 'refused' WHERE id = %s", [log[2].event_id])
    out = StringIO()
    with pytest.raises(CommandError, match="not as it was written") as caught:
        call_command("audit_verify", stdout=out)
    assert caught.value.returncode == 1
    assert f"First bad row: number 2, id {log[2].event_id}, time " in out.getvalue()


@pytest.fixture
def exported(log, tmp_path):
    write(2)
    path = tmp_path / "export.jsonl"
    call_command("audit_export", output=str(path))
    return path


def verify_file(path):
    out = StringIO()
    with contextlib.suppress(CommandError):
        call_command("audit_verify", file=str(path), json=True, stdout=out)
    return json.loads(out.getvalue())


def test_an_export_verifies_without_the_database(exported):
    assert verify_file(exported) == {"events": 13, "links_checked": 13, "flaw": None, "line": 0}
    assert exported.stat().st_mode & 0o777 == 0o600


def test_a_part_of_an_export_in_either_direction_verifies(exported):
    lines = exported.read_text().splitlines(keepends=True)
    exported.write_text("".join(reversed(lines[5:])))
    assert verify_file(exported)["flaw"] is None


@pytest.mark.parametrize(
    ("old", "new"), [('"ada@example.org"', '"eve@example.org"'), ('"hash":"', '"hash":"00'), ('"seq":6', '"seq":5')]
)
def test_a_changed_export_is_found(exported, old, new):
    lines = exported.read_text().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if '"seq":6' in line)
    lines[number] = lines[number].replace(old, new)
    exported.write_text("".join(lines))
    assert verify_file(exported)["line"] in {number + 1, number + 2}


def test_a_file_that_is_none_is_said(tmp_path):
    (tmp_path / "x").write_text("hello\n")
    assert verify_file(tmp_path / "x")["flaw"]["text"] == "The line is no exported event."
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit_verify", file=str(tmp_path / "none"))
