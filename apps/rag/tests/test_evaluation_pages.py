"""Pages of judging: who gets them, what they show, and what they keep from whom."""

import math
import random
import re
from html.parser import HTMLParser

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from typing_extensions import override

from apps.accounts.permissions import grant_add
from apps.audit.models import Event
from apps.documents.models import Collection
from apps.rag.evaluation.tasks import evaluation_step
from apps.rag.models import EvaluationRun, GoldenQuestion
from apps.rag.tests.factories import indexed
from apps.rag.tests.golden import golden, judged_shelf, shelf
from chatbot.testing.grants import world_make


@pytest.fixture
def collection(ada, embedder):
    return judged_shelf(ada)


@pytest.fixture
def run(ada, collection):
    return measured(collection, ada)


def measured(collection, asker, **fields):
    from apps.rag.selectors import profile_live

    run = EvaluationRun.objects.create(
        workspace=collection.workspace,
        collection=collection,
        profile=profile_live(),
        started_by=asker,
        **{"configuration": {"mode": "hybrid"}, **fields},
    )
    evaluation_step(str(run.pk))
    run.refresh_from_db()
    return run


def text_of(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


class TestWho:
    """Ada owns. Ben is shared it to read. Anna administers. Vera only views. Cleo is a stranger."""

    @pytest.fixture(autouse=True)
    def shared(self, collection, ben, vera):
        with transaction.atomic():
            grant_add(to=ben, target=collection)
            grant_add(to=vera, target=collection)

    def addresses(self, collection, run):
        question = collection.golden_questions.first()
        return {
            "detail": reverse("rag:evaluation-detail", args=[collection.pk]),
            "questions": reverse("rag:golden-list", args=[collection.pk]),
            "question": reverse("rag:golden-edit", args=[question.pk]),
            "run": reverse("rag:evaluation-run", args=[run.pk]),
        }

    @pytest.mark.parametrize(
        ("client_name", "statuses"),
        [
            ("client_ada", {200}),
            ("client_ben", {403, 404}),
            ("client_vera", {403, 404}),
            ("client_anna", {404}),
            ("client_cleo", {404}),
            ("client_root", {404}),
        ],
    )
    def test_only_who_may_change_it(self, request, collection, run, client_name, statuses):
        client = request.getfixturevalue(client_name)
        for address in self.addresses(collection, run).values():
            assert client.get(address).status_code in statuses

    def test_an_administrator_where_it_is_open_to_the_workspace(self, collection, run, client_anna, client_ben):
        collection.visibility = Collection.Visibility.WORKSPACE
        collection.save()
        for address in self.addresses(collection, run).values():
            assert client_anna.get(address).status_code == 200
            assert client_ben.get(address).status_code in {403, 404}

    def test_who_only_reads_changes_nothing(self, collection, run, client_ben):
        question = collection.golden_questions.first()
        for name, key, data in (
            ("golden-new", collection.pk, {"question": "Why?", "is_unanswerable": "on"}),
            ("golden-decide", collection.pk, {"question": [str(question.pk)], "decision": "reject"}),
            ("golden-propose", collection.pk, {"count": 5}),
            ("evaluation-start", collection.pk, {"mode": "hybrid"}),
            ("tuning-change", collection.pk, {"rerank": "on"}),
            ("tuning-measure", collection.pk, {}),
            ("golden-delete", question.pk, {}),
            ("golden-edit", question.pk, {"question": "Other?", "is_unanswerable": "on"}),
            ("evaluation-stop", run.pk, {}),
        ):
            assert client_ben.post(reverse(f"rag:{name}", args=[key]), data).status_code in {403, 404}
        question.refresh_from_db()
        assert (question.state, collection.golden_questions.count()) == ("approved", 6)
        assert EvaluationRun.objects.count() == 1

    def test_the_list_names_only_what_one_may_evaluate(self, collection, client_ada, client_ben, client_vera):
        address = reverse("rag:evaluation-list")
        assert collection.name in text_of(client_ada.get(address))
        assert collection.name not in text_of(client_ben.get(address))
        assert client_vera.get(address).status_code == 403


class TestQuestions:
    def write(self, client, collection, **fields):
        data = {"question": "When is lunch?", "documents": "canteen.txt", "answer": "At noon", **fields}
        return client.post(reverse("rag:golden-new", args=[collection.pk]), data)

    def test_writing_one(self, client_ada, collection, ada):
        assert self.write(client_ada, collection, documents="Canteen: 2, 4-5\nparking.txt").status_code == 302
        question = collection.golden_questions.get(question="When is lunch?")
        assert [(each["filename"], each["pages"]) for each in question.expected] == [
            ("canteen.txt", [2, 4, 5]),
            ("parking.txt", []),
        ]
        assert (question.state, question.origin, question.created_by) == ("approved", "written", ada)
        event = Event.objects.get(action="golden_questions_changed")
        assert "lunch" not in str(event.data)

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"question": " "}, "This field is required"),
            ({"documents": ""}, "Name at least one document"),
            ({"documents": "nowhere.txt"}, "No document of this collection is called"),
            ({"documents": "canteen.txt: 0"}, "is no page"),
            ({"is_unanswerable": "on"}, "cannot name documents"),
        ],
    )
    def test_what_is_wrong_comes_back_in_the_form(self, client_ada, collection, fields, told):
        answer = self.write(client_ada, collection, **fields)
        assert answer.status_code == 422
        assert told in text_of(answer)
        assert collection.golden_questions.count() == 6

    def test_changing_and_deleting(self, client_ada, collection):
        question = collection.golden_questions.first()
        address = reverse("rag:golden-edit", args=[question.pk])
        assert "canteen.txt" in text_of(client_ada.get(address))
        client_ada.post(address, {"question": "Who founded it?", "is_unanswerable": "on"})
        question.refresh_from_db()
        assert (question.question, question.expected, question.is_unanswerable) == ("Who founded it?", [], True)
        gone = reverse("rag:golden-delete", args=[question.pk])
        assert "Delete the question?" in text_of(client_ada.get(gone))
        client_ada.post(gone)
        assert not GoldenQuestion.objects.filter(pk=question.pk).exists()
        assert client_ada.get(address).status_code == 404

    def test_proposals_are_decided_on(self, client_ada, collection):
        good = golden(collection, "Proposed?", collection.documents.first(), state="proposed")
        bad = golden(collection, "Nonsense?", collection.documents.first(), state="proposed")
        open_ended = golden(collection, "Where?", state="proposed", is_unanswerable=False)
        address = reverse("rag:golden-decide", args=[collection.pk])
        client_ada.post(address, {"question": [good.pk, open_ended.pk], "decision": "approve"})
        client_ada.post(address, {"question": [bad.pk], "decision": "reject"})
        assert client_ada.post(address, {"question": ["x"], "decision": "approve"}).status_code == 302
        states = dict(GoldenQuestion.objects.values_list("question", "state"))
        # What has no right answer yet cannot be asked.
        assert (states["Proposed?"], states["Nonsense?"], states["Where?"]) == ("approved", "rejected", "proposed")

    def test_saving_a_proposal_approves_it(self, client_ada, collection):
        question = golden(collection, "Where?", state="proposed", is_unanswerable=False)
        client_ada.post(
            reverse("rag:golden-edit", args=[question.pk]), {"question": "Where?", "documents": "parking.txt"}
        )
        question.refresh_from_db()
        assert question.state == "approved"

    def test_another_collections_question_cannot_be_decided_on_here(self, client_ada, collection, ben, client_ben):
        foreign = golden(shelf(ben), "His?", state="proposed")
        address = reverse("rag:golden-decide", args=[collection.pk])
        client_ada.post(address, {"question": [foreign.pk], "decision": "approve"})
        foreign.refresh_from_db()
        assert foreign.state == "proposed"

    def test_the_list_goes_on_and_takes_as_many_queries_whatever_its_length(
        self, client_ada, collection, django_assert_num_queries
    ):
        address = reverse("rag:golden-list", args=[collection.pk])
        client_ada.get(address)
        with CaptureCount() as few:
            client_ada.get(address)
        for number in range(40):
            golden(collection, f"Number {number}?", collection.documents.first())
        with CaptureCount() as many:
            first = text_of(client_ada.get(address))
        assert many.count == few.count <= 13
        cursor = re.search(r"cursor=([^\"&]+)", first)[1]
        second = text_of(client_ada.get(address, {"cursor": cursor}))
        shown = set(re.findall(r"Number \d+\?", first)), set(re.findall(r"Number \d+\?", second))
        assert len(shown[0]) == 30
        assert shown[0].isdisjoint(shown[1])
        assert len(shown[0] | shown[1]) == 40
        assert client_ada.get(address, {"cursor": "x"}).status_code == 422

    def test_states(self, client_ada, collection):
        golden(collection, "Proposed?", state="proposed")
        page = text_of(client_ada.get(reverse("rag:golden-list", args=[collection.pk]), {"state": "proposed"}))
        assert "Proposed?" in page
        assert "canteen" not in page


