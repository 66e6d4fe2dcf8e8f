"""Allowances of questions and documents, for a person and for the whole workspace."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse

from apps.accounts.exceptions import QuotaExceededError
from apps.accounts.models import DailyUsage, Membership
from apps.audit.models import Event
from apps.conversations.services import conversation_create, message_send
from apps.documents.models import Document
from apps.documents.services import document_delete, document_upload
from apps.llm.tests.factories import profile_make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def model(db):
    return profile_make()


def ask(user):
    conversation = conversation_create(actor=user)
    return message_send(actor=user, conversation_id=conversation.pk, content="When does the canteen open?")


def upload(user, size=1000):
    return document_upload(actor=user, file=ContentFile(b"x" * size, name="a.txt"), filename="a.txt")


def files_stored(folder=""):
    """How many files the storage holds."""
    folders, files = default_storage.listdir(folder)
    return len(files) + sum(files_stored(f"{folder}/{name}".lstrip("/")) for name in folders)


def test_without_limits_everything_is_counted_and_nothing_refused(ada, ben):
    ask(ada), ask(ada), ask(ben)
    counts = dict(DailyUsage.objects.values_list("user__email", "messages"))
    assert counts == {"ada@example.org": 2, "ben@example.org": 1}


def test_a_person_asks_no_more_than_allowed(ada, ben, workspace):
    workspace.messages_per_day_per_user = 2
    workspace.save()
    ask(ada), ask(ada)
    with pytest.raises(QuotaExceededError, match="You may ask 2 questions a day"):
        ask(ada)
    ask(ben)


def test_a_refused_question_is_not_counted(ada, workspace):
    workspace.messages_per_day_per_user = 1
    workspace.save()
    ask(ada)
    for _ in range(2):
        with pytest.raises(QuotaExceededError):
            ask(ada)
    assert DailyUsage.objects.get(user=ada).messages == 1


def test_a_membership_has_limits_of_its_own(ada, workspace):
    workspace.messages_per_day_per_user = 1
    workspace.save()
    Membership.objects.filter(user=ada).update(messages_per_day=2)
    ask(ada), ask(ada)
    with pytest.raises(QuotaExceededError, match="2 questions"):
        ask(ada)


def test_the_workspace_has_an_allowance_that_counts_what_came_before(ada, ben, workspace):
    ask(ada), ask(ben)
    workspace.messages_per_day = 3
    workspace.save()
    ask(ada)
    with pytest.raises(QuotaExceededError, match="Your workspace may ask 3 questions"):
        ask(ben)


def test_documents_and_bytes_are_limited(ada, ben, workspace):
    workspace.documents_per_user, workspace.bytes_limit = 2, 5000
    workspace.save()
    first = upload(ada)
    upload(ada)
    with pytest.raises(QuotaExceededError, match="You may keep 2 documents"):
        upload(ada)
    with pytest.raises(QuotaExceededError, match="this file does not fit"):
        upload(ben, size=3001)
    document_delete(actor=ada, document_id=first.pk)
    upload(ada)


def test_the_answer_says_when_to_come_back(client_ada, ada, workspace):
    workspace.messages_per_day_per_user = 1
    workspace.save()
    ask(ada)
    conversation = conversation_create(actor=ada)
    answer = client_ada.post(reverse("conversations:message-create", args=[conversation.pk]), {"content": "And now?"})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 86_401
    assert "Tomorrow (UTC) you can go on" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_audited_although_its_transaction_is_undone(ada, client_ada, workspace):
    workspace.messages_per_day_per_user = 0
    workspace.save()
    with pytest.raises(QuotaExceededError):
        ask(ada)
    event = Event.objects.get(action="quota_exceeded")
    assert (event.result, event.workspace_id) == ("refused", workspace.pk)
    assert event.data == {"kind": "messages", "of": "user", "limit": 0}
    conversation = conversation_create(actor=ada)
    answer = client_ada.post(
        f"/api/v1/conversations/{conversation.pk}/messages",
        {"content": "And by API?"},
        content_type="application/json",
        headers={"Idempotency-Key": "one", "X-CSRFToken": ""},
    )
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_exceeded")
    assert Event.objects.filter(action="quota_exceeded").count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "one"}])
def test_an_upload_that_is_refused_leaves_no_file_and_one_event(client_ada, workspace, headers):
    workspace.documents_limit = 1
    workspace.save()
    before = files_stored()
    files = [ContentFile(b"x", name="a.txt"), ContentFile(b"y", name="b.txt")]
    answer = client_ada.post("/api/v1/documents/upload", {"files": files}, headers=headers)
    assert answer.status_code == 429
    assert not Document.objects.exists()
    assert files_stored() == before
    assert Event.objects.filter(action="quota_exceeded").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_question_refused_by_api_is_one_event(client_ada, ada, workspace):
    workspace.messages_per_day_per_user = 0
    workspace.save()
    address = f"/api/v1/conversations/{conversation_create(actor=ada).pk}/messages"
    assert client_ada.post(address, {"content": "Why?"}, content_type="application/json").status_code == 429
    assert Event.objects.filter(action="quota_exceeded").count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_exactly_what_is_allowed(ada, workspace):
    workspace.messages_per_day = 5
    workspace.save()

    def attempt(_):
        try:
            ask(ada)
        except QuotaExceededError:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(12))) == 5


def test_the_meter_shows_what_is_used(client_ada, ada, workspace):
    workspace.messages_per_day_per_user = 10
    workspace.save()
    ask(ada)
    page = client_ada.get(reverse("conversations:usage")).content.decode()
    assert "1 of 10" in page
    assert "0, no limit" in page
