"""Events in the Open Cybersecurity Schema Framework: what version 1.3.0 requires of each class."""

import json
from typing import Any

import pytest

from apps.audit import actions
from apps.audit.export import row_of
from apps.audit.models import Event
from apps.audit.ocsf import CLASSES, ocsf_event
from apps.audit.services import event_record

REQUIRED = {
    3001: {"user"},
    3002: {"user", "service"},
    3004: {"entity"},
    3005: {"user", "privileges"},
    3006: {"group", "user"},
    6003: {"actor", "api", "src_endpoint"},
    6005: {"actor", "src_endpoint", "database"},
    6006: {"actor", "file", "src_endpoint"},
}
# The activities of each class, beside 99 for others.
ACTIVITIES = {3001: 11, 3002: 6, 3004: 4, 3005: 2, 3006: 6, 6003: 4, 6005: 10, 6006: 16}


def event_of(**fields) -> dict[str, Any]:
    return ocsf_event(row_of(event_record(**fields), None))


@pytest.mark.parametrize("action", list(actions.ACTIONS))
def test_every_action_has_a_class_with_all_that_is_required(ada, workspace, action):
    content = event_of(action=action, actor=ada, workspace_id=workspace.pk, target=workspace)
    class_uid, activity = CLASSES[action]
    assert activity == 99 or 1 <= activity <= ACTIVITIES[class_uid]
    assert content["class_uid"] == class_uid
    assert content["category_uid"] == class_uid // 1000
    assert content["type_uid"] == class_uid * 100 + activity
    assert content["severity_id"] in {1, 2, 3, 4}
    assert content["metadata"]["version"] == "1.3.0"
    assert content["metadata"]["product"]["vendor_name"]
    assert all(content[name] for name in REQUIRED[class_uid]), content
    assert (activity == 99) == ("activity_name" in content)
    json.dumps(content)


def test_who_from_where_and_how_it_went(client, ada):
    headers = {"X-Request-ID": "abc-1", "User-Agent": "Difference/1"}
    client.post("/accounts/login/", {"login": ada.email, "password": "wrong"}, headers=headers)
    event = Event.objects.get(action=actions.SIGN_IN_FAILED)
    content = ocsf_event(row_of(event, None))
    assert (content["class_uid"], content["activity_id"], content["status_id"]) == (3002, 1, 2)
    assert content["user"]["name"] == ada.email
    assert content["src_endpoint"] == {"ip": "127.0.0.1"}
    assert content["http_request"] == {"user_agent": "Difference/1", "uid": "abc-1"}
    assert content["time"] == round(event.created_at.timestamp() * 1000)
    assert content["metadata"]["correlation_uid"] == "abc-1"


def test_to_whom_it_was_done_and_who_did_it(ada, admin_anna, workspace):
    content = event_of(
        action=actions.ROLE_CHANGED, actor=admin_anna, workspace_id=workspace.pk, target=ada, data={"to": "viewer"}
    )
    assert content["actor"]["user"]["uid"] == str(admin_anna.pk)
    assert content["user"]["uid"] == str(ada.pk)
    assert content["privileges"] == ["viewer"]
    assert content["metadata"]["tenant_uid"] == str(workspace.pk)


def test_nobody_and_nowhere_are_said(db):
    content = event_of(action=actions.AUDIT_TRIMMED, actor=None, workspace_id=None)
    assert content["actor"]["user"]["name"]
    assert content["src_endpoint"]
