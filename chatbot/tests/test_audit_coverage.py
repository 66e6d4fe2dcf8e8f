"""What people and administrators do stands in the audit log: the parts that no other test is about."""

from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile

from apps.audit import actions
from apps.audit.models import Event
from apps.conversations.leases import Outcome, lease_finish, lease_take
from apps.conversations.models import Message
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.documents.models import DocumentVersion
from apps.documents.services import document_cancel, document_upload
from apps.llm.models import ModelProfile
from chatbot.settings_record import settings_changes_record
from chatbot.testing.hostile.payloads import PAYLOADS


@pytest.fixture
def document(ada):
    return document_upload(actor=ada, file=ContentFile(b"Notes on the engine.", name="a.txt"), filename="a.txt")


def only(action) -> Event:
    return Event.objects.get(action=action)


@pytest.mark.parametrize("path", ["/documents/{}/content/", "/api/v1/documents/{}/content"])
def test_a_download_is_recorded_and_a_refused_one_is_none(client_ada, client_cleo, ada, document, path):
    address = path.format(document.pk)
    assert client_cleo.get(address).status_code == 404
    assert not Event.objects.filter(action=actions.DOCUMENT_DOWNLOADED).exists()
    answer = client_ada.get(address)
    assert b"".join(answer.streaming_content) == b"Notes on the engine."
    event = only(actions.DOCUMENT_DOWNLOADED)
    assert (event.actor_id, event.target_id, event.workspace_id) == (ada.pk, str(document.pk), document.workspace_id)
    assert event.data == {"version": 1, "size_bytes": 20}


def test_cancelling_is_recorded_once(ada, document):
    document_cancel(actor=ada, document_id=document.pk)
    document_cancel(actor=ada, document_id=document.pk)
    assert only(actions.DOCUMENT_CANCELLED).target_id == str(document.pk)
    assert document.versions.get().state == DocumentVersion.State.CANCELLED


def test_a_reply_names_the_documents_it_was_written_from(ada, chat_model, document):
    reply = reply_make(conversation_make(ada, model=chat_model))
    lease = lease_take(reply.pk)
    assert lease
    outcome = Outcome(state=Message.State.COMPLETE, content="Because it is.", model_name="tiny")
    assert lease_finish(lease, outcome, documents=[document.pk], owner=ada)
    event = only(actions.REPLY_WRITTEN)
    assert (event.actor_id, event.workspace_id) == (ada.pk, reply.workspace_id)
    assert (event.target_type, event.target_id) == ("conversations.message", str(reply.pk))
    assert event.data == {
        "conversation_id": str(reply.conversation_id),
        "document_ids": [str(document.pk)],
        "documents": 1,
        "citations": 0,
        "model": "tiny",
    }
    assert "Because" not in str(event.data) + event.target_label


def test_a_lost_lease_records_nothing(ada, chat_model, document):
    reply = reply_make(conversation_make(ada, model=chat_model))
    lease = lease_take(reply.pk)
    assert lease
    Message.objects.filter(pk=reply.pk).update(lease_token=None)
    outcome = Outcome(state=Message.State.COMPLETE, content="Because it is.")
    assert not lease_finish(lease, outcome, documents=[document.pk], owner=ada)
    assert not Event.objects.filter(action=actions.REPLY_WRITTEN).exists()


def test_a_changed_model_is_recorded_with_what_changed(client_root, root, chat_model):
    page = f"/admin/llm/modelprofile/{chat_model.pk}/change/"
    form = client_root.get(page).context["adminform"].form
    values = {name: "" if form.initial.get(name) is False else form.initial.get(name) for name in form.fields}
    del values["is_enabled"]
    assert client_root.post(page, {**values, "title": "Renamed"}).status_code == 302
    assert ModelProfile.objects.get(pk=chat_model.pk).title == "Renamed"
    event = only(actions.MODEL_CHANGED)
    assert (event.actor_id, event.target_id) == (root.pk, str(chat_model.pk))
    assert event.data["title"] == "Renamed"
    assert event.data["is_enabled"] is False


def test_a_model_is_not_deleted_in_the_admin(client_root, chat_model):
    assert client_root.post(f"/admin/llm/modelprofile/{chat_model.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_start_with_other_settings_records_their_names_and_no_value(db, monkeypatch):
    monkeypatch.setenv("CHATBOT_OPENAI_KEY", "sk-very-secret")
    settings_changes_record()
    settings_changes_record()
    assert "CHATBOT_OPENAI_KEY" in only(actions.SETTINGS_CHANGED).data["changed"]
    monkeypatch.setenv("CHATBOT_OPENAI_KEY", "sk-another")
    monkeypatch.setenv("CHATBOT_DEBUG", "0")
    settings_changes_record()
    monkeypatch.delenv("CHATBOT_DEBUG")
    settings_changes_record()
    events = Event.objects.filter(action=actions.SETTINGS_CHANGED).order_by("created_at")
    assert [event.data["changed"] for event in events][1:] == [
        ["CHATBOT_DEBUG", "CHATBOT_OPENAI_KEY"],
        ["CHATBOT_DEBUG"],
    ]
    assert "secret" not in str([event.data for event in events])


@pytest.mark.parametrize(
    "name", ["actor", "action", "target", "result", "after", "before", "request_id", "ip", "workspace", "cursor"]
)
def test_naughty_strings_break_no_search_in_the_log(client_root, name):
    extra = ["9999-12-31", "0001-01-01", "2026-01-31T13:45:00+99:99", "W10", "WyIyMDI2LTAxLTAxIiwgMV0", "1/0", "::1%x"]
    # One of each kind; every door gets all of them in test_hostile_input.py.
    texts = {payload.kind: payload.text for payload in PAYLOADS}
    for text in [*texts.values(), *extra]:
        encoded = quote(text.encode("utf-8", "surrogatepass"))
        for path in ("/audit/", "/audit/newer/", "/api/v1/admin/audit-logs"):
            answer = client_root.get(f"{path}?{name}={encoded}")
            assert answer.status_code in {200, 422}, (path, text)
