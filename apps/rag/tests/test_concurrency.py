"""Twenty documents indexed by four worker processes while others search, delete and rewrite weights."""

import random
import threading
from functools import partial
from time import monotonic

import pytest
from django.db import connection

from apps.documents.models import Document
from apps.rag.models import Chunk, CorpusStatistics, Lexeme
from apps.rag.search import search
from apps.rag.services import statistics_rebuild
from apps.rag.statistics import weights_refresh_step
from apps.rag.tests.factories import at_once, indexed, parsed_version, sentences
from apps.rag.tests.indexing_worker import workers, workers_run
from apps.rag.types import SearchMode, SearchQuery

LANGUAGES = (
    "The turbine and its {} are in the hall, and the wing was not there.",
    "Die Turbine und ihre {} stehen in der Halle, und der Flügel war nicht da.",
    "La turbine et ses {} sont dans la salle, mais les ailes ne sont pas là.",
)


def counts_of(workspace) -> tuple[dict[str, int], int, int]:
    [corpus] = CorpusStatistics.objects.filter(workspace=workspace).values_list("chunk_count", "total_length")
    words = Lexeme.objects.filter(workspace=workspace, document_frequency__gt=0)
    return dict(words.values_list("text", "document_frequency")), *corpus


def recounted(workspace) -> tuple[dict[str, int], int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word.lexeme, count(*) FROM rag_chunk, unnest(terms) AS word WHERE workspace_id = %s GROUP BY 1",
            [workspace.pk],
        )
        words = dict(cursor.fetchall())
    lengths = list(Chunk.objects.filter(workspace=workspace).values_list("length", flat=True))
    return words, len(lengths), sum(lengths)


@pytest.mark.django_db(transaction=True)
def test_twenty_documents_at_once_disturb_nobody(ada, ben, workspace, embedder):
    randomness = random.Random(20)
    old = [
        indexed((ada, ben)[number % 2], sentences(40, f"old{number}"), filename=f"old {number}") for number in range(6)
    ]
    new = [
        parsed_version(
            (ada, ben)[number % 2],
            randomness.choice(LANGUAGES).format(f"part{number}"),
            sentences(randomness.randrange(5, 60), f"new{number}"),
            filename=f"new {number}.txt",
        )
        for number in range(20)
    ]
    is_done = threading.Event()
    searches = []

    def index_all() -> None:
        try:
            assert workers_run(processes) == [0, 0, 0, 0]
        finally:
            is_done.set()

    def ask(person, mode: SearchMode) -> None:
        while not is_done.is_set():
            result = search(user=person, query=SearchQuery(text="turbine wing parts", mode=mode, is_traced=True))
            owners = Document.objects.filter(pk__in={passage.document_id for passage in result.passages})
            searches.append((set(owners.values_list("owner_id", flat=True)) <= {person.pk}, len(result.passages)))

    def tidy() -> None:
        for version in [*old[::2], *new[:4]]:
            version.document.delete()
            weights_refresh_step(deadline=monotonic() - 1)

    database = connection.settings_dict["NAME"]
    with workers(database=database, version_ids=[version.pk for version in new], count=4) as processes:
        at_once(index_all, partial(ask, ada, SearchMode.HYBRID), partial(ask, ben, SearchMode.KEYWORD), tidy)

    gone = [version.document_id for version in [*old[::2], *new[:4]]]
    assert not Chunk.objects.filter(document__in=gone).exists()
    assert set(Document.objects.values_list("versions__state", flat=True)) == {"indexed"}
    assert not Chunk.objects.filter(embedding=None).exists()
    assert searches
    assert all(is_own for is_own, _ in searches)
    assert any(count for _, count in searches)
    before = counts_of(workspace)
    assert before == recounted(workspace)
    statistics_rebuild(workspace_id=workspace.pk, profile_id=CorpusStatistics.objects.get().profile_id)
    assert counts_of(workspace) == before
