"""Whole replies of the embedded model, written by the product's own worker code in this process.

What was asked before is kept in a file, so that a run which was cut off goes on where it stood. Nothing of Django is
imported before the database is there.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from chatbot.bench.corpus import database
from chatbot.bench.report import folder
from chatbot.bench.stack import free_port
from chatbot.dev.layout import ROOT, Layout

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.llm.models import ModelProfile

MODEL = "qwen2.5-coder-0.5b-instruct"
START_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reply as it was stored. `score`: how surely the passages could answer, None where nothing was searched."""

    text: str
    state: str
    is_unanswered: bool
    score: float | None
    is_enough: bool | None
    support_share: float | None
    marked_values: int
    seconds: float


@contextlib.contextmanager
def product() -> Iterator["ModelProfile"]:
    """Database, model server and a profile of the embedded model for the length of the block."""
    with contextlib.ExitStack() as stack:
        os.environ["CHATBOT_MODEL_SERVER_URL"] = stack.enter_context(_model_server())
        os.environ.setdefault("CHATBOT_MODEL_DIR", str(Layout.from_environment().models))
        stack.enter_context(database())
        from apps.llm.models import ModelProfile
        from apps.llm.services import models_sync

        models_sync()
        yield ModelProfile.objects.get(endpoint="embedded", name=MODEL)


@contextlib.contextmanager
def _model_server() -> Iterator[str]:
    port = free_port()
    models = Path(os.environ.get("CHATBOT_MODEL_DIR") or Layout.from_environment().models)
    file = next(iter(sorted((models / MODEL).glob("*.gguf"))), None)
    if file is None:
        raise SystemExit(f"{models / MODEL} holds no model. Run `python3 -m chatbot.dev models` or `up` once.")
    command = [sys.executable, "-m", "chatbot.dev.model_server", str(file), "--alias", MODEL, "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_ready(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                return
        time.sleep(0.2)
    raise TimeoutError(f"The model server did not answer within {START_SECONDS} s.")


def ask(user: "User", model: "ModelProfile", question: str, *, document_ids: Sequence[UUID] = ()) -> Asked:
    """One question in a conversation of its own, answered at once in this process."""
    from apps.conversations.models import Conversation, Message, Retrieval
    from apps.conversations.replies.answering import reply_answer
    from apps.conversations.services import conversation_create, message_send

    conversation = conversation_create(actor=user)
    Conversation.objects.filter(pk=conversation.pk).update(
        model=model, use_documents=True, document_ids=list(document_ids), params={"max_tokens": 200}
    )
    _, reply = message_send(actor=user, conversation_id=conversation.pk, content=question)
    started = time.monotonic()
    reply_answer(reply.pk)
    seconds = time.monotonic() - started
    reply = Message.objects.get(pk=reply.pk)
    retrieval = Retrieval.objects.filter(message=reply).first()
    return Asked(
        text=reply.content,
        state=reply.state,
        is_unanswered=reply.is_unanswered,
        score=retrieval.answerability if retrieval else None,
        is_enough=retrieval.is_enough if retrieval else None,
        support_share=reply.support_share,
        marked_values=len(reply.marks.get("values", [])),
        seconds=round(seconds, 2),
    )


class Kept:
    """What was asked in earlier runs, by key; with `fresh`, nothing."""

    def __init__(self, name: str, *, fresh: bool) -> None:
        self._path = folder() / f"{name}-replies.jsonl"
        if fresh:
            self._path.unlink(missing_ok=True)
        self._known: dict[str, Asked] = {}
        if self._path.is_file():
            for line in self._path.read_text().splitlines():
                row = json.loads(line)
                key = row.pop("key")
                self._known[key] = Asked(**row)

    def get(self, key: str) -> Asked | None:
        return self._known.get(key)

    def keep(self, key: str, asked: Asked) -> None:
        self._known[key] = asked
        with self._path.open("a") as file:
            file.write(json.dumps({"key": key, **asdict(asked)}) + "\n")


def share(rows: Sequence[bool]) -> float:
    """How many of them are true, 0 to 1; 0 of none."""
    return round(sum(rows) / len(rows), 4) if rows else 0.0


def summary(rows: Sequence[Asked]) -> dict[str, Any]:
    """What every table of replies shows."""
    took = sorted(row.seconds for row in rows)
    return {
        "replies": len(rows),
        "failed": sum(row.state != "complete" for row in rows),
        "p50_s": took[len(took) // 2] if took else 0.0,
    }
