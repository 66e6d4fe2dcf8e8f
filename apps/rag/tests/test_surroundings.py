from dataclasses import replace

import pytest

from apps.rag.models import Chunk
from apps.rag.selectors import passages_of
from apps.rag.surroundings import GAP, surroundings_of
from apps.rag.tests.factories import indexed, section, sentences

pytestmark = pytest.mark.django_db


@pytest.fixture
def handbook(ada, embedder):
    return indexed(
        ada,
        section(sentences(90, "winter"), page=1, heading_path=["Seasons"]),
        section(sentences(30, "summer"), page=2, heading_path=["Seasons", "Summer"]),
        section(sentences(90, "fuel"), page=3, heading_path=["Costs"]),
        filename="handbook.pdf",
    )


def passages(user, *ordinals):
    ids = [Chunk.objects.get(ordinal=ordinal).pk for ordinal in ordinals]
    found = passages_of(user=user, chunk_ids=ids)
    return [found[chunk_id] for chunk_id in ids if chunk_id in found]


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_passage_grows_within_its_section_up_to_the_budget(ada, handbook):
    [passage] = passages(ada, 1)

    [around] = surroundings_of(user=ada, passages=[passage], tokens=700)

    assert words(passage.text) in words(around.text)
    assert 600 < around.tokens <= 700
    assert words(around.text) in words(handbook.sections.get(ordinal=0).text)
    assert (around.filename, around.page_first, around.page_last) == ("handbook.pdf", 1, 1)
    assert around.chunk_ids == (passage.chunk_id,)


def test_a_surrounding_does_not_leave_its_section_and_page(ada, handbook):
    [passage] = passages(ada, Chunk.objects.count() - 1)

    [around] = surroundings_of(user=ada, passages=[passage], tokens=100_000)

    assert around.text == handbook.sections.get(ordinal=2).text


def test_neighbours_of_one_section_become_one_surrounding_in_reading_order(ada, handbook):
    later, earlier = passages(ada, 1, 0)

    [around] = surroundings_of(user=ada, passages=[later, earlier], tokens=3000)

    assert around.chunk_ids == (later.chunk_id, earlier.chunk_id)
    assert words(around.text).startswith(words(earlier.text))
    assert words(later.text) in words(around.text)


def test_distant_passages_stay_apart_and_keep_their_order(ada, handbook):
    last = Chunk.objects.count() - 1

    found = surroundings_of(user=ada, passages=passages(ada, last, 0), tokens=900)

    assert ["fuel" in around.text for around in found] == [True, False]
    assert sum(around.tokens for around in found) <= 900


def test_without_room_the_best_passage_stands_alone(ada, handbook):
    best, other = passages(ada, 0, 2)

    [around] = surroundings_of(user=ada, passages=[best, other], tokens=10)

    assert words(around.text) == words(best.text)


def test_the_rows_between_a_repeated_head_and_a_later_piece_are_marked_as_left_out(ada, embedder):
    rows = "\n".join(f"Row {number} | {number}.5 | {number}00" for number in range(150))
    indexed(ada, section(f"Item | 2023 | 2022\n{rows}", kind="table", page=1))
    [passage] = passages(ada, 2)

    [around] = surroundings_of(user=ada, passages=[passage], tokens=0)

    assert around.text.startswith(f"Item | 2023 | 2022{GAP}Row ")


def test_strangers_get_nothing_and_deleted_passages_are_left_out(ada, ben, cleo, handbook):
    found = passages(ada, 0)

    assert surroundings_of(user=ben, passages=found, tokens=500) == []
    assert surroundings_of(user=cleo, passages=found, tokens=500) == []
    assert surroundings_of(user=ada, passages=[replace(found[0], chunk_id=handbook.pk)], tokens=500) == []
    assert surroundings_of(user=ada, passages=[], tokens=500) == []


def test_two_queries_for_any_number_of_passages(ada, handbook, django_assert_num_queries):
    found = passages(ada, 0, 1, 2, 3)

    with django_assert_num_queries(2):
        assert surroundings_of(user=ada, passages=found, tokens=2000)
