"""The page of the audit log: who sees what, search, what is new, export."""

import csv
import io
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.audit import actions
from apps.audit.models import Event
from apps.audit.services import event_record
from chatbot.lib.pagination import cursor_write
from chatbot.testing.plugin import PASSWORD

PAGE = "/audit/"
# Session, person, place, events, the record of the look (in a savepoint, with the role), switcher and tabs.
QUERIES = 10
# Whom the address means, which of them are of the workspace, and the rows that the keys of several legs name.
QUERIES_OF_A_PERSON = 13
QUERIES_OF_NEWS = 4


@pytest.fixture
def own(ada, workspace):
    """An event of ada's workspace."""
    return event_record(
        action=actions.DOCUMENT_DELETED, actor=ada, workspace_id=workspace.pk, target=workspace, data={"pages": 3}
    )


@pytest.fixture
def foreign(cleo, other_workspace):
    """An event of another workspace."""
    return event_record(
        action=actions.DOCUMENT_UPLOADED, actor=cleo, workspace_id=other_workspace.pk, target=other_workspace
    )


@pytest.fixture
def above(ada):
    """An event of no workspace."""
    return event_record(action=actions.PASSWORD_CHANGED, actor=ada, workspace_id=None, target=ada)


@pytest.fixture
def client_dora(db, other_workspace):
    """The administrator of the other workspace."""
    dora = User.objects.create_user("dora@example.org", PASSWORD, name="Dora")
    Membership.objects.create(user=dora, workspace=other_workspace, role="admin")
    return signed_in(dora)


def signed_in(user) -> Client:
    """With the password given again just now."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/settings/confirm/", {"password": PASSWORD, "next": PAGE}).status_code == 302
    return client


def shown(client, query="", **headers) -> set[str]:
    answer = client.get(f"{PAGE}{query}", **headers)
    assert answer.status_code == 200
    return seen_in(answer)


def seen_in(answer) -> set[str]:
    """Without what the test's own visits left behind."""
    visits = {actions.SIGNED_IN, actions.AUDIT_READ, actions.ADMIN_READ}
    return {str(row.event.pk) for row in answer.context["rows"] if row.event.action not in visits}


def keys(*events) -> set[str]:
    return {str(event.pk) for event in events}


def test_a_super_admin_sees_everything(client_root, own, foreign, above):
    assert shown(client_root) == keys(own, foreign, above)


def test_a_workspace_admin_sees_their_workspace_alone(client_anna, own, foreign, above):
    assert shown(client_anna) == keys(own)


@pytest.mark.parametrize(
    "query",
    [
        "?actor={cleo}", "?actor=cleo@example.org", "?actor=cleo", "?action=document_uploaded",
        "?target=accounts.workspace:{other}", "?target={other}", "?result=allowed", "?workspace={other}",
        "?workspace=00000000-0000-0000-0000-000000000000", "?after=2000-01-01",
        "?actor={cleo}&after=2000-01-01&action=document_uploaded&action=password_changed",
    ],
)  # fmt: skip
def test_no_search_leads_out_of_the_workspace(client_anna, own, foreign, above, cleo, other_workspace, query):
    found = shown(client_anna, query.format(cleo=cleo.pk, other=other_workspace.pk))
    assert found <= keys(own)


def test_no_event_of_another_workspace_opens_by_its_id(client_anna, client_root, own, foreign, above):
    assert client_anna.get(f"{PAGE}{own.pk}/").status_code == 200
    unknown = client_anna.get(f"{PAGE}{uuid4()}/")
    for event in (foreign, above):
        answer = client_anna.get(f"{PAGE}{event.pk}/")
        assert answer.status_code == unknown.status_code == 404
        assert client_root.get(f"{PAGE}{event.pk}/").status_code == 200


def test_no_cursor_of_another_workspace_leads_there(client_root, client_anna, foreign, own):
    cursor = cursor_write(foreign.created_at + timedelta(days=1), foreign.pk)
    assert shown(client_root, f"?cursor={cursor}") == keys(own, foreign)
    assert shown(client_anna, f"?cursor={cursor}") == keys(own)


def test_no_look_at_what_is_new_leads_out(client_anna, own, foreign, above):
    since = (timezone.now() - timedelta(minutes=1)).isoformat()
    assert seen_in(client_anna.get(f"{PAGE}newer/", {"seen": since})) == keys(own)


