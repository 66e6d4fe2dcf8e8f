"""Places that questions name, in four languages, and the passages that stand there."""

from uuid import UUID

import pytest

from apps.documents.models import Document
from apps.rag.models import Chunk
from apps.rag.places import places_weigh
from apps.rag.questions.places import Places, places_named
from apps.rag.search import search
from apps.rag.tests.factories import indexed, section, sentences
from apps.rag.types import SearchFilters, SearchQuery

NUMBERS = [
    ("What is on page 12?", {12}),
    ("Compare page(1) with p. 7", {1, 7}),
    ("pages 3-5 and slide 9", {3, 4, 5, 9}),
    ("What do pages 3 and 5 say?", {3, 5}),
    ("the fax number on page fourteen", {14}),
    ("Was steht auf Seite 12?", {12}),
    ("auf Folie 3", {3}),
    ("à la page 4", {4}),
    ("en la página 8", {8}),
]
NTH = [
    ("What date is on the second page?", {2}),
    ("the e-mail address on the second cover page", {2}),
    ("Which court is noted on the cover page?", {1}),
    ("the last slide", {-1}),
    ("the 3rd page and the first two pages", {1, 2, 3}),
    ("the last two slides", {-1, -2}),
    ("auf der zweiten Seite", {2}),
    ("auf der 3. Seite", {3}),
    ("auf der letzten Seite", {-1}),
    ("à la première page", {1}),
    ("la dernière page", {-1}),
    ("en la segunda página", {2}),
    ("en la portada", {1}),
]
PARTS = [
    ("What does Table 2 show?", [("table", "2")]),
    ("figures 3 and 4", [("figure", "3"), ("figure", "4")]),
    ("see Fig. 2b", [("figure", "2b")]),
    ("Does Section 3.4 say so?", [("section", "3.4")]),
    ("§ 5 and Exhibit P-10", [("section", "5"), ("exhibit", "P-10")]),
    ("Appendix B, Article IV", [("appendix", "B"), ("article", "IV")]),
    ("Item 7A", [("item", "7A")]),
    ("in Kapitel 4 und Abbildung 7", [("chapter", "4"), ("figure", "7")]),
    ("le tableau 3", [("table", "3")]),
    ("la sección 2", [("section", "2")]),
]
NOTHING = """
How many pages does the report have?
List all pages, formatted as a list like ['Page 2', 'Page 4'] or ["Chapter 5"]
Write the answer as "page 3"
What figure did they give for 2020?
the figures a board needs
in one chapter of life
Note that I am away
web page design
page 1.5 times as large
"""


@pytest.mark.parametrize(("text", "numbers"), NUMBERS)
def test_pages_by_number(text, numbers):
    assert places_named(text) == Places(numbers=frozenset(numbers))


@pytest.mark.parametrize(("text", "nth"), NTH)
def test_pages_by_their_place(text, nth):
    assert places_named(text) == Places(nth=frozenset(nth))


@pytest.mark.parametrize(("text", "parts"), PARTS)
def test_parts_by_number(text, parts):
    assert [(part.words[0], part.number) for part in places_named(text).parts] == parts


def test_pages_with_roman_numbers():
    assert places_named("Who signs on page iv?").labels == {"iv"}


@pytest.mark.parametrize("text", [*NOTHING.strip().split("\n"), ""])
def test_questions_that_name_no_place(text):
    assert not places_named(text)


def pages_first(text: str) -> list[int | None]:
    """The pages of the passages that are ahead of all others when nothing else tells them apart."""
    scores = dict.fromkeys(Chunk.objects.values_list("pk", flat=True), 0.5)
    weighed = places_weigh(text=text, scores=scores)
    best = max(weighed.values(), default=0.5)
    assert all(0 <= score <= 1 for score in weighed.values())
    if best == 0.5:
        return []
    ids = [key for key, score in weighed.items() if score == best]
    return list(Chunk.objects.filter(pk__in=ids).order_by("ordinal").values_list("page_first", flat=True))


def pages(*texts: str):
    return [section(text, page=number) for number, text in enumerate(texts, start=1) if text]


