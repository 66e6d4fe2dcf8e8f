from uuid import UUID

import pytest

from apps.rag.evidence import evidence_weigh
from apps.rag.models import Chunk
from apps.rag.search import search
from apps.rag.tests.factories import indexed, section, sentences
from apps.rag.types import SearchQuery

pytestmark = pytest.mark.django_db


def report(owner, company: str, year: int):
    """The cover names company and year, the pages after it only what they tell."""
    pages = [section(f"{sentences(15, 'revenue')} {number}") for number in range(2, 9)]
    cover = section(f"{company} annual report for the fiscal year {year}. {sentences(40, 'cover')}")
    return indexed(owner, cover, *pages, filename=f"{number_of(company)}.pdf")


def number_of(company: str) -> int:
    return sum(map(ord, company))


@pytest.fixture
def reports(ada, embedder):
    return {company: report(ada, company, 2020) for company in ("Acme", "Globex", "Initech")}


def even_scores() -> dict[UUID, float]:
    return dict.fromkeys(Chunk.objects.values_list("pk", flat=True), 0.5)


def test_passages_of_the_document_that_the_question_names_gain(reports):
    scores = evidence_weigh(text="What was the revenue of Globex in 2020?", scores=even_scores())

    named = set(Chunk.objects.filter(version=reports["Globex"]).values_list("pk", flat=True))
    assert min(scores[key] for key in named) > max(score for key, score in scores.items() if key not in named)
    assert all(0 <= score <= 1 for score in scores.values())


@pytest.mark.parametrize("text", ["What was the revenue in 2020?", "unknown words only", ""])
def test_what_no_opening_or_every_opening_says_changes_nothing(reports, text):
    assert evidence_weigh(text=text, scores=even_scores()) == even_scores()


def test_passages_of_one_document_keep_their_scores(reports):
    ids = Chunk.objects.filter(version=reports["Acme"]).values_list("pk", flat=True)

    assert evidence_weigh(text="Acme", scores=dict.fromkeys(ids, 0.5)) == dict.fromkeys(ids, 0.5)


def test_short_documents_keep_their_scores(ada, embedder):
    for company in ("Acme", "Globex"):
        indexed(ada, f"{company} sells pumps.", filename=f"{company}.txt")

    assert evidence_weigh(text="Globex pumps", scores=even_scores()) == even_scores()
    assert evidence_weigh(text="Globex pumps", scores={}) == {}


def test_search_prefers_the_named_report(ada, reports):
    found = search(user=ada, query=SearchQuery(text="revenue Initech", rerank=False, limit=5)).passages

    assert {passage.version_id for passage in found} == {reports["Initech"].pk}


def test_passages_of_a_page_speak_for_each_other(ada, embedder):
    version = indexed(ada, section(sentences(40), page=1), *(section(sentences(15), page=n) for n in (2, 3)))
    first, second, alone, low = Chunk.objects.order_by("ordinal").values_list("pk", flat=True)
    indexed(ada, "Another document.")
    other = Chunk.objects.exclude(version=version).get().pk

    scores = evidence_weigh(text="turbine", scores={first: 0.6, second: 0.5, alone: 0.6, low: 0.1, other: 0.6})

    assert scores[first] > scores[alone] > scores[low]
    assert scores[second] > 0.5
    assert scores[other] == 0.6
    assert all(0 <= score <= 1 for score in scores.values())
