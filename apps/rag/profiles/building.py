"""Bringing a profile up to date, slice by slice: a build, and what came in since for all that stand.

The profile's row is the job. Every step may run twice or die anywhere: passages and vectors are added where they are
missing, and a version counts when its row says so. Live indexing comes first: a build takes up what that has finished,
and waits while documents wait.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from uuid import UUID

from django.db.models.functions import Now
from django.utils import timezone

from apps.documents.models import DocumentVersion
from apps.documents.tasks import ingest_queue_is_empty
from apps.llm.exceptions import ProviderError
from apps.rag.models import IndexedVersion, IndexProfile
from apps.rag.profiles.coverage import versions_missing
from apps.rag.profiles.embedding import texts_embed_for, version_embedder, version_may_be_sent
from apps.rag.profiles.graphs import graph_create, graph_stands
from apps.rag.profiles.leases import Step, profile_lease_hold, profile_lease_release, profile_lease_take
from apps.rag.profiles.pacing import allowance_of, allowance_used
from apps.rag.profiles.versions import (
    ATTEMPTS_MAXIMUM,
    counts_of,
    version_begin,
    version_finish,
    version_give_up,
    version_progress_note,
)
from apps.rag.writing import chunks_embed, chunks_write

logger = logging.getLogger(__name__)

SLICE_SECONDS = 8
# Passages between two looks at the clock, the lease and the documents that wait.
EMBED_BATCH = 16
# Versions looked up at once; finding the next among many takes milliseconds.
LOOKED_UP = 50
# A document that was brought in so recently waits for a worker; one that waits longer does so for its model.
WAITING_SECONDS = 10


def index_step(*, profile_id: UUID) -> Step:
    """Work on the profile for one slice of time.

    Where its model does not answer, the profile waits for the reconciler; where it never will, a build fails with a
    sentence for people.
    """
    profile = profile_lease_take(profile_id=profile_id)
    if profile is None:
        return Step.DONE
    try:
        _dimensions_ensure(profile)
        step = _slice(profile)
    except ProviderError as error:
        return _embedder_failed(profile, error)
    profile_lease_release(profile, step)
    return step


def index_graph_step(*, profile_id: UUID) -> bool:
    """Build the graph over the passages that stand, and call a build ready whose passages all do. Minutes at times.

    False if nothing is to be done, or another connection is at it.
    """
    profile = IndexProfile.objects.filter(pk=profile_id, state__in=IndexProfile.KEPT_STATES).first()
    if profile is None or not profile.dimensions or versions_missing(profile).exists() or not graph_create(profile):
        return False
    building = IndexProfile.objects.filter(pk=profile_id, state=IndexProfile.State.BUILDING)
    building.update(state=IndexProfile.State.READY, error_detail="")
    return True


def live_is_waiting() -> bool:
    """Whether documents wait for an ingest worker, which come before a build."""
    waiting = DocumentVersion.objects.filter(state__in=DocumentVersion.OPEN_STATES, lease_token=None)
    if waiting.filter(enqueued_at__gt=Now() - timedelta(seconds=WAITING_SECONDS)).exists():
        return True
    return waiting.exists() and not ingest_queue_is_empty()


def _dimensions_ensure(profile: IndexProfile) -> None:
    """Find out how long the model's vectors are, where nobody said."""
    if profile.dimensions:
        return
    vectors = texts_embed_for(profile, ["dimensions"], is_query=False, purpose="index", reference_id=profile.pk)
    profile.dimensions = len(vectors[0])
    profile_lease_hold(profile, dimensions=profile.dimensions)


def _slice(profile: IndexProfile) -> Step:
    deadline = monotonic() + SLICE_SECONDS
    for version in _versions(profile):
        if profile.state == IndexProfile.State.BUILDING and live_is_waiting():
            return Step.LATER
        step = _version_step(profile, version, deadline)
        if step is not Step.DONE:
            return step
        if monotonic() > deadline:
            return Step.MORE
    # A build that was made live by force has none yet.
    is_building = profile.state == IndexProfile.State.BUILDING
    return Step.GRAPH if is_building or not graph_stands(profile) else Step.DONE


def _versions(profile: IndexProfile) -> Iterator[DocumentVersion]:
    """What is missing, oldest first; each once, whatever becomes of it."""
    seen: set[UUID] = set()
    while True:
        missing = versions_missing(profile).select_related("document").order_by("pk")
        found = list(missing.exclude(pk__in=seen)[:LOOKED_UP])
        if not found:
            return
        seen = {version.pk for version in found}
        yield from found


def _version_step(profile: IndexProfile, version: DocumentVersion, deadline: float) -> Step:
    """Done when the version came to its end under the profile, or has none any more."""
    row = version_begin(profile=profile, version=version)
    if row is None:
        return Step.DONE
    if row.attempts > ATTEMPTS_MAXIMUM:
        version_give_up(row, detail="Indexing this document broke off several times.")
        return Step.DONE
    if not chunks_write(version=version, profile=profile, deadline=deadline):
        version_progress_note(row, chunk_count=0, embedded_count=0)
        return Step.MORE
    return _version_embed(profile, version, row, deadline)


def _version_embed(profile: IndexProfile, version: DocumentVersion, row: IndexedVersion, deadline: float) -> Step:
    embed = version_embedder(profile, version)
    while True:
        total, done = counts_of(profile=profile, version=version)
        version_progress_note(row, chunk_count=total, embedded_count=done)
        is_withheld = not version_may_be_sent(profile, version)
        if done == total or is_withheld:
            version_finish(row, chunk_count=total, embedded_count=done, is_withheld=is_withheld and done < total)
            return Step.DONE
        now = timezone.now()
        limit = allowance_of(profile, now=now, most=EMBED_BATCH)
        if not limit or not profile_lease_hold(profile):
            return Step.LATER
        if monotonic() > deadline:
            return Step.MORE
        embedded = chunks_embed(version=version, profile=profile, limit=limit, embed=embed)
        profile.paced_at = allowance_used(profile, now=now, count=embedded)
        profile_lease_hold(profile, paced_at=profile.paced_at)


def _embedder_failed(profile: IndexProfile, error: ProviderError) -> Step:
    logger.warning(
        "The embedder of an index does not answer",
        extra={"action": "index_build_waits", "profile_id": str(profile.pk), "code": error.code},
    )
    detail = f"{profile.embedder}: {error.title}"[:500]
    is_over = profile.state == IndexProfile.State.BUILDING and not error.retryable
    values = {"state": IndexProfile.State.FAILED} if is_over else {}
    profile_lease_release(profile, Step.LATER, error_detail=detail, **values)
    return Step.LATER
