import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from apps.accounts.models import Workspace
from apps.documents.models import Document
from apps.rag.testing import fake_embedder, fake_reranker
from chatbot.bench.__main__ import main
from chatbot.bench.corpus import dataset_read
from chatbot.bench.report import report_print, table
from chatbot.bench.retrieval import hits, metrics

DOCUMENTS = {"d1": "The turbine turns.", "d2": "A wing lifts.", "d3": "Heat flows to the wing."}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": key, "title": f"Title {key}", "text": text} for key, text in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    queries = [{"_id": "q1", "text": "turbine"}, {"_id": "q2", "text": "wing lifts"}, {"_id": "q3", "text": "unjudged"}]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t2\nq2\td3\t1\nq1\td2\t0\n"
    )
    return folder


def test_dataset_is_read_in_beir_form(dataset):
    read = dataset_read(str(dataset))

    assert read.corpus["d1"] == ("Title d1", "The turbine turns.")
    assert read.queries == {"q1": "turbine", "q2": "wing lifts"}
    assert read.qrels == {"q1": {"d1": 1.0}, "q2": {"d2": 2.0, "d3": 1.0}}
    with pytest.raises(SystemExit, match="no BEIR-form folder"):
        dataset_read(str(dataset.parent))


def test_metrics_are_those_of_trec_eval():
    qrels = {"q1": {"d1": 1.0}, "q2": {"d2": 2.0, "d3": 1.0}}

    assert metrics(qrels, {"q1": {"d1": 1}, "q2": {"d2": 2, "d3": 1}}) == dict.fromkeys(
        ("ndcg@10", "recall@10", "recall@100", "mrr@10"), 1
    )
    found = metrics(qrels, {"q1": {"d2": 3, "d1": 2}, "q2": {}})
    assert found == {"ndcg@10": 0.3155, "recall@10": 0.5, "recall@100": 0.5, "mrr@10": 0.25}
    assert hits(qrels, {"q1": {"d2": 3, "d1": 2}, "q2": {}}) == {"hit@1": 0, "hit@5": 0.5, "hit@10": 0.5}


@pytest.mark.django_db(transaction=True)
def test_retrieval_goes_through_the_product_and_leaves_nothing(dataset, tmp_path, monkeypatch, settings, capsys):
    settings.RERANK = "auto"
    monkeypatch.setenv("CHATBOT_DATA_DIR", str(tmp_path))
    with fake_embedder(), fake_reranker():
        assert main(["retrieval", str(dataset)]) == 0

    printed = capsys.readouterr().out
    path = Path(printed.split("Saved as ")[1].strip())
    saved = json.loads(path.read_text())
    assert path.parent == tmp_path / "bench"
    assert {row["search"]: (row["passages"], row["mrr@10"]) for row in saved["results"]} == {
        "hybrid": (3, 1.0), "semantic": (3, 1.0), "keyword": (3, 1.0), "as by default": (3, 1.0)
    }  # fmt: skip
    assert {row["search"] for row in saved["steps"] if "reranked_ms" in row} == {"as by default"}
    assert all(row["lexical_ms"] > 0 for row in saved["steps"] if row["search"] != "semantic")
    assert "ndcg@10" in printed
    assert "hit@5" not in printed
    assert (Workspace.objects.count(), Document.objects.count()) == (0, 0)
    assert len(list(path.parent.glob("retrieval-tiny-*.tsv"))) == 4


