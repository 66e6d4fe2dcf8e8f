"""What judging gets out of conversations: whole replies, golden questions out of bad ones, and statistics."""

from uuid import uuid4

import pytest
from django.urls import reverse

from apps.conversations.models import Citation, Conversation, Feedback, Message, Retrieval, RetrievedPassage
from apps.conversations.tests.factories import conversation_make, message_make
from apps.llm.testing import Reply
from apps.rag.evaluation.tasks import evaluation_step
from apps.rag.models import EvaluationRun, GoldenQuestion
from apps.rag.selectors import profile_live
from apps.rag.services import index_profile_ensure
from apps.rag.testing import fake_embedder, fake_reranker
from apps.rag.tests.factories import index, parsed_version
from apps.rag.tests.golden import golden, shelf

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How long is the warranty period?"
WARRANTY = "The warranty period is 24 months from delivery. Batteries are excluded from it."


@pytest.fixture
def collection(ada):
    with fake_embedder(), fake_reranker():
        yield shelf(ada)


@pytest.fixture
def version(ada, collection):
    index_profile_ensure()
    sections = {"text": WARRANTY, "page": 7}
    return index(parsed_version(ada, sections, filename="terms.pdf", collection=collection, mime="application/pdf"))


@pytest.fixture
def run(ada, collection, version):
    return EvaluationRun.objects.create(
        workspace=collection.workspace,
        collection=collection,
        profile=profile_live(),
        started_by=ada,
        has_answers=True,
        configuration={"mode": "hybrid"},
    )


def asked(collection, run, question, *documents, **fields):
    golden(collection, question, *documents, **fields)
    EvaluationRun.objects.filter(pk=run.pk).update(created_at=fields.get("created_at") or run_now())
    evaluation_step(str(run.pk))
    run.refresh_from_db()
    return run.results.get()


def run_now():
    from django.utils import timezone

    return timezone.now()


class TestWholeReplies:
    def test_are_judged_and_leave_no_conversation_behind(self, collection, version, run, model, model_server):
        model_server.default = Reply(deltas=["The warranty period is 24 months from delivery [1]."])
        result = asked(collection, run, QUESTION, version.document, answer="24 months")
        assert run.state == "complete"
        assert result.answer == "The warranty period is 24 months from delivery [1]."
        assert result.metrics["abstained_wrong"] == 0
        assert result.metrics["citation_precision"] == result.metrics["citation_recall"] == 1
        assert result.metrics["answer_overlap"] == 1
        assert result.metrics["answer_ms"] > 0
        assert not Conversation.objects.exists()
        assert not Message.objects.exists()
        assert not Citation.objects.exists()

    def test_a_question_that_the_documents_do_not_answer(self, collection, version, run, model, model_server):
        model_server.default = Reply(deltas=["I don't know."])
        result = asked(collection, run, "Who painted the ceiling of the chapel?")
        assert result.metrics["abstained_right"] == 1
        assert "abstained_wrong" not in result.metrics

    def test_without_a_model_the_question_does_not_count(self, collection, version, run):
        result = asked(collection, run, QUESTION, version.document)
        assert result.metrics == {}
        assert result.error_detail

    def test_a_failing_model_is_told(self, collection, version, run, model, model_server):
        model_server.default = Reply(status=400)
        result = asked(collection, run, QUESTION, version.document)
        assert result.error_detail


@pytest.fixture
def bad_reply(ada, collection, version, model):
    question = message_make(conversation_make(ada, model=model), content=QUESTION)
    reply = message_make(
        question.conversation, question, role=Message.Role.ASSISTANT, content="Twelve months [1].", state="complete"
    )
    cite(reply, version)
    Feedback.objects.create(workspace=reply.workspace, message=reply, user=ada, rating=-1)
    return reply


def cite(reply, version, **fields):
    return Citation.objects.create(
        workspace=reply.workspace,
        message=reply,
        document=version.document,
        version=version,
        chunk_id=uuid4(),
        filename="terms.pdf",
        quote="x",
        score=1,
        **{"index": 1, "page": 7, "page_last": 8, **fields},
    )


