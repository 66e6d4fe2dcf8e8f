import math
import random
import re
from collections import Counter
from functools import partial
from time import monotonic
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from apps.documents.models import Document
from apps.rag.lexical import K1, B, LexicalLeg, lexical_leg
from apps.rag.models import Chunk, CorpusStatistics, IndexProfile, Lexeme
from apps.rag.scope import Scope, scope_of
from apps.rag.search import search
from apps.rag.services import document_index_step, index_profile_ensure, statistics_rebuild
from apps.rag.statistics import weights_refresh_step
from apps.rag.tests.factories import at_once, indexed, parsed_version, sentences
from apps.rag.types import SearchMode, SearchQuery

WORDS = [
    "wing",
    "flow",
    "shock",
    "layer",
    "heat",
    "boundary",
    "running",
    "runs",
    "o'clock",
    "a/b",
    "file_name.txt",
    "3.5%",
    "naïve",
    "\\",
    "'",
    "&",
    "|",
    "!",
    ":",
    "zebra",
]


def lexemes(text: str) -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT lexeme, cardinality(positions) FROM unnest(rag_terms(%s))", [text])
        return Counter(dict(cursor.fetchall()))


def statistics_of(workspace) -> tuple[dict[str, int], list[tuple[int, int]]]:
    frequencies = Lexeme.objects.filter(workspace=workspace, document_frequency__gt=0)
    corpora = CorpusStatistics.objects.filter(workspace=workspace)
    return (
        dict(frequencies.values_list("text", "document_frequency")),
        list(corpora.values_list("chunk_count", "total_length")),
    )


def recounted(workspace) -> tuple[dict[str, int], list[tuple[int, int]]]:
    """What the statistics must be, from the passages alone."""
    chunks = Chunk.objects.filter(workspace=workspace)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word.lexeme, count(*) FROM rag_chunk, unnest(terms) AS word WHERE workspace_id = %s GROUP BY 1",
            [workspace.pk],
        )
        frequencies = dict(cursor.fetchall())
    return frequencies, [(chunks.count(), sum(chunks.values_list("length", flat=True)))]


def leg(user, text: str) -> LexicalLeg:
    scope = scope_of(user=user, query=SearchQuery(text=text))
    assert isinstance(scope, Scope)
    return lexical_leg(profile_id=index_profile_ensure().pk, scope=scope, text=text)


def length(terms: Counter[str]) -> int:
    """Numbers do not count to it."""
    return max(1, sum(count for word, count in terms.items() if not re.fullmatch(r"[-+]?\d[\d.,]*", word)))


def bm25(query: str, documents: dict[UUID, Counter[str]]) -> dict[UUID, float]:
    average = sum(map(length, documents.values())) / len(documents)
    scores = {}
    for key, terms in documents.items():
        norm = K1 * (1 - B + B * length(terms) / average)
        score = 0.0
        for word in lexemes(query):
            df = sum(word in other for other in documents.values())
            score += math.log(1 + (len(documents) - df + 0.5) / (df + 0.5)) * terms[word] / (terms[word] + norm)
        if score:
            scores[key] = score
    return scores


@pytest.mark.django_db
def test_scores_are_those_of_bm25(ada, workspace, embedder):
    randomness = random.Random(3)
    for number in range(40):
        indexed(ada, " ".join(randomness.choices(WORDS, k=randomness.randrange(1, 40))), filename=f"{number:02d}")
    call_command("index_rebuild_statistics", verbosity=0)
    documents = {
        chunk.pk: lexemes(f"{chunk.document.filename}\n{chunk.text}")
        for chunk in Chunk.objects.select_related("document")
    }

    for query in (
        "wing",
        "running heat o'clock",
        "boundary layer flow unknownword",
        "file name zebra 3.5%",
        "a/b & | !",
    ):
        expected = bm25(query, documents)
        found = leg(ada, query).best(100)
        assert found.keys() == expected.keys(), query
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert found == pytest.approx(expected, abs=1e-4)
        assert leg(ada, query).scores(list(documents)) == pytest.approx(
            {key: expected.get(key, 0) for key in documents}, abs=1e-4
        )


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "the of and", "   ", "? ! &", "zzzunknown"])
def test_questions_without_known_words_find_nothing(ada, embedder, text):
    indexed(ada, "the wing of the plane")

    assert leg(ada, text).best(10) == {}


@pytest.mark.django_db
def test_counts_follow_indexing_and_every_way_of_deleting(ada, ben, workspace, embedder):
    versions = [indexed(ada, sentences(30, f"topic{number} wing")) for number in range(4)]
    assert statistics_of(workspace) == recounted(workspace)
    assert statistics_of(workspace)[0]["wing"] == Chunk.objects.count()

    versions[0].document.delete()
    assert statistics_of(workspace) == recounted(workspace)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rag_chunk WHERE version_id = %s", [versions[1].pk])
    assert statistics_of(workspace) == recounted(workspace)
    Document.objects.all().delete()
    assert statistics_of(workspace) == ({}, [(0, 0)])


@pytest.mark.django_db
def test_workspaces_are_counted_apart_and_go_with_all_they_have(ada, cleo, workspace, other_workspace, embedder):
    indexed(ada, "wing flow")
    indexed(cleo, "wing shock wing")

    assert statistics_of(workspace)[0] == {"note": 1, "wing": 1, "flow": 1}
    assert statistics_of(other_workspace) == ({"note": 1, "wing": 1, "shock": 1}, [(1, 4)])
    key = other_workspace.pk
    other_workspace.delete()
    assert statistics_of(key) == ({}, [])
    assert statistics_of(workspace) == recounted(workspace)


