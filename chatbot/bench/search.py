"""Latency of the real search, without the cross-encoder, over several thousand passages of real text."""

import argparse
import statistics
import time
from itertools import islice
from typing import Any

from chatbot.bench.corpus import database, dataset_read, datasets_available, indexed

QUERIES_EACH = 60


def run(args: argparse.Namespace) -> dict[str, Any]:
    """All data sets at hand in one workspace, their questions asked in each mode."""
    corpus: dict[str, tuple[str, str]] = {}
    questions: list[str] = []
    for name in args.datasets or datasets_available():
        dataset = dataset_read(name)
        corpus |= {f"{name}/{key}": document for key, document in dataset.corpus.items()}
        questions += islice(dataset.queries.values(), QUERIES_EACH)
    if not corpus:
        raise SystemExit("There are no data sets. Name a folder, or set CHATBOT_BENCH_DATA.")
    with database(), indexed(corpus) as loaded:
        from apps.rag.search import search
        from apps.rag.types import SearchMode, SearchQuery

        rows = []
        for mode in SearchMode:
            search(user=loaded.user, query=SearchQuery(text="warm up", mode=mode, rerank=False))
            took = []
            for question in questions:
                started = time.perf_counter()
                search(user=loaded.user, query=SearchQuery(text=question, mode=mode, rerank=False))
                took.append((time.perf_counter() - started) * 1000)
            took.sort()
            rows.append(
                {
                    "search": mode.value,
                    "searches": len(took),
                    "p50_ms": round(statistics.median(took), 1),
                    "p95_ms": round(took[int(0.95 * (len(took) - 1))], 1),
                }
            )
        return {
            "passages": loaded.chunk_count,
            "indexed_per_second": round(loaded.chunk_count / loaded.seconds, 1),
            "latency": rows,
        }
