"""Quality of the real search: BEIR-form data through the product's chunker, embedder, statistics and search()."""

import argparse
import math
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chatbot.bench.corpus import Dataset, Loaded, database, dataset_read, datasets_available, indexed
from chatbot.bench.report import folder

if TYPE_CHECKING:
    from apps.rag.types import SearchQuery

DEPTH = 100
# Query id → document ids, best first.
Run = dict[str, dict[str, float]]


def run(args: argparse.Namespace) -> dict[str, Any]:
    """One row per data set and way to search. Without names: Cranfield and CISI, where they are."""
    names = args.datasets or [name for name in ("cranfield", "cisi") if name in datasets_available()]
    rows = []
    with database():
        for name in names:
            dataset = dataset_read(name)
            with indexed(dataset.corpus) as loaded:
                rows += _rows(dataset, loaded, args)
    return {"results": rows}


def _rows(dataset: Dataset, loaded: Loaded, args: argparse.Namespace) -> list[dict[str, Any]]:
    from apps.rag.types import SearchMode, SearchQuery

    queries = dict(list(dataset.queries.items())[: args.limit or None])
    ways = {mode.value: SearchQuery(text="", mode=mode, limit=DEPTH, rerank=False) for mode in SearchMode}
    if args.rerank:
        ways["hybrid, reranked"] = SearchQuery(text="", limit=DEPTH, rerank=True)
    rows = []
    for way, template in ways.items():
        found, took = _search_all(loaded, queries, template)
        _run_save(dataset.name, way, found)
        rows.append(
            {
                "dataset": dataset.name,
                "search": way,
                **metrics({query_id: dataset.qrels[query_id] for query_id in queries}, found),
                "p50_ms": round(statistics.median(took), 1),
                "p95_ms": round(sorted(took)[int(0.95 * (len(took) - 1))], 1),
                "passages": loaded.chunk_count,
                "indexed_per_s": round(loaded.chunk_count / loaded.seconds, 1),
            }
        )
    return rows


def _search_all(loaded: Loaded, queries: dict[str, str], template: "SearchQuery") -> tuple[Run, list[float]]:
    """Documents with the score of their best passage, and milliseconds of each search."""
    from apps.rag.search import search

    found: Run = {}
    took = []
    for query_id, text in queries.items():
        started = time.perf_counter()
        passages = search(user=loaded.user, query=replace(template, text=text)).passages
        took.append((time.perf_counter() - started) * 1000)
        scores: dict[str, float] = {}
        for passage in passages:
            scores.setdefault(loaded.documents[passage.document_id], passage.score)
        found[query_id] = scores
    return found, took


def metrics(qrels: dict[str, dict[str, float]], found: Run) -> dict[str, float]:
    """Means over the judged queries, as trec_eval computes them (linear gain)."""
    sums = dict.fromkeys(("ndcg@10", "recall@10", "recall@100", "mrr@10"), 0.0)
    for query_id, relevant in qrels.items():
        scores = found.get(query_id, {})
        ranking = sorted(scores, key=lambda document_id: -scores[document_id])
        gains = [relevant.get(document_id, 0.0) for document_id in ranking[:10]]
        sums["ndcg@10"] += _discounted(gains) / _discounted(sorted(relevant.values(), reverse=True)[:10])
        sums["recall@10"] += len(relevant.keys() & set(ranking[:10])) / len(relevant)
        sums["recall@100"] += len(relevant.keys() & set(ranking[:100])) / len(relevant)
        sums["mrr@10"] += next((1 / rank for rank, gain in enumerate(gains, start=1) if gain), 0.0)
    return {name: round(value / max(len(qrels), 1), 4) for name, value in sums.items()}


def _discounted(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _run_save(dataset: str, way: str, found: Run) -> None:
    """As query, document, score: for other scorers to check ours."""
    name = f"retrieval-{dataset}-{way.replace(', ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%S}.tsv"
    lines = (f"{query}\t{document}\t{score:.6f}\n" for query, row in found.items() for document, score in row.items())
    (folder() / name).write_text("".join(lines))