@pytest.mark.django_db
def test_words_of_a_passage_cannot_be_changed(ada, embedder):
    indexed(ada, "wing flow")

    with pytest.raises(IntegrityError, match="keeps its words"), transaction.atomic():
        Chunk.objects.update(length=7)
    Chunk.objects.update(ordinal=7, length=3)


@pytest.mark.django_db
def test_known_words_use_up_no_ids(ada, embedder):
    indexed(ada, "wing flow")
    for _ in range(5):
        indexed(ada, "wing flow")
    indexed(ada, "shock")

    ids = sorted(Lexeme.objects.values_list("pk", flat=True))
    assert ids[-1] - ids[0] == len(ids) - 1 == 3


@pytest.mark.django_db
def test_rebuild_mends_counts_and_average_length(ada, workspace, embedder):
    indexed(ada, "wing " * 50)
    indexed(ada, "wing")
    before = leg(ada, "wing").best(10)
    exact = statistics_of(workspace)
    Lexeme.objects.filter(text="wing").update(document_frequency=9)
    Lexeme.objects.create(workspace=workspace, profile=IndexProfile.objects.get(), text="ghost", document_frequency=2)
    Lexeme.objects.filter(text="note").delete()
    CorpusStatistics.objects.update(chunk_count=1, total_length=1)

    assert statistics_rebuild(workspace_id=workspace.pk, profile_id=index_profile_ensure().pk) == 2

    assert statistics_of(workspace) == exact
    documents = {chunk.pk: lexemes(f"notes\n{chunk.text}") for chunk in Chunk.objects.all()}
    after = leg(ada, "wing").best(10)
    assert after == pytest.approx(bm25("wing", documents), abs=1e-4)
    assert after != pytest.approx(before, abs=1e-4)


@pytest.mark.django_db
def test_rebuild_command_takes_one_workspace(ada, workspace, embedder, capsys):
    indexed(ada, "wing")

    call_command("index_rebuild_statistics", workspace=workspace.slug)
    assert capsys.readouterr().out == f"{workspace.slug}: 1 passages\n"
    with pytest.raises(CommandError, match="no workspace"):
        call_command("index_rebuild_statistics", workspace="nowhere")


@pytest.mark.django_db
def test_weights_follow_the_average_length_in_slices(ada, workspace, embedder):
    """A call that is cut off goes on where it stopped; passages that come meanwhile have the new weights already."""
    for number in range(4):
        indexed(ada, f"wing {number}", filename=f"{number}")
    assert not weights_refresh_step(deadline=monotonic() + 60)
    average = CorpusStatistics.objects.get().weights_average
    indexed(ada, sentences(30, "wing"), filename="long")
    assert CorpusStatistics.objects.get().weights_average == average

    assert weights_refresh_step(deadline=monotonic() - 1)
    indexed(ada, "flow wing", filename="late")
    while weights_refresh_step(deadline=monotonic() - 1):
        pass

    corpus = CorpusStatistics.objects.get()
    assert corpus.weights_average > 2 * average
    assert corpus.weights_target is None
    assert not weights_refresh_step(deadline=monotonic() + 60)
    call_command("index_rebuild_statistics", verbosity=0)
    corpus.refresh_from_db()
    assert corpus.weights_average == corpus.total_length / corpus.chunk_count


def rebuild_all() -> None:
    for corpus in CorpusStatistics.objects.all():
        statistics_rebuild(workspace_id=corpus.workspace_id, profile_id=corpus.profile_id)


def index_all(versions) -> None:
    for version in versions:
        while document_index_step(version_id=version.pk):
            pass


def delete_all(versions) -> None:
    for version in versions:
        version.document.delete()


@pytest.mark.django_db(transaction=True)
def test_counts_are_exact_after_everything_at_once(ada, cleo, workspace, other_workspace, embedder):
    """Workers index, delete and rebuild in two workspaces, over the same words in different orders."""
    randomness = random.Random(11)
    old = [indexed(owner, sentences(120)) for owner in (ada, cleo, ada, cleo)]
    new = [
        parsed_version(
            (ada, cleo)[number % 2],
            " ".join(randomness.sample(WORDS, len(WORDS))) + " " + sentences(60, f"topic{number}"),
            filename=f"{number}.txt",
        )
        for number in range(16)
    ]

    at_once(
        *(partial(index_all, new[start::4]) for start in range(4)),
        *(partial(delete_all, new[start::8]) for start in (1, 2)),
        *(partial(delete_all, [version]) for version in old),
        *[rebuild_all] * 2,
    )

    assert Chunk.objects.filter(workspace=workspace).exists()
    assert not Chunk.objects.filter(bm25=None).exists()
    for place in (workspace, other_workspace):
        before = statistics_of(place)
        assert before == recounted(place)
        statistics_rebuild(workspace_id=place.pk, profile_id=index_profile_ensure().pk)
        assert statistics_of(place) == before


def test_numbers_do_not_count_to_the_length_and_are_found_all_the_same(ada, embedder):
    indexed(ada, "Revenue | 16,388 | 14,573\nGross profit | -15.441 | 4", filename="a.txt")
    indexed(ada, "12 345", filename="7.txt")

    assert list(Chunk.objects.order_by("-length").values_list("length", flat=True)) == [3, 1]
    [found] = search(user=ada, query=SearchQuery(text="345", mode=SearchMode.KEYWORD)).passages
    assert found.filename == "7.txt"
