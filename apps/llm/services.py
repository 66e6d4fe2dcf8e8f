"""Calls to models. Retries, fallback and the ledger are here; a provider makes one attempt."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import count
from typing import assert_never
from uuid import UUID

from django.conf import settings

from apps.llm import registry, selectors
from apps.llm.exceptions import ProviderError
from apps.llm.ledger import Call, call_record, call_recorded, database_call, local_call
from apps.llm.models import Inference, ModelProfile
from apps.llm.sync import models_sync
from apps.llm.types import ChatEvent, ChatMessage, ChatParams, ChatRequest, Finished, TextDelta

__all__ = ["chat_stream", "embedding_model_ensure", "models_sync", "passages_rerank", "texts_embed"]

logger = logging.getLogger(__name__)

# Enough for a dropped connection or a restart of the server; more would keep a person waiting without a word.
RETRY_DELAYS_SECONDS = (0.2, 1.0)
# A model that is being loaded will be there; a large one takes half a minute.
LOADING_DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
RETRY_AFTER_MAXIMUM_SECONDS = 3.0
# Passages read between two looks at the clock: about 80 ms on two cores, and no slower than all at once.
RERANK_BATCH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What stays the same over all attempts."""

    messages: Sequence[ChatMessage]
    params: ChatParams
    purpose: str
    workspace_id: UUID | None
    user_id: UUID | None
    reference_id: UUID | None


async def chat_stream(
    *,
    profile: ModelProfile,
    messages: Sequence[ChatMessage],
    params: ChatParams | None = None,
    purpose: str,
    workspace_id: UUID | None,
    user_id: UUID | None,
    reference_id: UUID | None = None,
) -> AsyncGenerator[ChatEvent, None]:
    """Yield the answer's deltas in order, then one Finished that names the model which answered.

    Before the first delta a failing model is tried again and then replaced by another one that is trusted with the same
    texts; after it, ProviderError is raised and what was yielded stands. Every attempt leaves one Inference row.
    Close the iterator (`aclosing`) to stop: that closes the provider's connection. No database connection is held
    while a model is waited for. Raises ProviderError.
    """
    job = _Job(
        messages=messages,
        params=params or ChatParams(),
        purpose=purpose,
        workspace_id=workspace_id,
        user_id=user_id,
        reference_id=reference_id,
    )
    current, routing_reason, tried = profile, "", {profile.pk}
    first_error: ProviderError | None = None
    while True:
        has_begun = False
        try:
            async with aclosing(_with_retries(job, current, routing_reason)) as events:
                async for event in events:
                    has_begun = True
                    yield event
            return
        except ProviderError as error:
            successor = None if has_begun else await _successor_of(profile, error, tried)
            first_error = first_error or error
            if successor is None:
                # What became of the model that was chosen says more than what became of its substitutes.
                failure = error if has_begun else first_error
                break
            logger.warning("Falling back from %s to %s: %s", current.name, successor.name, error.code)
            current, routing_reason = successor, f"fallback after {error.code}"
            tried.add(successor.pk)
    raise failure


async def _successor_of(profile: ModelProfile, error: ProviderError, tried: set[UUID]) -> ModelProfile | None:
    """The next model to try; None where another would do no better."""
    if error.code == "content_filtered":
        return None
    longer_than = profile.context_tokens if error.code == "context_too_long" else 0
    others = await database_call(lambda: selectors.fallbacks_of(profile, longer_than=longer_than))
    return next((other for other in others if other.pk not in tried), None)


async def _with_retries(job: _Job, profile: ModelProfile, routing_reason: str) -> AsyncGenerator[ChatEvent, None]:
    for number in count():
        has_begun = False
        try:
            async with aclosing(_attempt(job, profile, routing_reason)) as events:
                async for event in events:
                    has_begun = True
                    yield event
            return
        except ProviderError as error:
            wait = _wait_after(error, number)
            if has_begun or wait is None:
                raise
        await asyncio.sleep(wait)


