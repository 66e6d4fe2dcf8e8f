"""Search for the web process, which has no model library: a worker searches, the answer comes back over Valkey.

The worker loads the user afresh and searches with that user's permissions; what is sent is only who asks and what.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import redis
from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.rag.types import LegTrace, Passage, SearchFilters, SearchMode, SearchQuery, SearchResult, SearchTuning
from chatbot.lib.errors import AppError, NotFoundError, UnavailableError
from chatbot.lib.valkey import valkey, valkey_async

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15
WAIT_SECONDS = 3
# An answer that came too late for its asker goes away by itself.
ANSWER_TTL_SECONDS = 30


def search_remote(*, user: User, query: SearchQuery) -> SearchResult:
    """`search` by a worker. Raises UnavailableError if none answers within TIMEOUT_SECONDS."""
    key = _search_enqueue(user.pk, query)
    answer: Any = None
    try:
        for wait in _waits():
            answer = valkey().blpop([key], timeout=wait)
            if answer:
                break
    except redis.RedisError as error:
        raise UnavailableError from error
    return _answer_read(answer)


async def asearch_remote(*, user: User, query: SearchQuery) -> SearchResult:
    """As `search_remote`, for the event loop."""
    key = await sync_to_async(_search_enqueue, thread_sensitive=False)(user.pk, query)
    answer: Any = None
    try:
        for wait in _waits():
            answer = await valkey_async().blpop([key], timeout=wait)
            if answer:
                break
    except redis.RedisError as error:
        raise UnavailableError from error
    return _answer_read(answer)


def _waits() -> Iterator[float]:
    """Seconds of each wait until TIMEOUT_SECONDS are over. The client takes a longer silence for a dead server."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while (left := deadline - monotonic()) > 0:
        yield min(left, WAIT_SECONDS)


def search_answer(*, key: str, user_id: str, query: dict[str, Any]) -> None:
    """The worker's part: search and push the answer, or what went wrong, onto the list `key`."""
    from apps.rag.search import search

    answer: dict[str, Any] = {"error": UnavailableError.code, "detail": ""}
    try:
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotFoundError
        answer = asdict(search(user=user, query=query_read(query)))
    except AppError as error:
        answer = {"error": error.code, "detail": error.detail}
    finally:
        # A bug goes on to the worker's log, but whoever waits is told at once.
        with valkey().pipeline() as pipeline:
            pipeline.rpush(key, json.dumps(answer, cls=DjangoJSONEncoder))
            pipeline.expire(key, ANSWER_TTL_SECONDS)
            pipeline.execute()


def query_write(query: SearchQuery) -> dict[str, Any]:
    """The query as plain JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(query), cls=DjangoJSONEncoder))
    return plain


def query_read(plain: dict[str, Any]) -> SearchQuery:
    """The query back from `query_write`."""
    filters, tuning = plain["filters"], plain["tuning"]
    return SearchQuery(
        text=plain["text"],
        workspace_id=UUID(plain["workspace_id"]) if plain["workspace_id"] else None,
        limit=plain["limit"],
        mode=SearchMode(plain["mode"]),
        rerank=plain["rerank"],
        collection_ids=tuple(map(UUID, plain["collection_ids"])),
        document_ids=tuple(map(UUID, plain["document_ids"])),
        filters=SearchFilters(
            filename=filters["filename"],
            mime=filters["mime"],
            after=_moment(filters["after"]),
            before=_moment(filters["before"]),
            tags=tuple(filters["tags"]),
            phrases=tuple(filters["phrases"]),
        ),
        formulations=tuple(plain["formulations"]),
        tuning=SearchTuning(
            **{**tuning, "profile_id": UUID(tuning["profile_id"]) if tuning["profile_id"] else None},
        ),
        is_traced=plain["is_traced"],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _search_enqueue(user_id: UUID, query: SearchQuery) -> str:
    from apps.rag.tasks import search_run

    key = f"search:{uuid4()}"
    try:
        # A search that nobody waits for any more is not worth doing.
        search_run.apply_async((key, str(user_id), query_write(query)), expires=TIMEOUT_SECONDS)
    except OperationalError as error:
        raise UnavailableError from error
    return key


def _answer_read(answer: tuple[str, str] | None) -> SearchResult:
    if answer is None:
        raise UnavailableError("The search did not answer in time. Please try again.")
    plain = json.loads(answer[1])
    if plain.get("error") == NotFoundError.code:
        raise NotFoundError
    if "error" in plain:
        raise UnavailableError(plain["detail"])
    return SearchResult(
        passages=tuple(map(_passage_read, plain["passages"])),
        took_ms=plain["took_ms"],
        timings=plain["timings"],
        profile_id=UUID(plain["profile_id"]) if plain["profile_id"] else None,
        legs=tuple(
            LegTrace(name=leg["name"], took_ms=leg["took_ms"], passages=tuple(map(_passage_read, leg["passages"])))
            for leg in plain["legs"]
        ),
    )


def _passage_read(plain: dict[str, Any]) -> Passage:
    ids = {name: UUID(plain[name]) for name in ("chunk_id", "document_id", "version_id")}
    lists = {name: tuple(plain[name]) for name in ("heading_path", "flags", "copies")}
    return Passage(**{**plain, **ids, **lists})
