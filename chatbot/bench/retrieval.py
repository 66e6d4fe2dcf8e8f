"""Quality of the real search: data sets through the product's chunker, embedder, statistics and search().

BEIR-form texts are measured here, PDFs with judged pages in `retrieval_pages`.
"""

import argparse
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from chatbot.bench.corpus import (
    Dataset,
    Loaded,
    database,
    dataset_folder,
    dataset_read,
    datasets_available,
    indexed,
)
from chatbot.bench.report import Row, folder, percentile

if TYPE_CHECKING:
    from apps.rag.types import SearchQuery

DEPTH = 100
# Query id → document ids, best first.
Run = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one way to search brought: documents with the score of their best passage, and milliseconds."""

    found: Run = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    steps: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """One row per data set and way to search. Without names: the BEIR-form sets under the data folder."""
    tables: defaultdict[str, list[Row]] = defaultdict(list)
    with database():
        for name in args.datasets or datasets_available():
            if (dataset_folder(name) / "questions.jsonl").is_file():
                from chatbot.bench.retrieval_pages import pages_measure

                measured = pages_measure(dataset_folder(name), args)
            else:
                measured = _texts_measure(dataset_read(name), args)
            for title, rows in measured.items():
                tables[title] += rows
    return dict(tables)


def _texts_measure(dataset: Dataset, args: argparse.Namespace) -> Mapping[str, list[Row]]:
    queries = dict(_spread(dataset.queries, args.limit))
    qrels = {query_id: dataset.qrels[query_id] for query_id in queries}
    results, steps = [], []
    with indexed(dataset.corpus) as loaded:
        for way, template in _ways(is_reranked=args.rerank).items():
            answers = _search_all(loaded, queries, template)
            _run_save(dataset.name, way, answers.found)
            label: Row = {"dataset": dataset.name, "search": way}
            results.append(
                {
                    **label,
                    **metrics(qrels, answers.found),
                    **(hits(qrels, answers.found) if dataset.is_single else {}),
                    "p50_ms": round(statistics.median(answers.took), 1),
                    "p95_ms": round(percentile(answers.took, 0.95), 1),
                    "questions": len(queries),
                    "passages": loaded.chunk_count,
                    "indexed_per_s": round(loaded.chunk_count / loaded.seconds, 1),
                }
            )
            steps.append(
                label | {f"{step}_ms": round(statistics.median(took), 1) for step, took in answers.steps.items()}
            )
    return {"results": results, "steps": steps}


def _ways(*, is_reranked: bool) -> "dict[str, SearchQuery]":
    from apps.rag.types import SearchMode, SearchQuery

    ways = {mode.value: SearchQuery(text="", mode=mode, limit=DEPTH, rerank=False) for mode in SearchMode}
    if is_reranked:
        ways["as by default"] = SearchQuery(text="", limit=DEPTH)
    return ways


def _spread(queries: Mapping[str, str], limit: int) -> "islice[tuple[str, str]]":
    """All, or so many taken evenly: neighbours often ask about one document."""
    step = max(1, len(queries) // limit) if limit else 1
    return islice(queries.items(), 0, step * limit if limit else None, step)


def _search_all(loaded: Loaded, queries: Mapping[str, str], template: "SearchQuery") -> Answers:
    from apps.rag.search import search

    answers = Answers()
    for query_id, text in queries.items():
        started = time.perf_counter()
        result = search(user=loaded.user, query=replace(template, text=text))
        answers.took.append((time.perf_counter() - started) * 1000)
        scores: dict[str, float] = {}
        for passage in result.passages:
            scores.setdefault(loaded.documents[passage.document_id], passage.score)
        answers.found[query_id] = scores
        for step, took in result.timings.items():
            answers.steps[step].append(took)
    return answers


def metrics(qrels: Mapping[str, Mapping[str, float]], found: Run) -> dict[str, float]:
    """Means over the judged queries, as trec_eval computes them (linear gain)."""
    sums = dict.fromkeys(("ndcg@10", "recall@10", "recall@100", "mrr@10"), 0.0)
    for query_id, relevant in qrels.items():
        ranking = _ranking(found, query_id)
        gains = [relevant.get(document_id, 0.0) for document_id in ranking[:10]]
        sums["ndcg@10"] += _discounted(gains) / _discounted(sorted(relevant.values(), reverse=True)[:10])
        sums["recall@10"] += len(relevant.keys() & set(ranking[:10])) / len(relevant)
        sums["recall@100"] += len(relevant.keys() & set(ranking[:100])) / len(relevant)
        sums["mrr@10"] += next((1 / rank for rank, gain in enumerate(gains, start=1) if gain), 0.0)
    return {name: round(value / max(len(qrels), 1), 4) for name, value in sums.items()}


def hits(qrels: Mapping[str, Mapping[str, float]], found: Run) -> dict[str, float]:
    """In which share of the questions a right document is among the first 1, 5 and 10."""
    return {
        f"hit@{depth}": round(
            sum(bool(relevant.keys() & set(_ranking(found, query_id)[:depth])) for query_id, relevant in qrels.items())
            / max(len(qrels), 1),
            4,
        )
        for depth in (1, 5, 10)
    }


def _ranking(found: Run, query_id: str) -> list[str]:
    scores = found.get(query_id, {})
    return sorted(scores, key=lambda document_id: -scores[document_id])


def _discounted(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _run_save(dataset: str, way: str, found: Run) -> None:
    """As query, document, score: for other scorers to check ours."""
    name = f"retrieval-{dataset}-{way.replace(' ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%S}.tsv"
    lines = (f"{query}\t{document}\t{score:.6f}\n" for query, row in found.items() for document, score in row.items())
    (folder() / name).write_text("".join(lines))
