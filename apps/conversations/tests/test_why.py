"""Why an answer is as it is: from stored rows, for its asker only, with no text that the asker may not see any more."""

import pytest
from django.urls import reverse

from apps.conversations.models import Message
from apps.conversations.provenance import trace_store
from apps.conversations.sharing import conversation_share
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tracing import ReplyTrace, TracedPassage
from apps.documents.collection_writing import collection_create, collection_share, collection_unshare
from apps.rag.models import Chunk
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import indexed
from apps.rag.types import Passage
from chatbot.tests.api import Api

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
TEXT = "The warranty period is 24 months from delivery."


@pytest.fixture(autouse=True)
def embedder():
    with fake_embedder():
        yield


def url(name, *args):
    return reverse(f"conversations:{name}", args=args)


def passage_of(version, **fields) -> Passage:
    chunk = Chunk.objects.get(version=version)
    return Passage(
        chunk_id=chunk.pk,
        document_id=version.document_id,
        version_id=version.pk,
        filename=version.document.filename,
        page=None,
        page_last=None,
        heading_path=(),
        text=chunk.text,
        version_number=version.number,
        **{"score": 0.87, "bm25": 12.5, "dense": 0.71, "rerank": 3.25, **fields},
    )


def answered(owner, model, *traced, is_unanswered=False, cited=(), **fields):
    reply = reply_make(
        conversation_make(owner, model=model),
        content="24 months.",
        state=Message.State.COMPLETE,
        is_unanswered=is_unanswered,
    )
    trace = ReplyTrace(
        **{
            "kind": "search",
            "searched": "warranty period length",
            "formulations": ("guarantee duration",),
            "answerability": 0.91,
            "threshold": 0.35,
            "is_enough": True,
            "params": {"temperature": 0.2},
            "timings": {"search": 41.0, "answer": 2400},
            "passages": traced,
            **fields,
        }
    )
    trace_store(
        message_id=reply.pk,
        workspace_id=reply.workspace_id,
        trace=trace,
        cited=cited,
        model_name="fake",
        timings={"first_token": 300},
    )
    return reply


def test_the_page_tells_all_that_was_stored(client_ada, ada, model):
    best = passage_of(indexed(ada, TEXT, filename="terms.pdf"))
    weak = passage_of(indexed(ada, "Shipping takes five days.", filename="shipping.pdf"), rerank=None)
    reply = answered(
        ada,
        model,
        TracedPassage(passage=best, is_used=True),
        TracedPassage(passage=weak, is_used=False, reason="weak"),
        cited=[best.chunk_id],
    )
    for headers in ({}, HTMX):
        page = client_ada.get(url("message-why", reply.pk), headers=headers).content.decode()
        for words in (
            "warranty period length", "guarantee duration", "terms.pdf", "shipping.pdf", "Left out: too weak", "Cited",
            "0.87", "12.5", "0.71", "3.25", "0.91", "0.35", "fake", "temperature", "41 ms", "2.4 s", "300 ms", TEXT,
        ):  # fmt: skip
            assert words in page, words
    told = Api(client_ada)("get", f"/messages/{reply.pk}/provenance").json()
    assert [(row["source"], row["outcome"], row["reason"]) for row in told["passages"]] == [
        ("terms.pdf", "cited", ""),
        ("shipping.pdf", "left_out", "weak"),
    ]
    assert told["passages"][0]["text"] == TEXT
    assert told["timings"] == {"search": 41.0, "answer": 2400, "first_token": 300}


def test_every_finished_reply_leads_there(client_ada, ada, model):
    reply = answered(ada, model)
    page = client_ada.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert url("message-why", reply.pk) in page


