"""Store and read how replies came by their passages."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.conversations.models import Retrieval, RetrievedPassage
from apps.conversations.tracing import ReplyTrace
from apps.documents.models import Document


def trace_store(
    *,
    message_id: UUID,
    workspace_id: UUID,
    trace: ReplyTrace,
    cited: Sequence[UUID],
    model_name: str,
    timings: Mapping[str, Any],
) -> None:
    """Write the trace's rows, in the caller's transaction: the one that ends the reply. Twice is an error.

    `cited`: chunk ids. `timings`: what was measured after the search, added to the trace's own.
    """
    retrieval = Retrieval.objects.create(
        workspace_id=workspace_id,
        message_id=message_id,
        kind=trace.kind,
        searched=trace.searched,
        formulations=list(trace.formulations),
        filters=dict(trace.filters),
        profile_id=trace.profile_id,
        answerability=trace.answerability,
        threshold=trace.threshold,
        is_enough=trace.is_enough,
        prompt_version=trace.prompt_version,
        model_name=model_name,
        params=dict(trace.params),
        timings={**trace.timings, **timings},
    )
    # A document that was deleted meanwhile leaves its name and version behind.
    alive = set(
        Document.objects.filter(pk__in=[traced.passage.document_id for traced in trace.passages]).values_list(
            "pk", flat=True
        )
    )
    RetrievedPassage.objects.bulk_create(
        RetrievedPassage(
            retrieval=retrieval,
            rank=rank,
            document_id=traced.passage.document_id if traced.passage.document_id in alive else None,
            version_id=traced.passage.version_id,
            version_number=traced.passage.version_number,
            chunk_id=traced.passage.chunk_id,
            filename=traced.passage.filename,
            page=traced.passage.page,
            page_last=traced.passage.page_last,
            score=traced.passage.score,
            bm25=traced.passage.bm25,
            dense=traced.passage.dense,
            rerank=traced.passage.rerank,
            outcome=_outcome(is_used=traced.is_used, is_cited=traced.passage.chunk_id in cited),
            reason=traced.reason,
            flags=list(traced.passage.flags),
        )
        for rank, traced in enumerate(trace.passages, start=1)
    )


def _outcome(*, is_used: bool, is_cited: bool) -> str:
    if is_cited:
        return RetrievedPassage.Outcome.CITED
    return RetrievedPassage.Outcome.USED if is_used else RetrievedPassage.Outcome.LEFT_OUT