def _wait_after(error: ProviderError, number: int) -> float | None:
    """Seconds until the next attempt after the `number`-th failure, counted from 0; None if there is to be none."""
    delays = LOADING_DELAYS_SECONDS if error.code == "model_loading" else RETRY_DELAYS_SECONDS
    asked_for = error.retry_after_seconds or 0
    if not error.retryable or number >= len(delays) or asked_for > RETRY_AFTER_MAXIMUM_SECONDS:
        return None
    return max(delays[number], asked_for)


async def _attempt(job: _Job, profile: ModelProfile, routing_reason: str) -> AsyncGenerator[ChatEvent, None]:
    call = Call(
        profile=profile,
        model_name=profile.name,
        purpose=job.purpose,
        workspace_id=job.workspace_id,
        user_id=job.user_id,
        reference_id=job.reference_id,
        routing_reason=routing_reason,
    )
    request = ChatRequest(
        model=profile.name, messages=job.messages, params=job.params, context_tokens=profile.context_tokens
    )
    finished: Finished | None = None
    try:
        async with aclosing(registry.chat_provider(profile.endpoint).stream(request)) as events:
            async for event in events:
                match event:
                    case TextDelta():
                        call.text_arrived(event.text)
                        yield event
                    case Finished():
                        finished = event
                        call.usage = event.usage
                        call.ended(Inference.State.OK)
                    case _:
                        assert_never(event)
    except ProviderError as error:
        call.ended(Inference.State.FAILED, error.code)
        raise
    except (GeneratorExit, asyncio.CancelledError):
        call.ended(Inference.State.STOPPED)
        raise
    finally:
        call.usage_estimate(job.messages)
        await database_call(lambda: call_record(call))
    if finished is not None:
        yield replace(finished, usage=call.usage, model=profile.name)


def texts_embed(
    *,
    texts: Sequence[str],
    model: str,
    provider: str | None = None,
    dimensions: int | None = None,
    is_query: bool = False,
    purpose: str = "embed",
    workspace_id: UUID | None = None,
    user_id: UUID | None = None,
    reference_id: UUID | None = None,
) -> list[list[float]]:
    """One unit vector per text, in order. For workers only: loads the model's weights. Raises ProviderError.

    `provider`: one of registry.EMBEDDING_PROVIDERS; None: the settings'. See `registry.embedder` for the rest.
    """
    provider = provider or settings.EMBEDDING_PROVIDER
    call = local_call(model, purpose, workspace_id, user_id, reference_id, provider=provider)
    with call_recorded(call):
        vectors = registry.embedder(model, provider=provider, dimensions=dimensions, is_query=is_query).embed(texts)
        if provider in registry.ENDPOINT_NAMES:
            call.texts_sent(texts)
        return vectors


def passages_rerank(
    *,
    query: str,
    passages: Sequence[str],
    model: str,
    provider: str | None = None,
    seconds: float | None = None,
    purpose: str = "rerank",
    workspace_id: UUID | None = None,
    user_id: UUID | None = None,
    reference_id: UUID | None = None,
) -> list[float]:
    """How well each passage answers the query, in order; higher is better. For workers only. Raises ProviderError.

    `provider`: one of registry.RERANKING_PROVIDERS; None: the settings'. `seconds`: no further RERANK_BATCH is begun
    after that time, so the list may be shorter than the passages; the first batch is always read.
    """
    provider = provider or settings.RERANKER_PROVIDER
    with call_recorded(local_call(model, purpose, workspace_id, user_id, reference_id, provider=provider)):
        reranker = registry.reranker(model, provider=provider)
        if seconds is None:
            return reranker.score(query=query, passages=passages)
        deadline = time.monotonic() + seconds
        logits: list[float] = []
        while len(logits) < len(passages) and (not logits or time.monotonic() < deadline):
            logits += reranker.score(query=query, passages=passages[len(logits) : len(logits) + RERANK_BATCH])
        return logits


def embedding_model_ensure(*, provider: str, model: str) -> None:
    """Make the row of a remote embedding model if there is none: for its price and for the texts it may see.

    Those are public ones, until an administrator trusts it with more.
    """
    if registry.provider_is_local(provider):
        return
    ModelProfile.objects.get_or_create(
        endpoint=provider,
        name=model,
        defaults={
            "title": model,
            "abilities": ["embed"],
            "classification": ModelProfile.Classification.PUBLIC,
            "is_local": False,
        },
    )
