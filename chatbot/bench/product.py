"""The whole product on this machine: start, memory, first token of the embedded model, ingestion, search."""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import httpx

from chatbot.bench.corpus import data_dir
from chatbot.bench.memory import memory_rows
from chatbot.bench.report import percentile
from chatbot.bench.stack import Stack, stack
from chatbot.dev.layout import ROOT

QUESTIONS = 5
SEARCHES = 60
INGEST_SECONDS = 900
IDLE_SECONDS = 5
_QUERIES = ("annual leave", "who approves expenses", "how do I report a security incident", "working from home")


def _first_token_seconds(client: httpx.Client, *, content: str, use_documents: bool) -> tuple[float, dict[str, Any]]:
    """Ask in a new conversation; seconds to the first token, and the data of the `done` event."""
    chat = client.post("/conversations", json={"use_documents": use_documents, "params": {"max_tokens": 48}})
    chat.raise_for_status()
    started, first, event = time.monotonic(), 0.0, ""
    with client.stream("POST", f"/conversations/{chat.json()['id']}/messages", json={"content": content}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("event:"):
                event = line.removeprefix("event:").strip()
                if event == "token" and not first:
                    first = time.monotonic() - started
            elif line.startswith("data:") and event == "done":
                return first, json.loads(line.removeprefix("data:"))
    raise RuntimeError("The event stream ended without `done`.")


def _pdfs() -> list[Path]:
    """Real reports where the bench data is there, else the sample document."""
    folder = data_dir() / "financebench" / "pdfs"
    found = sorted(folder.glob("*.pdf"), key=lambda path: path.stat().st_size)[:3]
    return found or sorted((ROOT / "apps" / "documents" / "sample").glob("*.pdf"))


def _ingest(client: httpx.Client) -> dict[str, float]:
    started = time.monotonic()
    ids = []
    for path in _pdfs():
        answer = client.post("/documents/upload", files={"files": (path.name, path.read_bytes())})
        answer.raise_for_status()
        ids += [item["id"] for item in answer.json()["items"]]
    pages = chunks = 0
    for document_id in ids:
        while True:
            state = client.get(f"/documents/{document_id}/status").json()
            if state["status"] in {"indexed", "failed", "cancelled"}:
                break
            if time.monotonic() - started > INGEST_SECONDS:
                raise TimeoutError(f"{document_id} is still {state['status']} after {INGEST_SECONDS} s.")
            time.sleep(0.5)
        pages += state["pages"] or 0
        chunks += state["chunk_count"]
    seconds = time.monotonic() - started
    return {
        "pages": pages,
        "chunks": chunks,
        "seconds": round(seconds, 1),
        "pages_per_second": round(pages / seconds, 2),
    }


def _search(client: httpx.Client) -> dict[str, float]:
    took = []
    for number in range(SEARCHES):
        started = time.monotonic()
        query = f"{_QUERIES[number % len(_QUERIES)]} {number}"
        client.post("/documents/search", json={"query": query}).raise_for_status()
        took.append((time.monotonic() - started) * 1000)
    return {"p50_ms": round(percentile(took, 0.5), 1), "p95_ms": round(percentile(took, 0.95), 1)}


def _sample_wait(client: httpx.Client) -> None:
    """The sample document must have been read before anything is asked of it or called idle."""
    deadline = time.monotonic() + INGEST_SECONDS
    while any(item["status"] != "indexed" for item in client.get("/documents").raise_for_status().json()["items"]):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The sample document is not indexed after {INGEST_SECONDS} s.")
        time.sleep(0.5)


def _measure(product: Stack) -> dict[str, Any]:
    _sample_wait(product.client)
    time.sleep(IDLE_SECONDS)
    idle = memory_rows(product.data_dir)
    plain = [
        _first_token_seconds(product.client, content=f"Say hello number {number}.", use_documents=False)[0]
        for number in range(QUESTIONS)
    ]
    cited, done = _first_token_seconds(
        product.client, content="How many days of annual leave do employees have?", use_documents=True
    )
    ingestion = _ingest(product.client)
    search = _search(product.client)
    return {
        "start": {"empty_data_s": round(product.start_seconds, 1), "second_s": round(product.restart_seconds, 1)},
        "first_token_embedded_model": {
            "plain_p50_s": round(statistics.median(plain), 3),
            "plain_max_s": round(max(plain), 3),
            "with_documents_s": round(cited, 3),
            "cited": [f"{item['source']} page {item['page']}" for item in done["citations"]],
        },
        "ingestion": ingestion,
        "search_by_api": search,
        "memory_idle": idle,
        "memory_after_work": memory_rows(product.data_dir),
    }


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Start the product on an empty folder with the real models and measure it. Takes some minutes."""
    with stack() as product:
        return _measure(product)
