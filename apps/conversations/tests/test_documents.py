"""Replies from documents: found, cited with page and quote, and kept apart from what a person may not see."""

import pytest

from apps.accounts.models import Membership, User
from apps.conversations.models import Citation, Message
from apps.conversations.services import message_send
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.workers import Listener, Worker, listening
from apps.conversations.types import CitationEvent, StatusEvent, TokenEvent
from apps.documents.collection_writing import collection_share, collection_unshare
from apps.documents.models import Collection, Document, DocumentVersion
from apps.llm.testing import Reply
from apps.rag.services import index_profile_ensure
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import index, parsed_version

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How long is the warranty period?"
WARRANTY = "The warranty period is 24 months from delivery. Batteries are excluded from it."
SHIPPING = "Shipping takes five working days within the country."


@pytest.fixture(autouse=True)
def embedder():
    with fake_embedder() as fake:
        yield fake


def document_make(owner, text=WARRANTY, filename="terms.pdf", page=7) -> DocumentVersion:
    index_profile_ensure()
    return index(parsed_version(owner, {"text": text, "page": page}, filename=filename))


def ask(owner, model, question=QUESTION, **fields):
    reply = reply_make(conversation_make(owner, model=model, use_documents=True, **fields))
    Message.objects.filter(children=reply).update(content=question)
    return reply


def test_answer_cites_page_and_quote(model_server, model, ada):
    version = document_make(ada)
    reply = ask(ada, model)
    model_server.script(Reply(deltas=["24 months", " from delivery", " [", "1", "]", "."]))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    reply.refresh_from_db()
    assert reply.content == listener.text == "24 months from delivery [1]."
    citation = Citation.objects.get(message=reply)
    assert (citation.index, citation.filename, citation.page) == (1, "terms.pdf", 7)
    assert (citation.document_id, citation.version_id) == (version.document_id, version.pk)
    assert citation.quote == "The warranty period is 24 months from delivery."
    (shown,) = listener.last.citations
    assert (shown["source"], shown["page"], shown["quote"]) == ("terms.pdf", 7, citation.quote)
    assert "searching" in [event.state for event in listener.of(StatusEvent)]


def test_citation_comes_before_its_marker(model_server, model, ada):
    document_make(ada)
    reply = ask(ada, model)
    model_server.script(Reply(deltas=["Well", ", 24 months [1]."], gap_seconds=0.1))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    kinds = [type(event) for event in listener.events]
    marker = next(
        number for number, event in enumerate(listener.events) if isinstance(event, TokenEvent) and "[1]" in event.text
    )
    assert kinds.index(CitationEvent) < marker


def test_late_subscriber_gets_the_citations_too(model_server, model, ada):
    document_make(ada)
    reply = ask(ada, model)
    model_server.script(Reply(deltas=["24 months [1]", ".", " And more."], gate_after=2))
    worker = Worker(reply.pk)
    Listener(reply.pk).wait_text("[1].")
    late = Listener(reply.pk).wait_text("[1].")
    assert [event.index for event in late.of(CitationEvent)] == [1]
    model_server.release()
    worker.join()
    assert late.wait_end().text == "24 months [1]. And more."


def test_answer_without_markers_is_attributed(model_server, model, ada):
    document_make(ada)
    document_make(ada, SHIPPING, filename="shipping.pdf")
    reply = ask(ada, model)
    model_server.script(Reply(deltas=["The warranty period", " is 24 months from delivery."]))
    with listening(reply.pk) as (listener,):
        Worker(reply.pk).join()
        listener.wait_end()
    assert listener.text == "The warranty period is 24 months from delivery. [1]"
    assert Citation.objects.get(message=reply).filename == "terms.pdf"


def test_question_that_no_document_answers_is_asked_plainly(model_server, model, ada):
    document_make(ada)
    Worker(ask(ada, model, "Write a poem about mountains").pk).join()
    messages = model_server.requests[0]["messages"]
    assert messages[-1]["content"] == "Write a poem about mountains"
    assert not Citation.objects.exists()


def prompt_of(model_server):
    return model_server.requests[-1]["messages"][-1]["content"]


def test_documents_of_others_are_never_used(model_server, model, ada, ben, cleo):
    document_make(ada)
    for person in (ben, cleo):
        Worker(ask(person, model).pk).join()
        assert "24 months" not in prompt_of(model_server)
    Worker(ask(ada, model).pk).join()
    assert "24 months" in prompt_of(model_server)


