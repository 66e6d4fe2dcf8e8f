"""Questions that a model proposes: which passages are read, which questions are good enough, and that no worker's death
loses any."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.llm.models import ModelProfile
from apps.llm.testing import MODEL, FakeModelServer, Reply
from apps.rag.evaluation.leases import MAXIMUM_ATTEMPTS
from apps.rag.evaluation.proposing import passages_spread, proposal_fault, proposal_read
from apps.rag.evaluation.tasks import evaluations_reconcile, proposals_continue
from apps.rag.models import Chunk, GoldenQuestion, ProposalRun
from apps.rag.tests.factories import indexed, sentences
from apps.rag.tests.golden import shelf
from chatbot.lib.valkey import valkey

pytestmark = pytest.mark.django_db(transaction=True)

PASSAGE = (
    "The canteen opens at noon and serves soup to all who work in the building. "
    "On Fridays there is fish, and guests pay four euros for their meal at the counter near the door. "
    "Whoever brings a cup of their own gets coffee for half the price on every day of the week."
)
PARKING = (
    "Bicycles are parked in the cellar behind the gate, where there is room for some forty of them at any time. "
    "The gate opens with the same badge as the front door, from six in the morning until ten in the evening. "
    "Whoever comes by car asks the reception for a place in the yard, which is free of charge at weekends."
)
State = ProposalRun.State
GOOD = "Question: What does coffee cost with a cup from home?\nAnswer: Half the price"


@pytest.fixture
def model_server(settings):
    with FakeModelServer() as server:
        settings.MODEL_SERVER_URL = server.url
        yield server


@pytest.fixture(autouse=True)
def model(db):
    return ModelProfile.objects.create(
        endpoint="embedded", name=MODEL, title="Fake", abilities=["chat"], context_tokens=4096, is_default=True
    )


@pytest.fixture
def collection(ada, embedder):
    made = shelf(ada)
    indexed(ada, {"text": PASSAGE, "page": 4}, collection=made, filename="canteen.pdf", mime="application/pdf")
    return made


@pytest.fixture
def start(client_ada, collection):
    """Start a run by the page; its message to the workers is lost."""

    def post(count=5):
        answer = client_ada.post(reverse("rag:golden-propose", args=[collection.pk]), {"count": count})
        assert answer.status_code == 302
        run = ProposalRun.objects.latest("pk")
        assert messages_of(run) == ["apps.rag.evaluation.tasks.proposals_continue"]
        valkey().delete("inference")
        return run

    return post


@pytest.fixture
def propose(start, model_server):
    """One run over the collection while the model says this. Returns all golden questions."""

    def ask(text):
        model_server.script(Reply(deltas=[text]))
        worked(start())
        return list(GoldenQuestion.objects.all())

    return ask


def worked(run):
    proposals_continue(str(run.pk))
    run.refresh_from_db()
    return run


def worked_elsewhere(run):
    try:
        proposals_continue(str(run.pk))
    finally:
        connection.close()


def lease_lost(run, **values):
    """As after a worker that was killed long enough ago."""
    past = timezone.now() - timedelta(seconds=1)
    values = {"state": State.RUNNING, "lease_token": uuid4(), "lease_expires_at": past, **values}
    ProposalRun.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()


def messages_of(run):
    """What waits for workers about this run."""
    bodies = [json.loads(message) for message in valkey().lrange("inference", 0, -1)]
    return [body["headers"]["task"] for body in bodies if str(run.pk) in body["headers"]["argsrepr"]]


def page_of(client, run):
    return client.get(reverse("rag:golden-list", args=[run.collection_id])).content.decode()


def progress_of(client, run):
    address = reverse("rag:proposals-progress", args=[run.pk])
    return client.get(address, headers={"HX-Request": "true"}).content.decode()


def test_a_good_question_becomes_a_proposal(propose, ada, model_server):
    (question,) = propose(GOOD)
    assert (question.question, question.answer) == ("What does coffee cost with a cup from home?", "Half the price")
    assert (question.state, question.origin, question.created_by) == ("proposed", "model", ada)
    assert (question.expected[0]["filename"], question.expected[0]["pages"]) == ("canteen.pdf", [4])
    sent = model_server.requests[0]["messages"][-1]["content"]
    assert "untrusted" in sent
    assert f"<passage>\n{PASSAGE}\n</passage>" in sent
    run = ProposalRun.objects.get()
    assert (run.state, run.done_count, run.proposed_count) == (State.COMPLETE, 1, 1)
    assert run.finished_at
    assert run.lease_token is None


def test_the_same_passage_is_proposed_once(propose):
    propose(GOOD)
    assert len(propose("Question: When does the canteen open its doors?\nAnswer: Noon")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help with that.",
        "Question: Soup\nAnswer: Yes",
        "Question: What is said in the passage about soup?\nAnswer: It is served",
        "Question: Do guests pay four euros for their meal at the counter near the door?\nAnswer: Yes",
        "Question: Zebras or xylophones, quartz or vortices, yonder?\nAnswer: ",
    ],
)
def test_others_are_dropped(propose, client_ada, text):
    assert propose(text) == []
    page = page_of(client_ada, ProposalRun.objects.get())
    assert "1 of 1 passage read, 0 questions proposed; others were not good enough" in page


def test_what_the_search_does_not_find_again_is_dropped(ada, collection, start, model_server):
    run = start()
    for number in range(25):
        text = f"Zebra {number} eats quartz yonder, every single morning. {sentences(2, str(number))}"
        indexed(ada, text, collection=collection, filename=f"{number}.txt")
    model_server.script(Reply(deltas=["Question: Which zebra eats quartz yonder every single morning?\nAnswer: None"]))
    assert worked(run).state == State.COMPLETE
    assert not GoldenQuestion.objects.exists()


class TestInterrupted:
    @pytest.fixture(autouse=True)
    def second(self, ada, collection):
        indexed(ada, PARKING, collection=collection, filename="parking.pdf", mime="application/pdf")

    def test_a_run_goes_on_where_a_killed_worker_left_it(self, start, model_server, client_ada):
        run = start()
        soon = timezone.now() + timedelta(minutes=1)
        lease_lost(run, done_count=1, proposed_count=1, lease_expires_at=soon)
        # Another worker has it.
        assert worked(run).done_count == 1
        assert "1 of 2 passages read" in progress_of(client_ada, run)
        assert model_server.requests == []
        lease_lost(run)
        ProposalRun.objects.filter(pk=run.pk).update(enqueued_at=timezone.now() - timedelta(minutes=5))
        evaluations_reconcile()
        evaluations_reconcile()
        assert messages_of(run) == ["apps.rag.evaluation.tasks.proposals_continue"]
        model_server.script(Reply(deltas=[GOOD]), Reply(deltas=[GOOD]))
        worked(run)
        assert (run.state, run.done_count, run.proposed_count) == (State.COMPLETE, 2, 2)
        # Only the second passage was asked about.
        assert len(model_server.requests) == GoldenQuestion.objects.count() == 1

    def test_who_lost_the_lease_while_the_model_wrote_keeps_nothing(self, start, model_server):
        run = start()
        model_server.script(Reply(deltas=["Question: ", GOOD.removeprefix("Question: ")], gate_after=1))
        with ThreadPoolExecutor(1) as pool:
            worker = pool.submit(worked_elsewhere, run)
            model_server.wait_until(lambda server: server.requests)
            lease_lost(run)
            model_server.release()
            worker.result(30)
        assert not GoldenQuestion.objects.exists()
        run.refresh_from_db()
        assert run.done_count == 0

    def test_a_run_that_kills_its_workers_fails_and_is_taken_up_again(self, start, model_server, client_ada):
        run = start()
        lease_lost(run, attempts=MAXIMUM_ATTEMPTS, done_count=1)
        assert worked(run).state == State.FAILED
        assert "It was interrupted several times at the same passage." in page_of(client_ada, run)
        again(client_ada, run)
        model_server.script(Reply(deltas=["Question: Which gate is behind the bicycles?\nAnswer: The cellar's"]))
        worked(run)
        assert (run.state, run.done_count) == (State.COMPLETE, 2)

    def test_a_model_that_does_not_answer_is_waited_for_and_then_given_up(self, start, model_server, client_ada):
        run = start()
        model_server.default = Reply(status=429, headers={"Retry-After": "60"})
        for attempt in range(1, MAXIMUM_ATTEMPTS):
            worked(run)
            assert (run.state, run.attempts, run.lease_token) == (State.RUNNING, attempt, None)
            assert "The model is busy" in progress_of(client_ada, run)
            assert "tried again by itself" in progress_of(client_ada, run)
            # The reconciler leaves the model some time.
            evaluations_reconcile()
            assert messages_of(run) == []
        assert worked(run).state == State.FAILED
        page = client_ada.get(reverse("rag:evaluation-detail", args=[run.collection_id])).content.decode()
        assert "No more questions could be proposed. The model is busy" in page
        model_server.default = Reply(deltas=[GOOD])
        again(client_ada, run)
        assert worked(run).state == State.COMPLETE

    def test_a_passage_that_the_model_refuses_is_passed_over(self, start, model_server):
        model_server.script(Reply(status=400, body="context_length exceeded"), Reply(deltas=[GOOD]))
        run = worked(start())
        assert (run.state, run.done_count) == (State.COMPLETE, 2)

    def test_a_model_that_refuses_all_ends_it_with_a_sentence(self, start, model_server, client_ada):
        model_server.script(Reply(status=401))
        run = worked(start())
        assert (run.state, run.done_count) == (State.FAILED, 0)
        assert "The model server refused the key." in page_of(client_ada, run)
        assert len(model_server.requests) == 1

    def test_it_can_be_stopped(self, start, client_ada, model_server):
        run = start()
        assert client_ada.post(reverse("rag:proposals-stop", args=[run.pk])).status_code == 302
        assert worked(run).state == State.CANCELLED
        assert model_server.requests == []
        assert "stopped after 0 of 2 passages" in page_of(client_ada, run)
        # What was stopped is not taken up; another can be begun.
        again(client_ada, run)
        assert worked(run).state == State.CANCELLED
        start()

    def test_who_lost_access_proposes_nothing(self, start, ada, model_server):
        run = start()
        Membership.objects.filter(user=ada).update(role="viewer")
        assert worked(run).state == State.FAILED
        assert model_server.requests == []


def again(client, run):
    client.post(reverse("rag:proposals-retry", args=[run.pk]))
    run.refresh_from_db()


def test_one_at_a_time(start, client_ada, collection):
    run = start()
    answer = client_ada.post(reverse("rag:golden-propose", args=[collection.pk]), {"count": 5})
    assert answer.status_code == 422
    assert "being proposed for this collection already" in answer.content.decode()
    ProposalRun.objects.filter(pk=run.pk).update(state=State.FAILED)
    start()
    again(client_ada, run)
    assert run.state == State.FAILED


def test_the_progress_is_asked_for_until_it_has_ended(start, client_ada, model_server):
    run = start()
    assert "Waiting for a worker" in progress_of(client_ada, run)
    assert "hx-trigger" in progress_of(client_ada, run)
    assert "Waiting for a worker" in page_of(client_ada, run)
    model_server.script(Reply(deltas=[GOOD]))
    worked(run)
    assert "hx-trigger" not in progress_of(client_ada, run)
    assert "1 of 1 passage read, 1 question proposed." in progress_of(client_ada, run)
    plain = client_ada.get(reverse("rag:proposals-progress", args=[run.pk]))
    assert plain["Location"] == reverse("rag:golden-list", args=[run.collection_id])


def test_passages_come_from_all_documents_and_from_places_far_apart(ada, embedder):
    collection = shelf(ada)
    long = indexed(ada, *[sentences(20, f"turbine {number}") for number in range(8)], collection=collection)
    short = indexed(ada, sentences(20, "wing"), collection=collection, filename="short.txt")
    first = passages_spread(user=ada, collection_id=collection.pk, count=2)
    assert {Chunk.objects.get(pk=key).document_id for key in first} == {long.document_id, short.document_id}
    many = passages_spread(user=ada, collection_id=collection.pk, count=50)
    assert len(many) == len(set(many)) == Chunk.objects.filter(document__collection=collection).count()
    ordinals = [chunk.ordinal for key in many if (chunk := Chunk.objects.get(pk=key)).document_id == long.document_id][
        :3
    ]
    count = Chunk.objects.filter(document=long.document).count()
    # The middle first, then the first and the third quarter.
    assert [round(ordinal / (count - 1), 1) for ordinal in ordinals] == pytest.approx([0.5, 0.25, 0.75], abs=0.17)


def test_by_the_page(client_ada, collection):
    address = reverse("rag:golden-propose", args=[collection.pk])
    page = client_ada.post(address, {"count": 5}, follow=True).content.decode()
    assert "1 passage is being read" in page
    assert client_ada.post(address, {"count": 1000}).status_code == 422


def test_without_a_document_or_model_the_page_says_so(client_ada, ada, collection, model):
    address = reverse("rag:golden-propose", args=[shelf(ada, name="Bare").pk])
    assert "no document yet" in client_ada.post(address, {"count": 5}).content.decode()
    model.delete()
    answer = client_ada.post(reverse("rag:golden-propose", args=[collection.pk]), {"count": 5})
    assert answer.status_code == 422


def test_reading_the_two_lines():
    assert proposal_read("**Question:** Why?\n**Answer:** So.\nMore") == ("Why?", "So.")
    assert proposal_read("Why?") == ("", "")


def test_a_copy_is_known_by_its_run_of_words():
    passage = "one two three four five six seven eight nine ten"
    assert proposal_fault(question="Is one two three four five six seven eight nine so?", answer="a", passage=passage)
    assert not proposal_fault(question="What comes between three and five here?", answer="a", passage=passage)
