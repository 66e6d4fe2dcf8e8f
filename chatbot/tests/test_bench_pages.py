import json
import shutil
from pathlib import Path

import pytest

from apps.accounts.models import Workspace
from apps.documents.models import Document
from apps.rag.testing import fake_embedder, fake_reranker
from chatbot.bench.__main__ import main
from chatbot.bench.retrieval_pages import page_metrics, questions_read
from chatbot.dev.layout import ROOT

HANDBOOK = ROOT / "apps" / "documents" / "sample" / "handbook.pdf"


def data_set(folder: Path, *questions: dict[str, object]) -> Path:
    (folder / "pdfs").mkdir(parents=True)
    shutil.copy(HANDBOOK, folder / "pdfs" / "handbook.pdf")
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return folder


def test_questions_know_their_pages_and_where_to_search(tmp_path):
    folder = data_set(
        tmp_path / "set",
        {"id": "store", "question": "a?", "doc": "A", "evidence": [{"doc": "A", "page1": 3}, {"doc": "A", "page1": 3}]},
        {"id": "scoped", "question": "b?", "doc": "handbook.pdf", "pages1": [1, 2]},
        {"id": "unanswerable", "question": "c?", "doc": "handbook.pdf", "pages1": []},
    )

    store, scoped = questions_read(folder)

    assert (store.id, store.text, store.document, store.pages) == ("store", "a?", None, frozenset({("A", 3)}))
    assert (scoped.document, scoped.pages) == ("handbook", frozenset({("handbook", 1), ("handbook", 2)}))


def test_page_metrics(tmp_path):
    folder = data_set(
        tmp_path / "set",
        {"id": "q1", "question": "a?", "doc": "A", "pages1": [3, 4]},
        {"id": "q2", "question": "b?", "doc": "B", "pages1": [1]},
    )
    other = [("C", page) for page in range(1, 11)]

    found = page_metrics(list(questions_read(folder)), {"q1": [("A", 1), ("A", 3)], "q2": [*other, ("B", 1)]})

    assert found == {
        "page_hit@1": 0, "page_hit@5": 0.5, "page_hit@10": 0.5, "page_hit@20": 1.0,
        "page_recall@5": 0.25, "page_recall@20": 0.75, "document_hit@10": 0.5,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_pdfs_go_through_the_product_and_leave_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CHATBOT_DATA_DIR", str(tmp_path))
    question = "How many days of annual leave do employees have?"
    folder = data_set(
        tmp_path / "tiny",
        {"id": "q1", "question": question, "doc": "handbook.pdf", "pages1": [2]},
        {"id": "q2", "question": question, "doc": "handbook", "evidence": [{"doc": "handbook", "page1": 99}]},
    )

    with fake_embedder(), fake_reranker():
        assert main(["retrieval", str(folder)]) == 0

    path = Path(capsys.readouterr().out.split("Saved as ")[1].strip())
    rows = json.loads(path.read_text())["pages"]
    assert {(row["search"], row["page_hit@20"], row["questions"]) for row in rows} == {
        ("hybrid", 0.5, 2), ("hybrid, reranked", 0.5, 2)
    }  # fmt: skip
    assert all(row["pages"] > 1 and row["passages"] > 1 for row in rows)
    [run, _] = sorted(path.parent.glob("retrieval-tiny-*.jsonl"))
    first = json.loads(run.read_text().splitlines()[0])
    assert first["id"] == "q1"
    assert ["handbook", 2] in first["retrieved"]
    assert (Workspace.objects.count(), Document.objects.count()) == (0, 0)