def test_scope_of_the_conversation_is_kept(model_server, model, ada):
    document_make(ada)
    other = document_make(ada, "The warranty period is 12 months.", filename="old.pdf")
    Worker(ask(ada, model, document_ids=[other.document_id]).pk).join()
    assert "12 months" in prompt_of(model_server)
    assert "24 months" not in prompt_of(model_server)


def test_conversation_without_documents_does_not_search(model_server, model, ada, embedder):
    document_make(ada)
    embedder.calls.clear()
    reply = reply_make(conversation_make(ada, model=model, use_documents=False))
    Worker(reply.pk).join()
    assert embedder.calls == []


def test_document_that_is_still_read_is_named(model_server, model, ada):
    document = Document.objects.create(workspace=ada.workspaces.get(), owner=ada, filename="big_report.pdf")
    DocumentVersion.objects.create(workspace=document.workspace, document=document, sha256="0", size_bytes=1)
    reply = ask(ada, model)
    Worker(reply.pk).join()
    reply.refresh_from_db()
    assert reply.content.startswith("*big report.pdf is still being read; this answer does not use it yet.*\n\nHello")


def test_small_model_gets_a_follow_up_with_what_it_refers_to(model_server, model, ada):
    document_make(ada)
    model.is_small = True
    model.save(update_fields=["is_small"])
    first = ask(ada, model)
    model_server.script(Reply(deltas=["24 months."]), Reply(deltas=["No."]))
    Worker(first.pk).join()
    _, second = message_send(actor=ada, conversation_id=first.conversation_id, content="And batteries?")
    Worker(second.pk).join()
    asked = model_server.requests[-1]
    assert len(asked["messages"]) == 1
    assert asked["messages"][0]["content"].endswith(f"Question: {QUESTION}\nAnd batteries?")
    assert asked["temperature"] == 0


def test_an_answer_takes_from_its_own_workspace_only(model_server, model, ada, workspace, other_workspace):
    reply = ask(ada, model)
    Membership.objects.create(user=ada, workspace=other_workspace)
    index_profile_ensure()
    index(parsed_version(ada, {"text": WARRANTY, "page": 7}, workspace=other_workspace, filename="there.pdf"))
    # So that there is something to look at in this one, too.
    index(parsed_version(ada, SHIPPING, workspace=workspace, filename="here.pdf"))
    Worker(reply.pk).join()
    assert "24 months" not in prompt_of(model_server)
    User.objects.filter(pk=ada.pk).update(current_workspace=other_workspace)
    again = message_send(actor=ada, conversation_id=reply.conversation_id, content=QUESTION)[1]
    Worker(again.pk).join()
    assert "24 months" not in prompt_of(model_server)


def test_an_answer_takes_from_what_is_shared_until_it_is_taken_back(model_server, model, ada, ben, workspace):
    drawer = Collection.objects.create(workspace=workspace, owner=ada, name="Drawer")
    index_profile_ensure()
    index(parsed_version(ada, {"text": WARRANTY, "page": 7}, collection=drawer, filename="terms.pdf"))
    collection_share(actor=ada, collection_id=drawer.pk, grantee_id=ben.pk)
    first = ask(ben, model)
    Worker(first.pk).join()
    assert "24 months" in prompt_of(model_server)
    collection_unshare(actor=ada, collection_id=drawer.pk, grantee_id=ben.pk)
    Worker(ask(ben, model).pk).join()
    assert "24 months" not in prompt_of(model_server)


def test_document_deleted_while_it_is_cited_leaves_the_snapshot(model_server, model, ada):
    version = document_make(ada)
    reply = ask(ada, model)
    model_server.script(Reply(deltas=["24 months [1]", ".", " Yes."], gate_after=2))
    worker = Worker(reply.pk)
    Listener(reply.pk).wait_text("[1].")
    version.document.delete()
    model_server.release()
    worker.join()
    reply.refresh_from_db()
    assert (reply.state, reply.content) == ("complete", "24 months [1]. Yes.")
    citation = Citation.objects.get(message=reply)
    assert (citation.document_id, citation.filename, citation.page) == (None, "terms.pdf", 7)


def test_without_an_embedder_words_still_find(model_server, model, ada, embedder):
    from apps.llm.exceptions import ProviderError

    document_make(ada)
    embedder.error = ProviderError("model_unavailable")
    Worker(ask(ada, model).pk).join()
    assert "24 months" in prompt_of(model_server)