def test_of_a_document_that_was_taken_back_name_and_text_are_gone(client_ben, model, ada, ben):
    shelf = collection_create(actor=ada, name="Shelf")
    collection_share(actor=ada, collection_id=shelf.pk, grantee_id=ben.pk)
    found = passage_of(indexed(ada, TEXT, filename="terms.pdf", collection=shelf))
    reply = answered(ben, model, TracedPassage(passage=found, is_used=True))
    assert TEXT in client_ben.get(url("message-why", reply.pk)).content.decode()
    assert TEXT in client_ben.get(url("passage-detail", reply.pk, 1), headers=HTMX).content.decode()
    collection_unshare(actor=ada, collection_id=shelf.pk, grantee_id=ben.pk)
    api = Api(client_ben)("get", f"/messages/{reply.pk}/provenance")
    for page in (
        client_ben.get(url("message-why", reply.pk)).content.decode(),
        client_ben.get(url("passage-detail", reply.pk, 1), headers=HTMX).content.decode(),
        client_ben.get(url("passage-detail", reply.pk, 1)).content.decode(),
        api.content.decode(),
    ):
        assert "A document that you may not see" in page
        assert TEXT not in page
        assert "terms.pdf" not in page
    assert api.json()["passages"][0]["document_id"] is None


def test_only_the_asker_learns_why(client_ben, client_cleo, client_anna, ada, ben, model):
    reply = answered(ada, model, TracedPassage(passage=passage_of(indexed(ada, TEXT)), is_used=True))
    addresses = (url("message-why", reply.pk), url("passage-detail", reply.pk, 1))
    api = f"/messages/{reply.pk}/provenance"
    for client in (client_ben, client_cleo, client_anna):
        assert [client.get(address).status_code for address in addresses] == [404, 404]
        assert Api(client)("get", api).status_code == 404
    conversation_share(actor=ada, conversation_id=reply.conversation_id, grantee_id=ben.pk)
    assert [client_ben.get(address).status_code for address in addresses] == [403, 403]
    assert Api(client_ben)("get", api).status_code == 403


def test_a_reply_from_before_says_that_nothing_was_recorded(client_ada, ada, model):
    reply = reply_make(conversation_make(ada, model=model), content="Yes.", state=Message.State.COMPLETE)
    assert "was not recorded" in client_ada.get(url("message-why", reply.pk)).content.decode()
    assert Api(client_ada)("get", f"/messages/{reply.pk}/provenance").json()["kind"] is None
    assert client_ada.get(url("passage-detail", reply.pk, 1)).status_code == 404


def test_queries_do_not_grow_with_the_passages(client_ada, ada, model, django_assert_num_queries):
    found = [passage_of(indexed(ada, f"{TEXT} {number}", filename=f"{number}.pdf")) for number in range(6)]
    few = answered(ada, model, TracedPassage(passage=found[0], is_used=True))
    many = answered(ada, model, *(TracedPassage(passage=passage, is_used=True) for passage in found))
    client_ada.get("/")
    # Session, user, message, retrieval, passages, their texts, question.
    for reply in (few, many):
        with django_assert_num_queries(7):
            client_ada.get(url("message-why", reply.pk), headers=HTMX)


def test_an_answer_that_is_not_in_the_documents_looks_so_and_names_the_nearest(client_ada, ada, model):
    near = passage_of(indexed(ada, TEXT, filename="terms.pdf"))
    reply = answered(
        ada, model, TracedPassage(passage=near, is_used=False, reason="weak"), is_unanswered=True, is_enough=False
    )
    page = client_ada.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert "Not in your documents" in page
    assert "Nearest passages" in page
    assert url("passage-detail", reply.pk, 1) in page
    assert "The passages cannot answer" in client_ada.get(url("message-why", reply.pk)).content.decode()
    new = client_ada.post(url("reply-plain", reply.pk), headers=HTMX).content.decode()
    other = Message.objects.exclude(pk=reply.pk).get(parent=reply.parent)
    assert f'data-stream="/ws/messages/{other.pk}/"' in new
    assert not other.use_documents
    assert other.conversation.use_documents == reply.conversation.use_documents


def test_marks_say_what_is_doubtful(client_ada, ada, model):
    reply = answered(ada, model)
    Message.objects.filter(pk=reply.pk).update(
        content="It is 24 months [1]. It costs 99 dollars.",
        marks={"sentences": [[21, 41, 0.1]], "values": [[30, 32, "number"], ["x"], [5, 4, "number"]]},
        support_share=0.5,
    )
    page = client_ada.get(url("conversation-detail", reply.conversation_id)).content.decode()
    assert "1 of 2 cited sentences is not supported by its source." in page
    assert 'class="doubt-sentence doubt-value" title="This number stands in no passage">99</mark>' in page
    assert "(Not supported by its source)" in page
    assert "Marked numbers stand in no passage of your documents. Check them." in page
