from pathlib import Path

import pytest
from django.db import Error, transaction

from apps.audit import actions
from apps.audit.models import Event
from apps.audit.services import event_record

ROOT = Path(__file__).resolve().parents[3]


def test_an_event_says_who_did_what_to_what(ada, workspace):
    event_record(
        action=actions.DOCUMENT_DELETED, actor=ada, workspace_id=workspace.pk, target=workspace, data={"pages": 3}
    )
    event = Event.objects.get(action=actions.DOCUMENT_DELETED)
    assert (event.actor_id, event.actor_label, event.role) == (ada.pk, "ada@example.org", "user")
    assert (event.target_type, event.target_id, event.target_label) == (
        "accounts.workspace",
        str(workspace.pk),
        "Analytical Engines",
    )
    assert event.data == {"pages": 3}


def test_an_event_of_a_request_carries_address_and_request_id(client, ada):
    headers = {"X-Request-ID": "abc-1", "User-Agent": "Difference/1"}
    client.post("/accounts/login/", {"login": ada.email, "password": "wrong"}, headers=headers)
    event = Event.objects.get(action=actions.SIGN_IN_FAILED)
    assert (event.request_id, event.ip_address, event.user_agent) == ("abc-1", "127.0.0.1", "Difference/1")


def test_an_unregistered_action_is_refused(ada):
    with pytest.raises(ValueError, match="not registered"):
        event_record(action="made_up", actor=ada, workspace_id=None)


@pytest.mark.parametrize("change", [lambda rows: rows.update(action="x"), lambda rows: rows.delete()])
def test_the_database_refuses_to_change_or_delete_events(ada, change):
    event_record(action=actions.SIGNED_IN, actor=ada, workspace_id=None)
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        change(Event.objects.all())
    assert Event.objects.get().action == actions.SIGNED_IN


def test_an_event_outlives_its_actor(ada):
    event_record(action=actions.SIGNED_IN, actor=ada, workspace_id=None)
    actor_id = ada.pk
    ada.delete()
    event = Event.objects.get()
    assert (event.actor_id, event.actor_label) == (actor_id, "ada@example.org")


def test_every_registered_action_is_used():
    sources = [
        path.read_text()
        for folder in ("apps", "chatbot")
        for path in (ROOT / folder).rglob("*.py")
        # These two name them all.
        if "tests" not in path.parts and path.name not in {"actions.py", "ocsf.py"}
    ]
    names = {name for name, value in vars(actions).items() if isinstance(value, str) and value in actions.ACTIONS}
    assert len(names) == len(actions.ACTIONS)
    assert [name for name in sorted(names) if not any(name in source for source in sources)] == []


def test_the_admin_shows_events_and_changes_none(admin_site_client, ada):
    event = event_record(action=actions.SIGNED_IN, actor=ada, workspace_id=None)
    page = f"/admin/audit/event/{event.pk}"
    assert admin_site_client.get("/admin/audit/event/").status_code == 200
    assert admin_site_client.get(f"{page}/change/").status_code == 200
    assert admin_site_client.post(f"{page}/change/", {"action": "x"}).status_code == 403
    assert admin_site_client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
