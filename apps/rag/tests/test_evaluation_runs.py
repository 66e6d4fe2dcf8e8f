"""Runs: what they measure, that no worker's death loses or doubles anything, and the command."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.audit.models import Event
from apps.llm.exceptions import ProviderError
from apps.rag.evaluation.leases import MAXIMUM_ATTEMPTS
from apps.rag.evaluation.tasks import evaluation_step, evaluations_nightly, evaluations_reconcile
from apps.rag.models import CollectionTuning, EvaluationResult, EvaluationRun, GoldenQuestion
from apps.rag.testing import fake_reranker
from apps.rag.tests.factories import indexed
from apps.rag.tests.golden import TOPICS, MisledEmbedder, golden, judged_shelf, shelf
from chatbot.lib.valkey import valkey

State = EvaluationRun.State


@pytest.fixture
def collection(ada, embedder):
    return judged_shelf(ada)


@pytest.fixture
def start(client_ada, collection, django_capture_on_commit_callbacks):
    """Start a run by the page; the messages to workers are dropped."""

    def post(**fields):
        with django_capture_on_commit_callbacks():
            answer = client_ada.post(
                reverse("rag:evaluation-start", args=[collection.pk]), {"mode": "hybrid", **fields}
            )
        assert answer.status_code == 302
        return EvaluationRun.objects.get(pk=answer["Location"].rstrip("/").rsplit("/", 1)[-1])

    return post


def worked(run):
    evaluation_step(str(run.pk))
    run.refresh_from_db()
    return run


def expire(run):
    EvaluationRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_a_run_measures_every_approved_question(start, collection, ada):
    golden(collection, "Not yet?", state=GoldenQuestion.State.PROPOSED)
    run = start(label="First")
    assert Event.objects.get(action="evaluation_started").data["questions"] == 6
    worked(run)
    assert (run.state, run.done_count, run.question_count) == (State.COMPLETE, 6, 6)
    assert run.metrics["ndcg_10"] == run.metrics["mrr"] == run.metrics["recall_5"] == 1
    assert run.metrics["counted"] == 6
    assert run.metrics["search_p95_ms"] >= run.metrics["search_p50_ms"] > 0
    assert "page_hit_5" not in run.metrics
    result = run.results.get(question__question="Whom to tell of a lost badge?")
    assert result.found[0][0] == result.question.expected[0]["document_id"]
    assert run.started_by == ada


def test_pages_count_where_they_are_expected(ada, embedder, start, collection):
    version = indexed(
        ada,
        {"text": "The lift is serviced in April.", "page": 3},
        collection=collection,
        filename="lift.pdf",
        mime="application/pdf",
    )
    right = {"document_id": str(version.document_id), "filename": "lift.pdf", "pages": [3], "relevance": 1}
    golden(collection, "When is the lift serviced?", expected=[right], is_unanswerable=False)
    golden(
        collection, "In which month is the lift serviced?", expected=[{**right, "pages": [9]}], is_unanswerable=False
    )
    run = worked(start())
    assert run.metrics["page_hit_5"] == 0.5


def test_a_question_whose_document_has_gone_does_not_count(start, collection):
    question = collection.golden_questions.first()
    collection.documents.get(pk=question.expected[0]["document_id"]).delete()
    run = worked(start())
    assert (run.state, run.metrics["counted"], run.done_count) == (State.COMPLETE, 5, 6)
    assert "no longer has" in run.results.get(question=question).error_detail


def test_an_unanswerable_question_alone_has_only_a_time(start, collection):
    collection.golden_questions.all().delete()
    golden(collection, "Who founded it?")
    run = worked(start())
    assert set(run.metrics) == {"took_ms", "search_p50_ms", "search_p95_ms", "counted"}


def test_a_run_goes_on_where_a_killed_worker_left_it(start, collection):
    run = start()
    first = collection.golden_questions.order_by("pk").first()
    EvaluationResult.objects.create(run=run, question=first, metrics={"ndcg_10": 0.25, "took_ms": 1.0})
    EvaluationRun.objects.filter(pk=run.pk).update(
        state=State.RUNNING, lease_token=uuid4(), lease_expires_at=timezone.now() + timedelta(minutes=1)
    )
    worked(run)
    assert (run.state, run.results.count()) == (State.RUNNING, 1)
    expire(run)
    worked(run)
    assert (run.state, run.results.count()) == (State.COMPLETE, 6)
    assert run.metrics["ndcg_10"] == pytest.approx((5 + 0.25) / 6)


def test_a_run_that_ended_is_not_measured_again(start):
    run = worked(start())
    finished = run.finished_at
    worked(run)
    assert (run.finished_at, run.results.count()) == (finished, 6)


def test_a_run_that_kills_its_workers_fails(start):
    run = start()
    EvaluationRun.objects.filter(pk=run.pk).update(state=State.RUNNING, attempts=MAXIMUM_ATTEMPTS, lease_token=uuid4())
    expire(run)
    worked(run)
    assert run.state == State.FAILED
    assert "interrupted several times" in run.error_detail


def messages_of(run):
    """What waits for workers about this run."""
    bodies = [json.loads(message) for message in valkey().lrange("inference", 0, -1)]
    return [body["headers"]["task"] for body in bodies if str(run.pk) in body["headers"]["argsrepr"]]


def test_lost_messages_are_sent_again_once(start):
    run = start()
    assert messages_of(run) == []
    EvaluationRun.objects.filter(pk=run.pk).update(enqueued_at=timezone.now() - timedelta(minutes=5))
    evaluations_reconcile()
    evaluations_reconcile()
    assert messages_of(run) == ["apps.rag.evaluation.tasks.evaluation_step"]


def test_without_the_embedder_a_run_waits(start, embedder):
    run = start()
    embedder.error = ProviderError("model_unavailable")
    worked(run)
    assert (run.state, run.lease_token, run.results.count()) == (State.RUNNING, None, 0)


def test_a_run_ends_when_its_asker_may_no_longer_look(start, collection, ada):
    run = start()
    Membership.objects.filter(user=ada).update(role="viewer")
    worked(run)
    assert run.state == State.FAILED
    assert run.results.count() == 0


def test_stopping(start, client_ada):
    run = start()
    client_ada.post(reverse("rag:evaluation-stop", args=[run.pk]))
    worked(run)
    assert (run.state, run.results.count()) == (State.CANCELLED, 0)


def test_nothing_to_ask(client_ada, ada, embedder):
    collection = shelf(ada)
    indexed(ada, "Some text.", collection=collection)
    page = client_ada.post(reverse("rag:evaluation-start", args=[collection.pk]), {"mode": "hybrid"})
    assert page.status_code == 422
    assert not EvaluationRun.objects.exists()


class TestReranking:
    def measured(self, client_ada, collection):
        with fake_reranker():
            client_ada.post(reverse("rag:tuning-measure", args=[collection.pk]))
            for run in EvaluationRun.objects.filter(purpose="tuning"):
                worked(run)
        return CollectionTuning.objects.get(collection=collection)

    def test_two_runs_say_whether_it_pays(self, client_ada, collection):
        tuning = self.measured(client_ada, collection)
        assert (tuning.rerank, tuning.rerank_gain) == ("automatic", 0)
        assert tuning.rerank_ms >= 0
        # Six questions that were right before tell nothing.
        assert tuning.is_rerank_worth is None
        assert (
            "too few questions"
            in client_ada.get(reverse("rag:evaluation-detail", args=[collection.pk])).content.decode()
        )

    def test_too_few_questions_are_said_so(self, client_ada, collection):
        collection.golden_questions.all()[0].delete()
        collection.golden_questions.all()[0].delete()
        page = client_ada.post(reverse("rag:tuning-measure", args=[collection.pk]), follow=True)
        assert "At least 5 approved questions are needed; 4 are there." in page.content.decode()

    def test_a_person_chooses(self, client_ada, collection):
        address = reverse("rag:tuning-change", args=[collection.pk])
        assert client_ada.post(address, {"rerank": "off"}).status_code == 302
        assert CollectionTuning.objects.get(collection=collection).rerank == "off"
        assert client_ada.post(address, {"rerank": "maybe"}).status_code == 422
        assert Event.objects.filter(action="tuning_changed").count() == 1


class TestNightly:
    @pytest.fixture(autouse=True)
    def night(self, settings):
        settings.EVALUATION_HOUR = timezone.now().hour

    def test_every_collection_with_enough_questions_is_measured_once(self, collection, ada):
        golden(shelf(ada, name="Small"), "Who?")
        evaluations_nightly()
        evaluations_nightly()
        run = EvaluationRun.objects.get(purpose="nightly")
        assert (run.collection, run.started_by) == (collection, ada)
        assert EvaluationRun.objects.filter(purpose="tuning").count() == 2

    def test_by_day_nothing_happens(self, collection, settings):
        settings.EVALUATION_HOUR = (timezone.now().hour + 12) % 24
        evaluations_nightly()
        assert not EvaluationRun.objects.exists()

    def test_switched_off(self, collection, settings):
        settings.EVALUATION_NIGHTLY = False
        evaluations_nightly()
        assert not EvaluationRun.objects.exists()

    def test_reranking_chosen_by_hand_is_not_measured(self, collection):
        CollectionTuning.objects.create(workspace=collection.workspace, collection=collection, rerank="on")
        evaluations_nightly()
        assert not EvaluationRun.objects.filter(purpose="tuning").exists()

    def test_a_collection_without_owner_is_measured_for_an_administrator(self, collection, admin_anna):
        collection.owner, collection.visibility = None, "workspace"
        collection.save()
        evaluations_nightly()
        assert EvaluationRun.objects.get(purpose="nightly").started_by == admin_anna

    def test_where_nobody_may_look_nothing_is_measured(self, collection, ada):
        ada.is_active = False
        ada.save()
        evaluations_nightly()
        assert not EvaluationRun.objects.exists()


class TestCommand:
    def test_prints_and_ends_well(self, collection, capsys):
        call_command("rag_evaluate")
        assert "nDCG@10                         1.000" in capsys.readouterr().out

    def test_json(self, collection, capsys):
        call_command("rag_evaluate", "--collection", str(collection.pk), "--json")
        answer = json.loads(capsys.readouterr().out)
        assert answer["collections"][0]["metrics"]["mrr"] == 1
        assert answer["is_worse"] is False

    def test_a_regression_ends_with_status_1(self, collection, embedder, capsys):
        call_command("rag_evaluate")
        embedder.embed = MisledEmbedder().embed
        with pytest.raises(SystemExit) as ended:
            call_command("rag_evaluate")
        assert ended.value.code == 1
        assert "Worse: nDCG@10 falls from 1.000 to" in capsys.readouterr().out

    def test_a_question_that_was_changed_is_no_regression(self, collection):
        call_command("rag_evaluate")
        documents = list(collection.documents.order_by("pk"))
        for question, wrong in zip(
            collection.golden_questions.order_by("pk"), documents[1:] + documents[:1], strict=True
        ):
            question.expected = [{"document_id": str(wrong.pk), "filename": wrong.filename, "pages": []}]
            question.save()
        call_command("rag_evaluate")

    def test_comparing_two_ways(self, collection, capsys):
        with fake_reranker():
            call_command("rag_evaluate", "--compare", "no-rerank", "rerank")
        out = capsys.readouterr().out
        assert "no-rerank and rerank" in out
        assert "0 won, 0 lost" in out

    def test_what_does_not_exist(self, collection, ada):
        with pytest.raises(CommandError, match="No collections are called Nothing"):
            call_command("rag_evaluate", "--collection", "Nothing")
        with pytest.raises(CommandError, match="There is no index"):
            call_command("rag_evaluate", "--profile", str(uuid4()))
        shelf(ada, name="Bare")
        with pytest.raises(CommandError, match="no approved golden question"):
            call_command("rag_evaluate", "--collection", "Bare")


def test_topics_are_as_many_as_the_tests_count():
    assert len(TOPICS) == 6