class CaptureCount:
    def __enter__(self):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self._captured = CaptureQueriesContext(connection)
        self._captured.__enter__()
        return self

    def __exit__(self, *error):
        self._captured.__exit__(*error)
        self.count = len(self._captured)


class TestRuns:
    def test_history_is_a_chart_with_its_numbers_beside(self, client_ada, collection, ada):
        address = reverse("rag:evaluation-detail", args=[collection.pk])
        assert "Nothing has been measured yet" in text_of(client_ada.get(address))
        for _ in range(3):
            measured(collection, ada)
        measured(collection, ada, configuration={"mode": "keyword"})
        page = text_of(client_ada.get(address))
        assert page.count('class="chart-dot chart-1"') == 3
        assert page.count("1.000") >= 3
        points = re.search(r'polyline class="chart-line chart-1" points="([^"]+)"', page)[1].split()
        assert len(points) == 3
        assert all(math.isfinite(float(number)) for point in points for number in point.split(","))

    def test_a_run_shows_the_worst_first(self, client_ada, collection, ada):
        wrong = collection.golden_questions.get(question="Which floor has the colour printer?")
        other = collection.documents.get(filename="badge.txt")
        wrong.expected = [{"document_id": str(other.pk), "filename": "badge.txt", "pages": []}]
        wrong.save()
        gone = golden(collection, "Gone?", is_unanswerable=False, expected=[{"filename": "nowhere.txt", "pages": []}])
        page = text_of(client_ada.get(reverse("rag:evaluation-run", args=[measured(collection, ada).pk])))
        order = [page.index(f">{text}<") for text in (gone.question, wrong.question, "Whom to tell of a lost badge?")]
        assert order == sorted(order)
        assert "Not counted" in page
        assert "printer.txt" in page

    def test_results_go_on(self, client_ada, collection, ada):
        for number in range(40):
            golden(collection, f"Number {number} of the canteen?", collection.documents.first())
        address = reverse("rag:evaluation-run", args=[measured(collection, ada).pk])
        first = text_of(client_ada.get(address))
        second = text_of(client_ada.get(address, {"cursor": re.search(r"cursor=([^\"&]+)", first)[1]}))
        shown = [set(re.findall(r"Number \d+ of", page)) for page in (first, second)]
        assert shown[0].isdisjoint(shown[1])
        assert len(shown[0] | shown[1]) == 40
        assert client_ada.get(address, {"cursor": "x"}).status_code == 422

    def test_a_wrong_form_is_told(self, client_ada, collection):
        address = reverse("rag:evaluation-start", args=[collection.pk])
        answer = client_ada.post(address, {"mode": "guessing", "dense_share": 3})
        assert answer.status_code == 422
        assert not EvaluationRun.objects.exists()

    def test_documents_that_left_the_viewers_sight_are_not_named(self, collection, ada, client_anna):
        collection.visibility = Collection.Visibility.WORKSPACE
        collection.save()
        run = measured(collection, ada)
        document = collection.documents.get(filename="badge.txt")
        document.collection = None
        document.save()
        for address in (
            reverse("rag:evaluation-run", args=[run.pk]),
            reverse("rag:golden-list", args=[collection.pk]),
        ):
            page = text_of(client_anna.get(address))
            assert "badge.txt" not in page
            assert "a document that is not here any more" in page

    def test_text_of_people_is_escaped(self, client_ada, collection, ada):
        golden(collection, "<script>alert(1)</script>?", collection.documents.first())
        run = measured(collection, ada, label="<b>bold</b>")
        for address in (
            reverse("rag:evaluation-run", args=[run.pk]),
            reverse("rag:evaluation-detail", args=[collection.pk]),
            reverse("rag:golden-list", args=[collection.pk]),
        ):
            page = text_of(client_ada.get(address))
            assert "<script>alert" not in page
            assert "<b>bold" not in page