@pytest.mark.parametrize("name", ["ada", "ben", "vera", "cleo"])
@pytest.mark.parametrize("path", ["", "newer/?seen=2026-01-01T00:00:00Z", "{event}/", "export/?format=csv"])
def test_who_administers_nothing_sees_nothing(request, own, name, path):
    client = signed_in(request.getfixturevalue(name))
    answer = client.get(f"{PAGE}{path.format(event=own.pk)}")
    assert answer.status_code == 403
    assert actions.DOCUMENT_DELETED not in answer.content.decode()


def test_nobody_signed_out_gets_in(client, own):
    for path in ("", "newer/", f"{own.pk}/", "export/"):
        assert client.get(f"{PAGE}{path}").status_code == 302


def test_people_are_found_by_address_and_key_as_actor_principal_and_target(
    client_root, admin_anna, ada, ben, workspace
):
    did = event_record(action=actions.QUESTION_ASKED, actor=ada, workspace_id=workspace.pk)
    had = event_record(action=actions.GRANT_ADDED, actor=admin_anna, workspace_id=workspace.pk, on_behalf_of=ada)
    suffered = event_record(action=actions.ROLE_CHANGED, actor=admin_anna, workspace_id=workspace.pk, target=ada)
    event_record(action=actions.QUESTION_ASKED, actor=ben, workspace_id=workspace.pk)
    for query in (f"?actor={ada.pk}", "?actor=ada@example.org", "?actor=ADA@example", "?actor=ad"):
        assert shown(client_root, query) == keys(did, had, suffered), query
    assert shown(client_root, f"?actor={ada.pk}&action=role_changed") == keys(suffered)


def test_who_has_no_account_is_found_by_the_address_they_gave(client_root):
    tried = event_record(
        action=actions.SIGN_IN_FAILED, actor=None, actor_label="who@nowhere.org", workspace_id=None, result="refused"
    )
    assert shown(client_root, "?actor=who@nowhere.org") == keys(tried)
    assert shown(client_root, "?actor=nobody-like-this") == set()


def test_the_other_filters_narrow(client_root, ada, workspace, client):
    refused = event_record(action=actions.RATE_LIMITED, actor=ada, workspace_id=workspace.pk, result="refused")
    allowed = event_record(action=actions.WORKSPACE_CHANGED, actor=ada, workspace_id=workspace.pk, target=workspace)
    headers = {"X-Request-ID": "asked-for-7", "User-Agent": "Difference/1"}
    client.post("/accounts/login/", {"login": ada.email, "password": "wrong"}, headers=headers)
    by_request = Event.objects.get(request_id="asked-for-7", action=actions.SIGN_IN_FAILED)
    assert shown(client_root, "?result=refused") >= keys(refused, by_request)
    assert str(allowed.pk) not in shown(client_root, "?result=refused")
    assert shown(client_root, f"?target=accounts.workspace:{workspace.pk}") == keys(allowed)
    assert shown(client_root, f"?target={workspace.pk}") == keys(allowed)
    assert str(by_request.pk) in shown(client_root, "?request_id=asked-for-7")
    assert str(refused.pk) not in shown(client_root, "?request_id=asked-for-7")
    assert keys(by_request) <= shown(client_root, "?ip=127.0.0.1")
    assert str(refused.pk) not in shown(client_root, "?ip=127.0.0.1")
    assert shown(client_root, "?action=rate_limited&action=workspace_changed") == keys(refused, allowed)
    assert shown(client_root, f"?workspace={workspace.pk}") == keys(refused, allowed)
    assert str(by_request.pk) in shown(client_root, "?workspace=00000000-0000-0000-0000-000000000000")


def test_times_bound_and_the_last_month_is_what_is_shown_first(client_root, ada, workspace):
    old = Event.objects.create(
        action=actions.QUESTION_ASKED,
        actor_id=ada.pk,
        actor_label=ada.email,
        workspace_id=workspace.pk,
        created_at=timezone.now() - timedelta(days=40),
    )
    new = event_of(ada, workspace)
    assert shown(client_root) == keys(new)
    assert "Look further back" in client_root.get(PAGE).content.decode()
    assert shown(client_root, "?after=2000-01-01&action=question_asked") == keys(old, new)
    assert shown(client_root, f"?actor={ada.pk}") == keys(old, new)
    day = old.created_at.date().isoformat()
    assert shown(client_root, f"?after={day}&before={day}") == keys(old)
    assert shown(client_root, f"?before={day}T00:00") == set()


def event_of(user, workspace, **fields) -> Event:
    return event_record(action=actions.QUESTION_ASKED, actor=user, workspace_id=workspace.pk, **fields)


