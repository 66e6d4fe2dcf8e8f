"""One question answered without documents: the conversation keeps them, and the reply says what it is."""

import pytest
from django.urls import reverse

from apps.conversations.models import Message, Retrieval
from apps.conversations.sharing import conversation_share
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.test_documents import QUESTION, ask, document_make, prompt_of
from apps.conversations.tests.workers import answered
from apps.documents.collection_writing import collection_create
from apps.llm.testing import Reply
from apps.rag.testing import fake_embedder
from chatbot.tests.api import Api

pytestmark = pytest.mark.django_db(transaction=True)

STRANGE = "Who discovered the comet in Norway?"
OWN = "*Not from your documents"
HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def embedder():
    with fake_embedder() as fake:
        yield fake


@pytest.fixture
def unanswered(model_server, model, ada):
    """A reply that says that the documents do not tell; the conversation has all documents."""
    document_make(ada)
    reply = answered(ask(ada, model, STRANGE, params={"temperature": 0.25}))
    assert reply.is_unanswered
    return reply


def url(name, *args):
    return reverse(f"conversations:{name}", args=args)


def newest(conversation):
    return Message.objects.filter(conversation=conversation, role=Message.Role.ASSISTANT).latest("pk")


def plain(client, reply):
    """Press "Answer without documents" below the reply."""
    page = client.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert f'action="{url("reply-plain", reply.pk)}"' in page
    assert client.post(url("reply-plain", reply.pk), headers=HTMX).status_code == 200
    return answered(newest(reply.conversation))


def test_the_reply_is_from_the_model_and_says_so(client_ada, unanswered, model_server):
    reply = plain(client_ada, unanswered)
    assert (reply.parent_id, reply.use_documents, reply.is_unanswered) == (unanswered.parent_id, False, False)
    assert reply.content.startswith(OWN)
    assert reply.content.endswith("Hello world!")
    assert prompt_of(model_server) == STRANGE


def test_the_next_question_has_the_documents_again(client_ada, unanswered, model_server):
    reply = plain(client_ada, unanswered)
    page = client_ada.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert 'name="use_documents" value="on" checked' in page
    model_server.default = Reply(deltas=["24 months [1]."])
    form = {"content": QUESTION, "use_documents": "on"}
    client_ada.post(url("message-create", reply.conversation_id), form)
    after = answered(newest(reply.conversation))
    assert "24 months" in prompt_of(model_server)
    assert after.content == "24 months [1]."
    assert after.citations.get().filename == "terms.pdf"
    unanswered.conversation.refresh_from_db()
    assert unanswered.conversation.use_documents


def test_again_is_as_the_reply_that_it_stands_beside(client_ada, unanswered):
    reply = plain(client_ada, unanswered)
    client_ada.post(url("reply-regenerate", reply.pk), headers=HTMX)
    assert answered(newest(reply.conversation)).content.startswith(OWN)
    client_ada.post(url("reply-regenerate", unanswered.pk), headers=HTMX)
    again = answered(newest(reply.conversation))
    assert again.use_documents
    assert again.is_unanswered


def test_asking_otherwise_has_the_documents(client_ada, unanswered, model_server):
    plain(client_ada, unanswered)
    model_server.default = Reply(deltas=["24 months [1]."])
    client_ada.post(url("message-edit", unanswered.parent_id), {"content": QUESTION})
    assert answered(newest(unanswered.conversation)).citations.exists()


def test_why_tells_it(client_ada, unanswered):
    reply = plain(client_ada, unanswered)
    page = client_ada.get(url("message-why", reply.pk)).content.decode()
    assert "Answered without documents" in page
    assert "So it was asked for. Nothing was searched" in page
    assert "Nothing was found" not in page
    assert "0.25" in page
    told = Api(client_ada)("get", f"/messages/{reply.pk}/provenance").json()
    assert (told["kind"], told["passages"], told["params"]) == ("none", [], {"temperature": 0.25})
    # Of the reply beside it as before.
    assert "Searched in the documents" in client_ada.get(url("message-why", unanswered.pk)).content.decode()


def test_a_killed_worker_does_not_forget_it(client_ada, unanswered):
    client_ada.post(url("reply-plain", unanswered.pk), headers=HTMX)
    reply = newest(unanswered.conversation)
    Message.objects.filter(pk=reply.pk).update(state="running", phase="thinking", lease_expires_at=reply.created_at)
    reply = answered(reply)
    assert (reply.attempt, reply.content[: len(OWN)]) == (1, OWN)
    assert Retrieval.objects.get(message=reply).kind == "none"


def test_by_the_api(client_ada, unanswered):
    api = Api(client_ada, JSON)
    address = f"/conversations/{unanswered.conversation_id}/regenerate"

    def again(message, **fields):
        sent = api("post", address, {"message_id": str(message.pk), **fields}).json()["reply"]
        reply = answered(Message.objects.get(pk=sent["id"]))
        return sent["use_documents"], reply

    uses, reply = again(unanswered, use_documents=False)
    assert (uses, reply.content.startswith(OWN)) == (False, True)
    assert again(reply)[0] is False
    uses, reply = again(reply, use_documents=True)
    assert (uses, reply.is_unanswered) == (True, True)
    assert api("get", f"/conversations/{unanswered.conversation_id}").json()["use_documents"] is True


def test_a_conversation_without_documents_gets_none_by_asking(client_ada, unanswered, model_server):
    type(unanswered.conversation).objects.update(use_documents=False)
    address = f"/conversations/{unanswered.conversation_id}/regenerate"
    body = {"message_id": str(unanswered.pk), "use_documents": True}
    Api(client_ada, JSON)("post", address, body)
    assert answered(newest(unanswered.conversation)).content == "Hello world!"


def test_why_names_what_the_search_was_restricted_to(client_ada, model_server, model, ada):
    document = document_make(ada).document
    shelf = collection_create(actor=ada, name="Contracts")
    document.collection = shelf
    document.save()
    scope = {"document_ids": [document.pk], "collection_ids": [shelf.pk]}
    reply = ask(ada, model, QUESTION, **scope)
    Message.objects.filter(pk=reply.pk).update(params={"top_p": 0.5})
    page = client_ada.get(url("message-why", answered(reply).pk)).content.decode()
    facts = page.partition("How it was written")[2]
    for words in ("<dt>Documents</dt><dd>terms.pdf</dd>", "<dt>Collections</dt><dd>Contracts</dd>", "top_p", "0.5"):
        assert words in facts


def test_who_may_only_read_cannot_ask(client_ben, client_cleo, ada, ben, model):
    reply = reply_make(conversation_make(ada, model=model), state=Message.State.COMPLETE, content="No.")
    conversation_share(actor=ada, conversation_id=reply.conversation_id, grantee_id=ben.pk)
    assert client_ben.post(url("reply-plain", reply.pk)).status_code == 403
    assert client_cleo.post(url("reply-plain", reply.pk)).status_code == 404
    assert Message.objects.count() == 2