class _Ids(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.inline = [], []

    @override
    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append((tag, name))


def test_pages_have_each_id_once_and_nothing_that_the_policy_forbids(client_ada, collection, run, ada):
    measured(collection, ada)
    question = collection.golden_questions.first()
    for name, key in (
        ("evaluation-detail", collection.pk),
        ("golden-list", collection.pk),
        ("golden-new", collection.pk),
        ("golden-import", collection.pk),
        ("golden-edit", question.pk),
        ("evaluation-run", run.pk),
    ):
        parser = _Ids()
        parser.feed(client_ada.get(reverse(f"rag:{name}", args=[key])).content.decode())
        assert sorted(parser.ids) == sorted(set(parser.ids)), name
        assert parser.inline == [], name


@pytest.mark.parametrize("seed", range(3))
def test_two_people_see_no_trace_of_each_others_documents_in_evaluations(seed, ada, ben, workspace, embedder):
    """Random ways of granting; each evaluates a collection of their own with questions in the other's words."""
    people = (ada, ben)
    world = world_make(seed=seed, people=people, workspace=workspace, document_make=indexed)
    for person in people:
        chooser = random.Random(seed)
        own = shelf(person, name="Mine", workspace=workspace)
        document = indexed(person, f"My own turbine {world.secrets[person.pk]}", collection=own).document
        golden(own, f"turbine {world.secrets[world.other(person).pk]}", document)
        golden(own, " ".join(chooser.choices(("turbine", "wing", "salary"), k=2)), document)
        # Theirs are named as expected, as if somebody had guessed the keys.
        foreign = sorted(world.documents[world.other(person).pk])[:3]
        golden(
            own,
            "Whose?",
            is_unanswerable=False,
            expected=[{"document_id": str(key), "filename": "guessed", "pages": []} for key in foreign],
        )
        run = measured(own, person)
        found = {row[0] for result in run.results.all() for row in result.found}
        assert found == {str(document.pk)}
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        pages = "".join(
            text_of(client.get(reverse(name, args=[key])))
            for name, key in (("rag:evaluation-run", run.pk), ("rag:golden-list", own.pk))
        )
        other = world.secrets[world.other(person).pk]
        # The question says the word itself; nothing else may.
        assert pages.replace(f"turbine {other}", "").count(other) == 0
        for key in world.documents[world.other(person).pk]:
            assert str(key) not in pages