class TestFromAReply:
    def test_one_click_proposes_the_question_where_the_reply_cites(self, client_ada, ada, bad_reply, collection):
        shelf(ada, name="Another")
        answer = client_ada.post(reverse("conversations:golden-new", args=[bad_reply.pk]))
        question = GoldenQuestion.objects.get()
        assert answer["Location"] == reverse("rag:golden-edit", args=[question.pk])
        assert (question.question, question.collection, question.origin) == (QUESTION, collection, "feedback")
        assert (question.state, question.message_id) == ("proposed", bad_reply.pk)
        assert (question.expected[0]["filename"], question.expected[0]["pages"]) == ("terms.pdf", [7, 8])

    def test_twice_is_once(self, client_ada, bad_reply):
        for _ in range(2):
            client_ada.post(reverse("conversations:golden-new", args=[bad_reply.pk]))
        assert GoldenQuestion.objects.count() == 1

    def test_the_collection_is_asked_for_where_nothing_is_cited(self, client_ada, ada, bad_reply, collection):
        bad_reply.citations.all().delete()
        other = shelf(ada, name="Another")
        address = reverse("conversations:golden-new", args=[bad_reply.pk])
        page = client_ada.post(address)
        assert page.status_code == 422
        assert "Another" in page.content.decode()
        client_ada.post(address, {"collection": other.pk})
        question = GoldenQuestion.objects.get()
        assert (question.collection, question.expected, question.is_unanswerable) == (other, [], False)

    def test_a_follow_up_is_kept_as_it_was_searched(self, client_ada, bad_reply, ada):
        follow_up = message_make(bad_reply.conversation, bad_reply, content="And for batteries?")
        reply = message_make(bad_reply.conversation, follow_up, role=Message.Role.ASSISTANT, content="None.")
        Retrieval.objects.create(
            workspace=reply.workspace, message=reply, kind="search", searched="How long is the warranty for batteries?"
        )
        page = reverse("conversations:golden-new", args=[reply.pk])
        client_ada.post(page, {"collection": shelf(ada, name="Batteries").pk})
        assert GoldenQuestion.objects.get().question == "How long is the warranty for batteries?"

    @pytest.mark.parametrize("client_name", ["client_ben", "client_anna", "client_cleo", "client_root", "client_vera"])
    def test_nobody_else_can(self, request, bad_reply, collection, client_name):
        client = request.getfixturevalue(client_name)
        address = reverse("conversations:golden-new", args=[bad_reply.pk])
        assert client.get(address).status_code == 404
        assert client.post(address, {"collection": collection.pk}).status_code == 404
        assert not GoldenQuestion.objects.exists()

    def test_not_into_a_collection_of_somebody_else(self, client_ada, bad_reply, ben):
        foreign = shelf(ben, name="Ben's")
        address = reverse("conversations:golden-new", args=[bad_reply.pk])
        page = client_ada.post(address, {"collection": foreign.pk})
        assert page.status_code == 422
        assert "Ben" not in page.content.decode().replace("Ben</", "")
        assert not GoldenQuestion.objects.exists()

    def test_a_question_is_no_reply(self, client_ada, bad_reply, collection):
        address = reverse("conversations:golden-new", args=[bad_reply.parent_id])
        assert client_ada.post(address, {"collection": collection.pk}).status_code == 422


def test_statistics_of_a_collection(client_ada, ada, bad_reply, collection, version):
    bad_reply.support_share = 0.25
    bad_reply.save()
    good = message_make(bad_reply.conversation, role=Message.Role.ASSISTANT, content="24 [1].", support_share=0.75)
    cite(good, version)
    Feedback.objects.create(workspace=good.workspace, message=good, user=ada, rating=1)
    abstained = message_make(bad_reply.conversation, role=Message.Role.ASSISTANT, content="No.", is_unanswered=True)
    retrieval = Retrieval.objects.create(workspace=good.workspace, message=abstained, kind="search")
    RetrievedPassage.objects.create(
        retrieval=retrieval,
        rank=1,
        document=version.document,
        version_id=version.pk,
        chunk_id=uuid4(),
        filename="terms.pdf",
        score=0.1,
        outcome="left_out",
    )
    page = client_ada.get(reverse("rag:evaluation-detail", args=[collection.pk])).content.decode()
    facts = page[page.index("Replies that cite this collection") :]
    assert [part.split("</dd>")[0] for part in facts.split("<dd>")[1:6]] == ["2", "50 %", "1", "1", "1"]
