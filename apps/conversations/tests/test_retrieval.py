"""What is searched for a question: operators, follow-ups, other wordings, whole documents."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.actions import REPLY_WRITTEN
from apps.audit.models import Event
from apps.conversations.leases import Lease, Outcome, lease_take
from apps.conversations.models import Message, Retrieval
from apps.conversations.replies.preparing import work_prepare
from apps.conversations.replies.retrieval import Retrieved, passages_retrieve
from apps.conversations.replies.storing import end_store
from apps.conversations.services import message_send
from apps.conversations.tests.factories import conversation_make, reply_make
from apps.conversations.tests.workers import Worker
from apps.documents.models import Collection
from apps.llm.models import Inference
from apps.llm.testing import Reply
from apps.llm.types import ChatMessage
from apps.rag.services import index_profile_ensure
from apps.rag.testing import fake_embedder, fake_reranker
from apps.rag.tests.factories import index, parsed_version, sentences

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How long is the warranty period?"
WARRANTY = "The warranty period is 24 months from delivery. Batteries are excluded from it."
SHIPPING = "Shipping takes five working days within the country."


@pytest.fixture(autouse=True)
def models():
    with fake_embedder() as embedder, fake_reranker():
        yield embedder


def document_make(owner, *texts, filename="terms.pdf", **fields):
    index_profile_ensure()
    return index(parsed_version(owner, *(texts or (WARRANTY,)), filename=filename, **fields))


def lease_of(owner, model, **fields) -> Lease:
    lease = lease_take(reply_make(conversation_make(owner, model=model, use_documents=True, **fields)).pk)
    assert lease is not None
    return lease


def retrieve(owner, model, question=QUESTION, history=(), **fields) -> Retrieved:
    turns = [ChatMessage(role="assistant" if n % 2 else "user", content=text) for n, text in enumerate(history)]
    lease = lease_of(owner, model, **fields)
    return passages_retrieve(user=owner, lease=lease, question=question, history=turns, profile=model)


def names(retrieved):
    return {passage.filename for passage in retrieved.passages}


@pytest.fixture
def small(model):
    model.is_small = True
    model.save(update_fields=["is_small"])
    return model


def test_operators_narrow_what_a_reply_searches(small, ada):
    document_make(ada)
    document_make(ada, "The warranty period is 12 months.", filename="old.txt")
    found = retrieve(ada, small, f"{QUESTION} file:old")
    assert names(found) == {"old.txt"}
    assert found.question == QUESTION
    assert found.filters == {"file": "old"}
    assert found.notices == ()
    assert names(retrieve(ada, small, f"{QUESTION} before:2001")) == set()
    assert names(retrieve(ada, small, f"{QUESTION} after:2001 type:text/plain")) == {"old.txt", "terms.pdf"}


def test_tags_narrow_what_a_reply_searches(small, ada):
    version = document_make(ada)
    document_make(ada, "The warranty period is 12 months.", filename="old.txt")
    version.document.tags = ["law"]
    version.document.save(update_fields=["tags"])
    assert names(retrieve(ada, small, f"{QUESTION} tag:LAW")) == {"terms.pdf"}


def test_a_collection_is_named_among_those_that_the_person_sees(small, ada, ben, workspace):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Legal", visibility="private")
    document_make(ada, collection=shelf)
    document_make(ada, "The warranty period is 12 months.", filename="old.txt")
    assert names(retrieve(ada, small, f"{QUESTION} collection:legal")) == {"terms.pdf"}
    document_make(ben, "The warranty period is 36 months.", filename="bens.txt")
    for name in ("legal", "nowhere"):
        found = retrieve(ben, small, f"{QUESTION} collection:{name}")
        assert (names(found), found.kind) == (set(), "search")
        assert found.notices == (f"There is no collection “{name}” here that you can read.",)


def test_a_collection_outside_the_conversation_is_not_searched(small, ada, workspace):
    shelves = [
        Collection.objects.create(workspace=workspace, owner=ada, name=name, visibility="private")
        for name in ("Legal", "Sales")
    ]
    for shelf in shelves:
        document_make(ada, collection=shelf, filename=f"{shelf.name}.txt")
    found = retrieve(ada, small, f"{QUESTION} collection:Sales", collection_ids=[shelves[0].pk])
    assert names(found) == set()
    assert "no collection “Sales”" in found.notices[0]


def test_exact_words_are_found_or_become_words_again(small, ada):
    document_make(ada)
    document_make(ada, "The period of the warranty is 12 months.", filename="old.txt")
    assert names(retrieve(ada, small, 'How long is the "warranty period"?')) == {"terms.pdf"}
    found = retrieve(ada, small, 'How long is the "period warranty"?')
    assert names(found) == {"terms.pdf", "old.txt"}
    assert "exactly the words “period warranty”" in found.notices[0]


def test_what_is_wrong_with_an_operator_is_said_before_the_answer(model_server, small, ada):
    document_make(ada)
    reply = reply_make(conversation_make(ada, model=small, use_documents=True))
    Message.objects.filter(children=reply).update(content=f"{QUESTION} type:scroll")
    model_server.script(Reply(deltas=["24 months from delivery."]))
    Worker(reply.pk).join()
    reply.refresh_from_db()
    assert "“type:scroll” was taken as words: types are pdf" in reply.content.split("\n\n")[0]


def test_a_small_model_is_not_asked_to_rewrite(model_server, small, ada):
    document_make(ada)
    found = retrieve(ada, small, "And batteries?", [QUESTION, "24 months, says Nordwerk AG."])
    assert found.question == f"{QUESTION}\nAnd batteries?"
    assert "And batteries?" in found.formulations
    assert any("Nordwerk AG" in text for text in found.formulations)
    assert model_server.requests == []


def test_a_follow_up_is_rewritten_by_the_conversations_model(model_server, model, ada):
    document_make(ada)
    model_server.script(Reply(deltas=["Are batteries ", "covered by the warranty period?"]))
    found = retrieve(ada, model, "And batteries?", [QUESTION, "24 months [1]."])
    assert found.question == found.searched == "Are batteries covered by the warranty period?"
    assert set(found.formulations) >= {"And batteries?", f"{QUESTION}\nAnd batteries?"}
    asked = model_server.requests[0]
    assert asked["temperature"] == 0
    assert asked["max_tokens"] <= 100
    assert "24 months" in asked["messages"][-1]["content"]
    assert "[1]" not in asked["messages"][-1]["content"]
    row = Inference.objects.get(purpose="rewrite")
    assert (row.profile_id, row.user_id, row.state) == (model.pk, ada.pk, "ok")
    assert found.timings["rewrite"] > 0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(deltas=["I am sorry, as a language model I cannot do such things at all."]),
        Reply(deltas=[" \n"]),
        Reply(first_seconds=30),
    ],
    ids=["fails", "talks", "empty", "late"],
)
def test_without_a_rewriting_the_rule_takes_its_place(model_server, model, ada, monkeypatch, reply):
    document_make(ada)
    model_server.default = reply
    found = retrieve(ada, model, "And batteries?", [QUESTION, "24 months."])
    assert found.question == f"{QUESTION}\nAnd batteries?"
    assert names(found) == {"terms.pdf"}


def test_a_question_that_only_begins_like_a_follow_up_is_answered_by_itself(small, ada, settings):
    # Judged by words: the fake reranker finds two of them enough.
    settings.RERANKER_MODEL = "unknown"
    document_make(ada)
    question = "And how long is the warranty period?"
    retrieved = retrieve(
        ada,
        small,
        question,
        history=("Which astronomer discovered the brightest comet over Norway?", "The documents do not tell."),
    )
    assert retrieved.question == question
    assert "warranty" in retrieved.passages[0].text


def test_questions_that_stand_alone_are_not_rewritten(model_server, model, ada):
    document_make(ada)
    found = retrieve(ada, model, "How long is the warranty period after delivery?", ["What is shipping?", "Five days."])
    assert found.question == "How long is the warranty period after delivery?"
    assert not Inference.objects.filter(purpose="rewrite").exists()


def test_operators_of_earlier_questions_do_not_hold_for_later_ones(small, ada):
    document_make(ada)
    document_make(ada, "The warranty period of batteries is 12 months.", filename="old.txt")
    found = retrieve(ada, small, "And batteries?", [f"{QUESTION} file:terms", "24 months."])
    assert found.filters == {}
    assert "file:" not in found.question
    assert "old.txt" in names(found)


def test_a_question_that_finds_little_is_asked_in_other_words(model_server, model, ada, settings):
    # Without a cross-encoder words and vectors judge what was found.
    settings.RERANKER_MODEL = "none"
    document_make(ada)
    model_server.script(Reply(deltas=["1. How long is the guarantee?\n2. What is the ", "warranty period?\n"]))
    found = retrieve(ada, model, "What cover does my contract grant me when something breaks?")
    asked = model_server.requests[0]["messages"][-1]["content"]
    assert "What cover does my contract grant me" in asked
    assert "search_again" in found.timings
    assert "wordings" in found.timings
    # What the second search brings is judged by the question as it was asked.
    assert names(found) == {"terms.pdf"}
    assert found.formulations == ()


def test_work_that_needs_no_document_is_not_asked_in_other_words(model_server, model, ada):
    document_make(ada)
    retrieve(ada, model, "Write a poem about mountains")
    assert model_server.requests == []


def test_a_list_is_made_from_the_whole_document(model, small, ada):
    document_make(ada, *(f"Chapter {n}. {sentences(12, f'topic{n}')}" for n in range(6)), filename="manual.txt")
    found = retrieve(ada, small, "List all chapters")
    assert found.kind == "aggregate"
    texts = [passage.text for passage in found.passages]
    assert len(texts) > 2
    places = [next(n for n, text in enumerate(texts) if f"topic{topic}" in text) for topic in range(6)]
    assert places == sorted(places)
    assert found.notices == ()
    assert not found.is_beyond


def test_a_list_over_too_much_says_that_it_may_be_incomplete(small, ada, settings):
    document_make(ada, sentences(60), filename="manual.txt")
    settings.WHOLE_DOCUMENT_TOKENS = 200
    found = retrieve(ada, small, "List all parts of the turbine")
    assert (found.kind, found.is_beyond) == ("search", True)
    assert "all of manual.txt" in found.notices[0]
    assert "may be incomplete" in found.notices[0]
    assert found.passages


def test_counting_over_many_documents_says_that_one_must_be_chosen(small, ada):
    for number in range(7):
        document_make(ada, f"The turbine number {number} turns.", filename=f"note {number}.txt")
    found = retrieve(ada, small, "How many times is the turbine mentioned?")
    assert found.is_beyond
    assert "too many to be read at once" in found.notices[0]
    named = retrieve(ada, small, "How many times is the turbine mentioned in note 3?")
    assert (named.kind, names(named)) == ("aggregate", {"note 3.txt"})
    chosen = retrieve(ada, small, "How many times is the turbine mentioned? file:note")
    assert chosen.is_beyond


def test_a_larger_model_reads_a_short_document_whole(model, ada):
    document_make(ada, WARRANTY, SHIPPING, filename="terms.txt")
    found = retrieve(ada, model)
    assert found.kind == "whole_document"
    assert [passage.chunk_id for passage in found.passages]
    assert found.ranked
    assert {passage.document_id for passage in found.passages} == {found.ranked[0].document_id}


def test_a_small_model_reads_passages_for_a_fact(small, ada):
    document_make(ada)
    assert retrieve(ada, small).kind == "search"


def test_a_slow_model_does_not_read_whole_documents(model, ada):
    document_make(ada, sentences(60) + " " + WARRANTY, filename="manual.txt")
    assert retrieve(ada, model).kind == "whole_document"
    Inference.objects.create(
        profile=model, model_name="x", purpose="reply", state="ok", prompt_tokens=1000, first_token_seconds=100
    )
    assert retrieve(ada, model).kind == "search"


def test_documents_of_others_are_not_read_whole(model, ada, ben):
    document_make(ada, filename="hers.txt")
    document_make(ben, "Bens notes on the warranty period.", filename="his.txt")
    for question in (QUESTION, "List all warranty periods", "Summarise hers.txt"):
        assert names(retrieve(ben, model, question)) <= {"his.txt"}


def test_the_way_is_stored_with_the_reply(model_server, small, ada):
    document_make(ada)
    reply = reply_make(conversation_make(ada, model=small, use_documents=True))
    Message.objects.filter(children=reply).update(content=f"{QUESTION} file:terms")
    model_server.script(Reply(deltas=["24 months from delivery."]), Reply(deltas=["No."]))
    Worker(reply.pk).join()
    _, second = message_send(actor=ada, conversation_id=reply.conversation_id, content="And batteries?")
    Worker(second.pk).join()
    first, last = Retrieval.objects.order_by("pk")
    assert (first.kind, first.searched, first.filters) == ("search", QUESTION, {"file": "terms"})
    assert last.searched == f"{QUESTION}\nAnd batteries?"
    assert "And batteries?" in last.formulations
    assert first.profile_id
    assert "search" in first.timings


def test_the_owner_is_read_once_for_a_whole_reply(model_server, model, ada):
    document_make(ada)
    lease = lease_of(ada, model)
    Message.objects.filter(pk=lease.parent_id).update(content=QUESTION)
    with CaptureQueriesContext(connection) as captured:
        work = work_prepare(lease)
        outcome = Outcome(state=Message.State.COMPLETE, content="24 months.")
        assert end_store(lease=lease, outcome=outcome, work=work, citations=[], timings={})
    assert work.passages
    assert Event.objects.get(action=REPLY_WRITTEN).actor_id == ada.pk
    assert sum('FROM "accounts_user" WHERE' in query["sql"] for query in captured) == 1
