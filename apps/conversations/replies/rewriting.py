"""A follow-up as a question that stands alone, and a question in other words: by the conversation's own model.

Nothing here must keep a reply waiting or break it: what is late or makes no sense is left out.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from django.db import connection

from apps.conversations.replies.citations import markers_strip
from apps.conversations.replies.matching import words_of
from apps.conversations.runtime import runtime
from apps.llm.exceptions import ProviderError
from apps.llm.models import ModelProfile
from apps.llm.services import chat_stream
from apps.llm.types import ChatMessage, ChatParams, TextDelta

logger = logging.getLogger(__name__)

PURPOSE = "rewrite"
# The person waits for it before the first word of the answer.
TIMEOUT_SECONDS = 4.0
_TOKENS = 80
_WORDINGS_TOKENS = 160
WORDINGS_MAXIMUM = 3
# The turns that a follow-up can refer to, and how much of each matters for that.
_TURNS = 4
_TURN_LENGTH = 600
_QUESTION_LENGTH = 400
_LISTING = re.compile(r"^\s*(?:[-*•]|\d+[.)]|question:|rewritten question:|standalone question:)\s*", re.IGNORECASE)

_REWRITE = (
    "Rewrite the last question so that it can be understood without the conversation: replace every word that refers "
    "to something said before by what it refers to. Keep its language. Do not answer it. "
    "Write the rewritten question only."
)
_WORDINGS = (
    f"Write the question in {WORDINGS_MAXIMUM} other ways, as a document that answers it might put it: with synonyms "
    "and the words of the field. Keep its language. Do not answer it. One per line, nothing else."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """For whom the model is asked, and which: the one that the conversation was given, never another's choice."""

    profile: ModelProfile
    workspace_id: UUID
    user_id: UUID
    message_id: UUID


def question_rewritten(*, caller: Caller, question: str, history: Sequence[ChatMessage]) -> str:
    """The question so that it stands alone; empty where the model is late, fails or writes something else.

    Gives the task's database connection back while it waits.
    """
    lines = _asked(caller, rewrite_messages(question, history), _TOKENS)
    return lines[0] if lines and _is_rewriting(lines[0], question, history) else ""


def question_wordings(*, caller: Caller, question: str) -> tuple[str, ...]:
    """Up to WORDINGS_MAXIMUM other wordings; none where the model is late or fails. As `question_rewritten`."""
    messages = [ChatMessage(role="user", content=f"{_WORDINGS}\n\nQuestion: {question}")]
    lines = _asked(caller, messages, _WORDINGS_TOKENS)
    asked = question.strip().casefold()
    return tuple(dict.fromkeys(line for line in lines if line.casefold() != asked))[:WORDINGS_MAXIMUM]


def rewrite_messages(question: str, history: Sequence[ChatMessage]) -> list[ChatMessage]:
    """What the model reads: the end of the conversation in one message, which small models follow best."""
    turns = [f"{_speaker(message)}: {_turn_text(message)}" for message in history[-_TURNS:]]
    conversation = "\n".join([*turns, f"Person: {question}"])
    content = f"{_REWRITE}\n\n<conversation>\n{conversation}\n</conversation>\n\nLast question: {question}"
    return [ChatMessage(role="user", content=content)]


def _asked(caller: Caller, messages: Sequence[ChatMessage], tokens: int) -> list[str]:
    """The answer's lines, without what lists begin with. A transaction keeps its connection: tests run in one."""
    started = perf_counter()
    if not connection.in_atomic_block:
        connection.close()
    try:
        text = runtime().run(asyncio.wait_for(_answer(caller, messages, tokens), TIMEOUT_SECONDS))
    except (ProviderError, TimeoutError) as error:
        took_ms = round((perf_counter() - started) * 1000)
        logger.info("No rewriting: %s", type(error).__name__, extra={"action": "rewrite_skipped", "took_ms": took_ms})
        return []
    lines = [_LISTING.sub("", line).strip().strip("\"“”'") for line in text.splitlines()]
    return [line for line in lines if line and len(line) <= _QUESTION_LENGTH]


async def _answer(caller: Caller, messages: Sequence[ChatMessage], tokens: int) -> str:
    parts: list[str] = []
    events = chat_stream(
        profile=caller.profile,
        messages=messages,
        params=ChatParams(temperature=0.0, max_tokens=tokens),
        purpose=PURPOSE,
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        reference_id=caller.message_id,
    )
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                parts.append(event.text)
    return "".join(parts).replace("\x00", "")


def _is_rewriting(line: str, question: str, history: Sequence[ChatMessage]) -> bool:
    """Whether it is made of the conversation's words: an answer or a refusal is mostly not."""
    known = {word for message in history for word in words_of(message.content)} | set(words_of(question))
    words = set(words_of(line))
    return (
        bool(words) and len(words & known) >= len(words) / 2 and bool(words & set(words_of(question)) or len(words) > 1)
    )


def _speaker(message: ChatMessage) -> str:
    return "Person" if message.role == "user" else "Assistant"


def _turn_text(message: ChatMessage) -> str:
    text = " ".join(markers_strip(message.content).split())
    return text if len(text) <= _TURN_LENGTH else f"{text[:_TURN_LENGTH]}…"