@pytest.mark.django_db
class TestEvidence:
    def test_page_of_the_file(self, ada, embedder):
        indexed(ada, *pages(*(sentences(15) for _ in range(4))), filename="report.pdf")

        assert pages_first("What is on page 3?") == [3]
        assert pages_first("What is on the last two pages?") == [3, 4]
        assert pages_first("What is on page 9?") == []
        assert pages_first("What is it?") == []

    def test_printed_page_where_the_pages_agree_on_the_shift(self, ada, embedder):
        cover, *others = (sentences(15) for _ in range(6))
        numbered = [f"{text}\n{number}" for number, text in enumerate(others, start=1)]
        indexed(ada, *pages(cover, *numbered), filename="report.pdf")

        assert pages_first("What is on page 4?") == [4, 5]

    def test_single_numbers_are_no_page_numbers(self, ada, embedder):
        first, *others = (sentences(15) for _ in range(5))
        indexed(ada, *pages(f"{first}\n4", *others), filename="report.pdf")

        assert pages_first("What is on page 4?") == [4]

    def test_roman_page_is_found_by_its_label(self, ada, embedder):
        indexed(ada, *pages(sentences(15), f"ii\n{sentences(15)}", sentences(15)), filename="report.pdf")

        assert pages_first("Who signs on page ii?") == [2]

    def test_pages_without_text_may_or_may_not_count(self, ada, embedder):
        indexed(ada, *pages(sentences(15), "", sentences(15), sentences(15)), filename="report.pdf")

        assert pages_first("What is on the second page?") == [3]
        assert pages_first("What is on the third page?") == [3, 4]

    def test_caption_goes_before_mentions(self, ada, embedder):
        mention = f"Table 2 shows growth. {sentences(15)}"
        caption = f"{sentences(14)}\nTable 2: Growth by region\nnorth 4 south 5"
        other = f"{sentences(14)}\nTable 21: Losses\nTable 2.1: Gains"
        indexed(ada, *pages(mention, caption, other), filename="report.pdf")

        assert pages_first("What is the growth in Table 2?") == [2]
        assert pages_first("the losses in table 21") == [3]

    def test_headings_hold_what_stands_under_them(self, ada, embedder):
        def under(heading: str, page: int):
            return section(sentences(15), heading_path=["Manual", heading], page=page)

        headings = ("3.3 Care", "3.4 Cleaning", "3.4.1 Filters", "3.40 Disposal", "Chapter 4 Repair", "B.1 Parts")
        indexed(ada, *(under(heading, page) for page, heading in enumerate(headings, start=1)), filename="manual.pdf")

        assert pages_first("What does section 3.4 say?") == [2, 3]
        assert pages_first("Summarise chapter 4") == [5]
        assert pages_first("the parts in appendix B") == [6]

    def test_what_is_on_the_page_is_found_without_any_word_of_it(self, ada, embedder):
        topics = ("turbine", "pump", "valve", "gasket", "bearing", "motor")
        texts = [sentences(15, topic) for topic in topics]
        version = indexed(ada, *pages(*texts), filename="report.pdf")

        found = search(user=ada, query=SearchQuery(text="turbine on page 5", rerank=False)).passages
        assert [found[0].page, found[1].page] == [5, 1]

        scores: dict[UUID, float] = {Chunk.objects.get(version=version, page_first=1).pk: 1.0}
        assert len(places_weigh(text="turbine on page 5", scores=scores)) == 2
        assert places_weigh(text="turbine on page 5", scores=scores, may_add=False) == scores
        assert places_weigh(text="page 5", scores={}) == {}

    def test_exact_words_stay_a_condition(self, ada, embedder):
        indexed(ada, *pages(sentences(15, "red turbine"), sentences(15, "pump")), filename="report.pdf")
        filters = SearchFilters(phrases=("red turbine",))

        found = search(user=ada, query=SearchQuery(text="red turbine on page 2", filters=filters, rerank=False))
        assert [passage.page for passage in found.passages] == [1]

    def test_nobody_gets_pages_of_documents_that_they_may_not_see(self, ada, cleo, embedder):
        indexed(ada, *pages(*(sentences(15) for _ in range(3))), filename="report.pdf")
        own = indexed(cleo, *pages(*(sentences(15) for _ in range(3))), filename="report.pdf")

        found = search(user=cleo, query=SearchQuery(text="turbine on page 2", rerank=False)).passages
        assert {passage.document_id for passage in found} == {own.document_id}
        assert found[0].page == 2
        assert Document.objects.count() == 2

    def test_only_the_best_documents_are_looked_at(self, ada, embedder):
        for number in range(5):
            indexed(ada, *pages(*(sentences(15) for _ in range(2))), filename=f"{number}.pdf")
        ids = list(Chunk.objects.filter(page_first=1).order_by("pk").values_list("pk", flat=True))

        weighed = places_weigh(text="page 2", scores={key: 1 - place / 10 for place, key in enumerate(ids)})
        assert len(weighed) == 5 + 3
