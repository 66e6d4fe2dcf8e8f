"""Search at scale: a generated index of up to a million chunks, of which the asker sees a twentieth.

20,000 documents in 100 collections; the asker reads five of those (their own, an open one, three by grants), 1,000
documents. How the chunks are made: see `scale_text`. Questions are real ones of the data sets, embedded for real.
With `--keep FOLDER` the loaded database stays there and the next run over it only measures.
"""

import argparse
import contextlib
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
from typing_extensions import override

from chatbot.bench.corpus import Dataset, database, dataset_read, datasets_available
from chatbot.bench.report import percentile
from chatbot.bench.scale_load import DOCUMENTS, load
from chatbot.bench.scale_text import Source
from chatbot.dev.embedded import servers
from chatbot.dev.postgres import Postgres

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.rag.dense import DenseLeg

ROWS = 100_000
PASSAGES_EACH = 400
QUESTIONS_EACH = 70
# Of each set, asked before anything is measured: a server that is in use has its indexes in memory.
WARMING_EACH = 150
RECALL_DEPTH = 10
EMBED_BATCH = 32
# What a server with a million passages is given; the embedded one's own settings are for a laptop.
SETTINGS = {
    "shared_buffers": "4GB",
    "effective_cache_size": "8GB",
    "max_wal_size": "8GB",
    "max_parallel_maintenance_workers": "2",
}


class _LargePostgres(Postgres):
    @override
    def command(self) -> list[str]:
        return [*super().command(), *(part for item in SETTINGS.items() for part in ("-c", "=".join(item)))]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load if need be; then latencies of hybrid search and of both legs, recall of the filtered dense leg, sizes."""
    rows = args.rows or ROWS
    if rows % DOCUMENTS:
        raise SystemExit(f"--rows must be a multiple of {DOCUMENTS}, the number of documents.")
    names = args.datasets or datasets_available()
    datasets = [dataset_read(name) for name in names]
    if not datasets:
        raise SystemExit("There are no data sets. Name a folder, or set CHATBOT_BENCH_DATA.")
    passages = [text for dataset in datasets for text in islice(_long_texts(dataset), PASSAGES_EACH)]
    asked = [list(dataset.queries.values()) for dataset in datasets]
    questions = [text for texts in asked for text in texts[:QUESTIONS_EACH]]
    warming = [text for texts in asked for text in texts[QUESTIONS_EACH:][:WARMING_EACH]] or questions
    with _server(args.keep) as folder, database():
        from apps.rag.models import Chunk

        timings = {}
        if not Chunk.objects.exists():
            source = Source(passages, embed=lambda texts: _embedded(texts, folder), words=_words)
            timings = load(source, rows=rows)
        return {"rows": rows, **_measure(questions, warming), "build_seconds": timings, "index_bytes": _sizes()}


def _long_texts(dataset: Dataset) -> Iterator[str]:
    return (text for _, text in dataset.corpus.values() if len(text) > 200)


@contextlib.contextmanager
def _server(keep: str | None) -> Iterator[Path]:
    """Own servers in the folder, migrated, for the length of the block."""
    with contextlib.ExitStack() as stack:
        folder = Path(keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="chatbot-scale-")))
        os.environ.update(stack.enter_context(servers(folder, postgres=_LargePostgres)))
        stack.callback(lambda: [os.environ.pop(f"CHATBOT_{name}_URL") for name in ("DATABASE", "VALKEY")])
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
        with database():
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
        yield folder


def _embedded(texts: list[str], folder: Path) -> numpy.ndarray:
    """The product's embedder; kept in the folder, because it takes minutes."""
    from django.conf import settings

    from apps.llm.services import texts_embed

    kept = folder / f"vectors-{len(texts)}.npy"
    if kept.is_file():
        return numpy.asarray(numpy.load(kept))
    vectors: list[list[float]] = []
    for start in range(0, len(texts), EMBED_BATCH):
        vectors += texts_embed(texts=texts[start : start + EMBED_BATCH], model=settings.EMBEDDING_MODEL)
    numpy.save(kept, numpy.array(vectors, dtype=numpy.float32))
    return numpy.array(vectors, dtype=numpy.float32)


def _words(text: str) -> dict[str, list[int]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT lexeme, positions FROM unnest(rag_terms(%s))", [text])
        return dict(cursor.fetchall())


def _measure(questions: list[str], warming: list[str]) -> dict[str, Any]:
    from apps.accounts.models import User
    from apps.rag.search import search
    from apps.rag.types import SearchMode, SearchQuery

    asker = User.objects.get(email="asker@example.org")
    latency = []
    for mode in SearchMode:
        template = SearchQuery(text="", mode=mode, rerank=False)
        took = []
        steps: defaultdict[str, list[float]] = defaultdict(list)
        for question in warming:
            search(user=asker, query=replace(template, text=question))
        for question in questions:
            started = time.perf_counter()
            result = search(user=asker, query=replace(template, text=question))
            took.append((time.perf_counter() - started) * 1000)
            for step, milliseconds in result.timings.items():
                steps[step].append(milliseconds)
        medians = {f"{step}_p50_ms": round(percentile(values, 0.5), 1) for step, values in steps.items()}
        latency.append({"search": mode.value, **_spread(took), **medians})
    return {"latency": latency, **_recall(asker, questions)}


def _spread(took: list[float]) -> dict[str, float]:
    return {
        "searches": len(took),
        "p50_ms": round(percentile(took, 0.5), 1),
        "p95_ms": round(percentile(took, 0.95), 1),
        "max_ms": round(max(took), 1),
    }


def _recall(asker: "User", questions: list[str]) -> dict[str, Any]:
    """Of the ten nearest visible chunks by comparison with all of them, the share that the leg finds among its ten."""
    from apps.rag import dense
    from apps.rag.candidates import CANDIDATES, WALKED
    from apps.rag.fusion import best_first

    shares = []
    took = []
    for question in questions:
        leg = _leg(asker, question)
        started = time.perf_counter()
        found = best_first(leg.best(CANDIDATES if leg.is_exact else WALKED))[:RECALL_DEPTH]
        took.append((time.perf_counter() - started) * 1000)
        wanted = best_first(leg.best_exactly(RECALL_DEPTH))
        shares.append(len(set(found) & set(wanted)) / max(len(wanted), 1))
    way = "exact" if _leg(asker, questions[0]).is_exact else f"graph, ef_search {dense.EF_SEARCH}"
    return {"dense_leg": way, "dense_recall@10": round(sum(shares) / len(shares), 4), "dense_leg_ms": _spread(took)}


def _leg(asker: "User", question: str) -> "DenseLeg":
    from apps.llm.services import texts_embed
    from apps.rag.dense import DenseLeg
    from apps.rag.scope import scope_of
    from apps.rag.selectors import profile_live
    from apps.rag.types import SearchQuery

    profile, scope = profile_live(), scope_of(user=asker, query=SearchQuery(text=question))
    if profile is None or scope is None:
        raise SystemExit("The database is not loaded whole: delete the folder.")
    [vector] = texts_embed(texts=[profile.query_prefix + question], model=profile.embedder)
    return DenseLeg(profile=profile, scope=scope, vector=vector)


def _sizes() -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT relname, pg_relation_size(oid) FROM pg_class
            WHERE oid = 'rag_chunk'::regclass
               OR oid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'rag_chunk'::regclass)
               OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'rag_chunk'::regclass)
        """)
        return {name: f"{size / 2**20:,.0f} MiB" for name, size in cursor.fetchall()}