@pytest.mark.django_db(transaction=True)
def test_questions_with_one_right_document_are_counted_as_hits(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CHATBOT_DATA_DIR", str(tmp_path))
    folder = tmp_path / "single"
    folder.mkdir()
    corpus = [{"_id": key, "title": key, "text": text} for key, text in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    queries = [
        {"_id": "q1", "text": "turbine", "doc": "d1"},
        {"_id": "q2", "text": "unanswerable", "doc": None},
        {"_id": "q3", "text": "wing lifts", "doc": "d3"},
        {"_id": "q4", "text": "heat flows", "doc": "d3"},
    ]
    (folder / "queries_dev.jsonl").write_text("\n".join(map(json.dumps, queries)))

    with fake_embedder():
        assert main(["retrieval", str(folder), "--no-rerank", "--limit", "2"]) == 0
    rows = json.loads(next((tmp_path / "bench").glob("*.json")).read_text())["results"]
    by_words = {row["search"]: row for row in rows}["keyword"]
    assert (by_words["questions"], by_words["hit@1"], by_words["hit@5"]) == (2, 0.5, 1.0)
    assert len(rows) == 3


@pytest.mark.django_db(transaction=True)
def test_search_latency_is_measured_in_each_mode(dataset):
    from chatbot.bench.search import run

    with fake_embedder():
        figures = run(Namespace(datasets=[str(dataset)]))

    assert figures["passages"] == 3
    assert [(row["search"], row["searches"]) for row in figures["latency"]] == [
        ("hybrid", 2), ("semantic", 2), ("keyword", 2)
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_audit_log_is_measured(settings, tmp_path, monkeypatch):
    from chatbot.bench.audit import run

    monkeypatch.setenv("CHATBOT_DATA_DIR", str(tmp_path))
    settings.AUDIT_HEADS = tmp_path / "heads.jsonl"
    figures = run(Namespace(rows=2000, events=40, threads=4, transactions=60, repeats=2))

    written = figures["writers"]
    assert (written["events"], written["lost"], written["chain"]) == (40, 0, "good")
    assert figures["added_to_a_transaction"]["transactions"] == 10
    assert figures["generated"]["rows"] == 2000
    assert len(figures["viewer"]) > 15
    plans = Path(figures["plans"]).read_text()
    assert all(f"== {row['search']}\n" in plans for row in figures["viewer"])
    assert "Index Scan" in plans


@pytest.mark.django_db(transaction=True)
def test_hostile_lists_go_through_the_doors_and_leave_nothing(tmp_path, monkeypatch):
    from dataclasses import replace

    from chatbot.bench.hostile import run
    from chatbot.testing.hostile.doors import DOORS

    (tmp_path / "security").mkdir()
    (tmp_path / "security" / "mine.jsonl").write_text('{"payload": "../{FILE}"}\n{"text": "<b>x</b>"}\n')
    monkeypatch.setenv("CHATBOT_BENCH_DATA", str(tmp_path))
    some = [door for door in DOORS if door.name in {"sign-in page: address", "/…"}]
    figures = run(Namespace(name="hostile", datasets=["mine"], limit=0, doors=some))

    assert (figures["lines"], figures["visits"], figures["failures"]) == (2, 5, [])
    assert {row["group"]: row["visits"] for row in figures["by_list_and_group"]} == {
        "keys": 2, "passages": 1, "sign-in": 2
    }  # fmt: skip
    assert Workspace.objects.count() == 0
    figures = run(Namespace(name="hostile", datasets=["mine"], limit=1, doors=[replace(some[0], expects=418)]))
    assert [(row["list"], row["flaw"]) for row in figures["failures"]] == [("harmless", "200, not 418")]


def test_tables_line_up(capsys):
    rows = [{"name": "a", "ms": 1.25}, {"name": "long", "ms": 20, "more": True}]

    assert table(rows).splitlines() == [
        "name   ms  more",
        "----  ---  ----",
        "a     1.2",
        "long   20  True",
    ]
    report_print("thing", {"start": {"first_s": 2.0}, "rows": rows, "errors": []})
    assert "start.first_s" in capsys.readouterr().out


def test_benches_read_no_settings_before_they_name_their_servers():
    """The settings read the addresses of Postgres and Valkey once, when they are imported."""
    names = ("__main__", "retrieval", "search", "product", "streaming", "audit", "hostile")
    modules = ", ".join(f"chatbot.bench.{name}" for name in names)
    code = f"import sys, {modules}; sys.exit('chatbot.settings' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
