"""Measures calls to models and writes them down, one Inference row each."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections

from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference, ModelProfile
from apps.llm.types import ChatMessage, Usage

ResultT = TypeVar("ResultT")
# For what a server did not count, such as a stopped reply: a little too many rather than too few.
CHARACTERS_PER_TOKEN = 4
MILLION = 1_000_000

# Where calls of this thread are kept instead of being written at once.
_kept: ContextVar["list[Call] | None"] = ContextVar("kept", default=None)


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt at one model, from its beginning.

    `provider`: under which the profile is looked up when the call is written, where none is given.
    """

    profile: ModelProfile | None = None
    provider: str = ""
    model_name: str
    purpose: str
    workspace_id: UUID | None
    user_id: UUID | None
    reference_id: UUID | None
    routing_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    state: Inference.State = Inference.State.FAILED
    error_code: str = "internal_error"
    started_at: float = field(default_factory=time.monotonic)
    first_token_seconds: float | None = None
    duration_seconds: float | None = None
    _pieces: int = 0
    _characters: int = 0

    def text_arrived(self, text: str) -> None:
        if self.first_token_seconds is None:
            self.first_token_seconds = time.monotonic() - self.started_at
        self._pieces += 1
        self._characters += len(text)

    def ended(self, state: Inference.State, error_code: str = "") -> None:
        self.state = state
        self.error_code = error_code
        self.duration_seconds = time.monotonic() - self.started_at

    def usage_estimate(self, messages: Sequence[ChatMessage]) -> None:
        """Fill in what the server did not count. A call that brought no text costs nothing."""
        if self.usage.completion_tokens or not self._characters:
            return
        sent = sum(len(message.content) for message in messages)
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens or sent // CHARACTERS_PER_TOKEN + 1,
            completion_tokens=max(self._pieces, self._characters // CHARACTERS_PER_TOKEN),
        )

    def texts_sent(self, texts: Sequence[str]) -> None:
        """Estimate the usage of a call that sends texts and gets none."""
        self.usage = Usage(prompt_tokens=sum(map(len, texts)) // CHARACTERS_PER_TOKEN + 1)

    @property
    def cost(self) -> Decimal:
        if self.profile is None:
            return Decimal(0)
        spent = self.usage.prompt_tokens * self.profile.price_input
        spent += self.usage.completion_tokens * self.profile.price_output
        return Decimal(spent) / MILLION


def call_record(call: Call) -> None:
    """Write the row of a call that is over, or keep it for the one who writes it (see `calls_kept`)."""
    if call.duration_seconds is None:
        call.duration_seconds = time.monotonic() - call.started_at
    if (kept := _kept.get()) is not None:
        kept.append(call)
        return
    if call.profile is None and call.provider:
        call.profile = ModelProfile.objects.filter(endpoint=call.provider, name=call.model_name).first()
    Inference.objects.create(
        workspace_id=call.workspace_id,
        user_id=call.user_id,
        profile=call.profile,
        model_name=call.model_name,
        purpose=call.purpose,
        reference_id=call.reference_id,
        state=call.state,
        routing_reason=call.routing_reason,
        prompt_tokens=call.usage.prompt_tokens,
        completion_tokens=call.usage.completion_tokens,
        first_token_seconds=call.first_token_seconds,
        duration_seconds=call.duration_seconds,
        cost=call.cost,
        error_code=call.error_code,
    )


@contextmanager
def calls_kept(calls: list[Call]) -> Iterator[None]:
    """Within the block, in this thread, calls are added to the list and not written: for threads without a database."""
    token = _kept.set(calls)
    try:
        yield
    finally:
        _kept.reset(token)


def local_call(
    model: str,
    purpose: str,
    workspace_id: UUID | None,
    user_id: UUID | None,
    reference_id: UUID | None,
    *,
    provider: str = "onnx",
) -> Call:
    """A call that begins now, to a model which embeds or reranks."""
    return Call(
        provider=provider,
        model_name=model,
        purpose=purpose,
        workspace_id=workspace_id,
        user_id=user_id,
        reference_id=reference_id,
    )


@contextmanager
def call_recorded(call: Call) -> Iterator[None]:
    """Write the call's row when the block ends, however it ends."""
    try:
        yield
        call.ended(Inference.State.OK)
    except ProviderError as error:
        call.ended(Inference.State.FAILED, error.code)
        raise
    finally:
        call_record(call)


async def database_call(function: Callable[[], ResultT]) -> ResultT:
    """Run the function in a thread that gives its database connection back at once."""

    def run() -> ResultT:
        try:
            return function()
        finally:
            connections.close_all()

    return await sync_to_async(run, thread_sensitive=False)()
