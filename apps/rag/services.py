"""Building the index. The version's row in documents is the job; each step may run twice or die anywhere."""

import logging
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.documents.models import DocumentVersion
from apps.documents.services import (
    page_is_wanted,
    version_indexed,
    version_lease_take,
    version_progress,
    version_slice_end,
)
from apps.llm.exceptions import ProviderError
from apps.llm.services import embedding_model_ensure, texts_embed
from apps.rag.chunking import CHUNKER_VERSION
from apps.rag.models import Chunk, IndexProfile
from apps.rag.profiles.embedding import version_embedder, version_may_be_sent
from apps.rag.profiles.graphs import graph_create
from apps.rag.profiles.prefixes import Known, known_of
from apps.rag.profiles.tasks import step_enqueue
from apps.rag.profiles.versions import version_indexed_note
from apps.rag.selectors import profile_live
from apps.rag.statistics import statistics_rebuild
from apps.rag.writing import chunks_embed, chunks_write, superseded_delete

__all__ = ["document_index_step", "index_profile_ensure", "statistics_rebuild"]

logger = logging.getLogger(__name__)

# A worker takes another document between slices, so that a long one does not keep the short ones waiting.
SLICE_SECONDS = 8
# Passages between two looks at the clock and the lease: one or two seconds of work on two cores.
EMBED_BATCH = 16


def index_profile_ensure() -> IndexProfile:
    """The live profile, made for settings.EMBEDDING_MODEL with its HNSW index if there is none.

    An existing one stays, whatever the settings say now: its vectors were made by its own embedder.
    """
    profile = profile_live()
    if profile is not None:
        return profile
    embedder, provider = settings.EMBEDDING_MODEL, settings.EMBEDDING_PROVIDER
    known = known_of(embedder)
    dimensions = known.dimensions or len(texts_embed(texts=["dimensions"], model=embedder, provider=provider)[0])
    try:
        return _index_profile_create(embedder, provider, dimensions, known)
    except IntegrityError:
        # Another worker was first.
        return IndexProfile.objects.get(state=IndexProfile.State.LIVE)


@transaction.atomic
def _index_profile_create(embedder: str, provider: str, dimensions: int, known: Known) -> IndexProfile:
    profile = IndexProfile.objects.create(
        embedder=embedder,
        provider=provider,
        dimensions=dimensions,
        chunker_version=CHUNKER_VERSION,
        query_prefix=known.query,
        document_prefix=known.document,
        state=IndexProfile.State.LIVE,
        live_at=timezone.now(),
    )
    embedding_model_ensure(provider=provider, model=embedder)
    # Nothing stands under the new profile yet, so this takes no time and need not be concurrent.
    graph_create(profile)
    return profile


def document_index_step(*, version_id: UUID) -> bool:
    """Index the version for one slice of time. True: work is left, call again; False: done, failed or not ours.

    All passages come first, so that keyword search finds them at once; then their vectors. If the embedder does not
    answer, the version waits for the reconciler to bring it in again: the fault is not the document's.
    """
    token = version_lease_take(version_id=version_id, stage=DocumentVersion.Stage.INDEX)
    if token is None:
        return False
    version = DocumentVersion.objects.select_related("document").filter(pk=version_id).first()
    if version is None:
        return False
    try:
        return _index_slice(version, token)
    except ProviderError as error:
        logger.warning(
            "The embedder does not answer; the version waits",
            extra={"action": "index_waits", "version_id": str(version_id), "code": error.code},
        )
        version_slice_end(version_id=version_id, token=token)
        return False


def _index_slice(version: DocumentVersion, token: UUID) -> bool:
    deadline = monotonic() + SLICE_SECONDS
    profile = index_profile_ensure()
    if not chunks_write(version=version, profile=profile, deadline=deadline):
        return version_slice_end(version_id=version.pk, token=token)
    chunks = Chunk.objects.filter(profile=profile, version=version)
    total, done = chunks.count(), chunks.filter(embedding__isnull=False).count()
    embed = version_embedder(profile, version)
    while version_progress(version_id=version.pk, token=token, share=done / max(total, 1), chunk_count=total):
        if monotonic() > deadline or page_is_wanted():
            return version_slice_end(version_id=version.pk, token=token)
        # What the model may not see is found by its words alone.
        is_withheld = not version_may_be_sent(profile, version)
        embedded = 0 if is_withheld else chunks_embed(version=version, profile=profile, limit=EMBED_BATCH, embed=embed)
        if not embedded:
            superseded_delete(version=version)
            if version_indexed(version_id=version.pk, token=token, chunk_count=total):
                version_indexed_note(profile=profile, version=version, is_withheld=is_withheld and done < total)
                _others_wake()
            return False
        done += embedded
    return False


def _others_wake() -> None:
    """Have the profiles that could become live at any time take the document up, too."""
    others = IndexProfile.objects.filter(state__in=[IndexProfile.State.READY, IndexProfile.State.RETIRED])
    for profile_id in others.values_list("pk", flat=True):
        step_enqueue(profile_id)