def test_further_pages_follow_without_gap_or_repeat(client_root, ada, workspace):
    events = [event_of(ada, workspace) for _ in range(60)]
    first = client_root.get(f"{PAGE}?action=question_asked")
    assert len(first.context["rows"]) == 50
    second = client_root.get(
        f"{PAGE}?action=question_asked&cursor={first.context['next_cursor']}", headers={"HX-Request": "true"}
    )
    assert "<h1" not in second.content.decode()
    found = [str(row.event.pk) for row in [*first.context["rows"], *second.context["rows"]]]
    assert found == [str(event.pk) for event in reversed(events)]
    assert second.context["next_cursor"] is None


def test_a_person_of_many_parts_is_paged_without_gap_or_repeat(client_root, ada, ben, workspace):
    events = []
    for number in range(60):
        events.append(
            event_of(ada, workspace)
            if number % 3
            else event_record(action=actions.ROLE_CHANGED, actor=ada, workspace_id=workspace.pk, target=ada)
        )
    first = client_root.get(f"{PAGE}?actor={ada.pk}")
    second = client_root.get(f"{PAGE}?actor={ada.pk}&cursor={first.context['next_cursor']}")
    found = [str(row.event.pk) for row in [*first.context["rows"], *second.context["rows"]]]
    assert found == [str(event.pk) for event in reversed(events)]


