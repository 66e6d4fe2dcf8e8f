"""Questions that a model proposes: which passages are read, and which questions are good enough."""

import pytest
from django.urls import reverse

from apps.llm.models import ModelProfile
from apps.llm.testing import MODEL, FakeModelServer, Reply
from apps.rag.evaluation.proposing import passages_spread, proposal_fault, proposal_read
from apps.rag.evaluation.tasks import golden_question_propose
from apps.rag.models import Chunk, GoldenQuestion
from apps.rag.tests.factories import indexed, sentences
from apps.rag.tests.golden import shelf
from chatbot.lib.errors import NotFoundError

pytestmark = pytest.mark.django_db(transaction=True)

PASSAGE = (
    "The canteen opens at noon and serves soup to all who work in the building. "
    "On Fridays there is fish, and guests pay four euros for their meal at the counter near the door. "
    "Whoever brings a cup of their own gets coffee for half the price on every day of the week."
)
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
def propose(ada, collection, model_server):
    def ask(text, user=ada):
        model_server.script(Reply(deltas=[text]))
        golden_question_propose(str(user.pk), str(collection.pk), str(Chunk.objects.get().pk))
        return list(GoldenQuestion.objects.all())

    return ask


def test_a_good_question_becomes_a_proposal(propose, ada, model_server):
    (question,) = propose(GOOD)
    assert (question.question, question.answer) == ("What does coffee cost with a cup from home?", "Half the price")
    assert (question.state, question.origin, question.created_by) == ("proposed", "model", ada)
    assert (question.expected[0]["filename"], question.expected[0]["pages"]) == ("canteen.pdf", [4])
    sent = model_server.requests[0]["messages"][-1]["content"]
    assert "untrusted" in sent
    assert f"<passage>\n{PASSAGE}\n</passage>" in sent


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
def test_others_are_dropped(propose, text):
    assert propose(text) == []


def test_what_the_search_does_not_find_again_is_dropped(ada, collection, model_server):
    chunk = Chunk.objects.get()
    for number in range(25):
        text = f"Zebra {number} eats quartz yonder, every single morning. {sentences(2, str(number))}"
        indexed(ada, text, collection=collection, filename=f"{number}.txt")
    model_server.script(Reply(deltas=["Question: Which zebra eats quartz yonder every single morning?\nAnswer: None"]))
    golden_question_propose(str(ada.pk), str(collection.pk), str(chunk.pk))
    assert not GoldenQuestion.objects.exists()


def test_a_model_that_refuses_proposes_nothing(propose, model_server):
    model_server.script(Reply(status=400))
    assert propose(GOOD) == []


def test_who_lost_access_proposes_nothing(propose, ben):
    with pytest.raises(NotFoundError):
        propose(GOOD, user=ben)
    assert not GoldenQuestion.objects.exists()


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
