"""The audit log for programs."""

import json
from uuid import uuid4

import pytest
from django.test import Client

from apps.audit import actions
from apps.audit.models import Event
from apps.audit.services import event_record
from chatbot.testing.plugin import PASSWORD

PATH = "/api/v1/admin/audit-logs"


@pytest.fixture
def own(ada, workspace):
    return event_record(action=actions.DOCUMENT_DELETED, actor=ada, workspace_id=workspace.pk, target=workspace)


@pytest.fixture
def foreign(cleo, other_workspace):
    return event_record(action=actions.DOCUMENT_UPLOADED, actor=cleo, workspace_id=other_workspace.pk)


def token_of(user) -> dict[str, str]:
    answer = Client().post(
        "/api/v1/auth/login", {"email": user.email, "password": PASSWORD}, content_type="application/json"
    )
    return {"Authorization": f"Bearer {answer.json()['access']}"}


def found(answer) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {item["id"] for item in answer.json()["items"]}


def test_a_list_has_the_shape_of_all_lists(client_anna, own, foreign):
    answer = client_anna.get(f"{PATH}?action=document_deleted")
    (item,) = answer.json()["items"]
    assert answer.json()["next"] is None
    assert item["id"] == str(own.pk)
    assert item["actor_label"] == "ada@example.org"
    assert item["content_hash"] == own.content_hash.hex()
    assert item["created_at"].endswith("Z")


def test_whose_events_are_seen(client_root, client_anna, own, foreign, other_workspace, cleo):
    assert {str(own.pk), str(foreign.pk)} <= found(client_root.get(PATH))
    assert str(foreign.pk) not in found(client_anna.get(PATH))
    for query in (
        f"actor={cleo.pk}",
        f"actor={cleo.email}",
        "action=document_uploaded",
        f"workspace={other_workspace.pk}",
    ):
        assert str(foreign.pk) not in found(client_anna.get(f"{PATH}?{query}"))


@pytest.mark.parametrize("name", ["ada", "vera", "cleo"])
def test_who_administers_nothing_is_refused(request, own, name):
    user = request.getfixturevalue(name)
    for query in ("", "?format=csv", "?format=jsonl"):
        answer = Client().get(f"{PATH}{query}", headers=token_of(user))
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"


def test_nobody_signed_out_is_answered(client, own):
    assert client.get(PATH).status_code == 401


def test_pages_follow_one_another(client_anna, ada, workspace):
    events = [event_record(action=actions.QUESTION_ASKED, actor=ada, workspace_id=workspace.pk) for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        answer = client_anna.get(f"{PATH}?limit=2&action=question_asked&cursor={cursor}").json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
    assert seen == [str(event.pk) for event in reversed(events)]


def test_a_file_needs_a_token_and_is_recorded(admin_anna, client_anna, own, foreign):
    assert client_anna.get(f"{PATH}?format=jsonl").json()["code"] == "step_up_required"
    answer = Client().get(f"{PATH}?format=jsonl&limit=1&action=document_deleted", headers=token_of(admin_anna))
    assert answer.status_code == 200
    (row,) = [json.loads(line) for line in b"".join(answer).decode().splitlines()]
    assert row["id"] == str(own.pk)
    event = Event.objects.get(action=actions.AUDIT_EXPORTED)
    assert (event.data["format"], event.data["limit"]) == ("jsonl", 1)


def test_a_look_is_recorded(client_anna, admin_anna, own):
    client_anna.get(f"{PATH}?actor={own.actor_id}")
    event = Event.objects.get(action=actions.AUDIT_READ)
    assert (event.actor_id, event.data["people"]) == (admin_anna.pk, [str(own.actor_id)])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "cursor=x", "action=made_up", "after=x", "format=xlsx", "ip=1", "target=A:b"],
)
def test_what_makes_no_sense_is_a_problem_of_its_field(client_root, query):
    answer = client_root.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_nobody_of_that_key_did_nothing(client_root, own):
    assert found(client_root.get(f"{PATH}?actor={uuid4()}")) == set()