def test_htmx_gets_the_list_alone(client_root, own):
    answer = client_root.get(PAGE, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    body = answer.content.decode()
    assert "<html" not in body
    assert f"event-{own.pk}" in body


def test_what_makes_no_sense_is_told_beside_the_field(client_root, own):
    for query in (
        "action=made_up",
        "after=yesterday",
        "ip=1.2.3",
        "result=perhaps",
        "target=a b:c",
        "workspace=x",
    ):
        for headers in ({}, {"HX-Request": "true"}):
            answer = client_root.get(f"{PAGE}?{query}", headers=headers)
            assert answer.status_code == 422, query
            assert str(own.pk) not in answer.content.decode()


def test_looking_in_is_recorded_once_and_not_for_pages_and_polls(client_anna, admin_anna, workspace, ada):
    for _ in range(60):
        event_of(ada, workspace)
    answer = client_anna.get(f"{PAGE}?action=question_asked&actor=ada@example.org")
    client_anna.get(f"{PAGE}?action=question_asked&cursor={answer.context['next_cursor']}")
    client_anna.get(f"{PAGE}newer/", {"seen": timezone.now().isoformat()})
    event = Event.objects.get(action=actions.AUDIT_READ)
    assert (event.actor_id, event.workspace_id) == (admin_anna.pk, workspace.pk)
    assert event.data == {
        "workspaces": [str(workspace.pk)],
        "people": [str(ada.pk)],
        "person": "ada@example.org",
        "actions": ["question_asked"],
    }


def test_a_look_does_not_tell_who_has_an_account_elsewhere(client_anna, cleo):
    client_anna.get(f"{PAGE}?actor=cleo")
    data = Event.objects.get(action=actions.AUDIT_READ).data
    assert (data["person"], data.get("people")) == ("cleo", None)


def test_queries_do_not_grow_with_rows(client_anna, ada, workspace, django_assert_num_queries):
    for _ in range(40):
        event_of(ada, workspace)
    client_anna.get(PAGE)
    with django_assert_num_queries(QUERIES):
        client_anna.get(PAGE)
    with django_assert_num_queries(QUERIES_OF_A_PERSON):
        client_anna.get(f"{PAGE}?actor=ada@example.org")
    with django_assert_num_queries(QUERIES_OF_NEWS):
        client_anna.get(f"{PAGE}newer/", {"seen": timezone.now().isoformat()})


def test_nothing_counts_the_log(client_root, own):
    with CaptureQueriesContext(connection) as queries:
        client_root.get(PAGE)
        client_root.get("/admin/audit/event/")
    on_events = [query["sql"] for query in queries if "audit_event" in query["sql"]]
    assert on_events
    assert not [sql for sql in on_events if "COUNT(" in sql and "LIMIT 2000" not in sql]


def test_what_is_new_comes_with_the_next_look(client_anna, ada, workspace, own):
    page = client_anna.get(PAGE)
    seen = page.context["opened_at"].isoformat()
    new = event_of(ada, workspace)
    answer = client_anna.get(f"{PAGE}newer/", {"seen": seen})
    assert f"event-{new.pk}" in answer.content.decode()
    # Of those a moment older, the page has them already and leaves them out.
    late = Event.objects.create(
        action=actions.QUESTION_ASKED, workspace_id=workspace.pk, created_at=new.created_at - timedelta(seconds=5)
    )
    answer = client_anna.get(f"{PAGE}newer/", {"seen": timezone.now().isoformat()})
    assert f"event-{late.pk}" in answer.content.decode()
    narrowed = client_anna.get(f"{PAGE}newer/", {"seen": seen, "action": "role_changed"})
    assert "event-" not in narrowed.content.decode()


def test_more_news_than_are_shown_is_said(client_anna, ada, workspace):
    for _ in range(110):
        event_of(ada, workspace)
    answer = client_anna.get(f"{PAGE}newer/", {"seen": timezone.now().isoformat()})
    assert len(answer.context["rows"]) == 100
    assert "More came at once" in answer.content.decode()


@pytest.mark.parametrize("seen", ["", "yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z", "\x00"])
def test_a_look_needs_a_sensible_time(client_anna, seen):
    assert client_anna.get(f"{PAGE}newer/", {"seen": seen}).status_code == 422


def test_an_event_is_shown_whole(client_anna, own, ada, workspace):
    for headers in ({}, {"HX-Request": "true"}):
        body = client_anna.get(f"{PAGE}{own.pk}/", headers=headers).content.decode()
        for part in ("Deleted a document", ada.email, workspace.name, "pages", str(own.pk), own.content_hash.hex()):
            assert part in body
        assert f"?actor={ada.pk}" in body
        assert f"?target=accounts.workspace%3A{workspace.pk}" in body


def test_an_export_asks_who_it_is_unless_that_was_just_told(client_anna, admin_anna, own):
    answer = client_anna.get(f"{PAGE}export/?format=csv")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/settings/confirm/")
    assert not Event.objects.filter(action=actions.AUDIT_EXPORTED).exists()
    assert signed_in(admin_anna).get(f"{PAGE}export/?format=csv").status_code == 200


def test_json_lines_hold_what_the_search_finds(admin_anna, own, foreign, ada, workspace):
    client = signed_in(admin_anna)
    for _ in range(3):
        event_of(ada, workspace)
    answer = client.get(f"{PAGE}export/?format=jsonl&action=document_deleted")
    rows = [json.loads(line) for line in b"".join(answer).decode().splitlines()]
    assert [row["id"] for row in rows] == [str(own.pk)]
    assert rows[0]["data"] == {"pages": 3}
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
    event = Event.objects.get(action=actions.AUDIT_EXPORTED)
    assert (event.actor_id, event.workspace_id) == (admin_anna.pk, workspace.pk)
    assert event.data["format"] == "jsonl"
    assert event.data["actions"] == ["document_deleted"]


def test_an_export_holds_the_own_workspace_alone(admin_anna, own, foreign, above, ada, workspace):
    client = signed_in(admin_anna)
    rows = exported(client, "?format=csv")
    assert {row["workspace_id"] for row in rows} == {str(workspace.pk)}
    assert str(own.pk) in {row["id"] for row in rows}
    assert exported(client, f"?format=csv&actor={foreign.actor_id}") == []


def test_an_export_is_whole_beyond_one_batch(root, ada, workspace):
    Event.objects.bulk_create(
        Event(action=actions.QUESTION_ASKED, actor_id=ada.pk, actor_label=ada.email, workspace_id=workspace.pk)
        for _ in range(2500)
    )
    rows = exported(signed_in(root), "?format=csv&action=question_asked")
    assert len({row["id"] for row in rows}) == len(rows) == 2500


def test_no_cell_of_a_table_is_a_formula(root, workspace):
    bad = "=cmd|'/c calc'!A1"
    workspace.name = bad
    event_record(
        action=actions.WORKSPACE_CHANGED, actor=None, actor_label="@SUM(1)", workspace_id=workspace.pk, target=workspace
    )
    event_record(action=actions.SIGN_IN_FAILED, actor=None, actor_label="\t=1+1", workspace_id=None, result="refused")
    client = signed_in(root)
    client.get(PAGE, headers={"User-Agent": "+1+cmd"})
    rows = exported(client, "?format=csv")
    cells = [cell for row in rows for cell in row.values()]
    assert f"'{bad}" in cells
    assert "'@SUM(1)" in cells
    assert "'+1+cmd" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_an_export_needs_a_format_that_there_is(root, own):
    client = signed_in(root)
    for query in ("", "?format=", "?format=xlsx", "?format=csv&action=made_up"):
        assert client.get(f"{PAGE}export/{query}").status_code == 422


def exported(client, query) -> list[dict[str, str]]:
    answer = client.get(f"{PAGE}export/{query}")
    assert answer.status_code == 200
    text = b"".join(answer).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))
