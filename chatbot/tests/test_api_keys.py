"""What a program reaches with an API key."""

import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.accounts.services.keys import key_create
from apps.conversations.models import Conversation
from apps.conversations.tests.factories import conversation_make


@pytest.fixture
def text(ada, workspace):
    return key_create(actor=ada, name="Nightly", workspace_id=workspace.pk, scopes=["read", "chat"])[1]


@pytest.fixture
def call(text):
    def call(method, path, body=None):
        headers = {"Authorization": f"Bearer {text}"}
        return Client().generic(method, f"/api/v1{path}", body or "", headers=headers)

    return call


def test_a_key_acts_in_its_workspace_only(ada, workspace, other_workspace, call, chat_model):
    here, there = (conversation_make(ada, model=chat_model) for _ in range(2))
    Conversation.objects.filter(pk=there.pk).update(workspace=other_workspace)
    Membership.objects.create(user=ada, workspace=other_workspace)
    ada.current_workspace = other_workspace
    ada.save()
    me = call("GET", "/me").json()
    assert me["workspace_id"] == str(workspace.pk)
    assert [row["workspace_id"] for row in me["workspaces"]] == [str(workspace.pk)]
    assert [item["id"] for item in call("GET", "/conversations").json()["items"]] == [str(here.pk)]
    assert call("GET", f"/conversations/{there.pk}").status_code == 404
    assert call("DELETE", f"/conversations/{there.pk}").status_code == 404
    assert call("DELETE", f"/conversations/{here.pk}").status_code == 204
    ada.refresh_from_db()
    assert ada.current_workspace_id == other_workspace.pk
