"""Building the index. The version's row in documents is the job; each step may run twice or die anywhere."""

import logging
from functools import partial
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from apps.documents.models import DocumentVersion
from apps.documents.services import (
    page_is_wanted,
    version_indexed,
    version_lease_take,
    version_progress,
    version_slice_end,
)
from apps.llm.exceptions import ProviderError
from apps.llm.services import texts_embed
from apps.rag.chunking import CHUNKER_VERSION
from apps.rag.models import Chunk, IndexProfile
from apps.rag.selectors import profile_live
from apps.rag.statistics import statistics_rebuild
from apps.rag.writing import chunks_embed, chunks_write, superseded_delete

__all__ = ["document_index_step", "index_profile_ensure", "statistics_rebuild"]

logger = logging.getLogger(__name__)

# A worker takes another document between slices, so that a long one does not keep the short ones waiting.
SLICE_SECONDS = 8
# Passages between two looks at the clock and the lease: one or two seconds of work on two cores.
EMBED_BATCH = 16
# What the embedder wants before a question; passages go in as they are. Other models are measured when first used.
QUERY_PREFIXES = {"bge-small-en-v1.5": "Represent this sentence for searching relevant passages: "}
DIMENSIONS = {"bge-small-en-v1.5": 384}


def index_profile_ensure() -> IndexProfile:
    """The live profile, made for settings.EMBEDDING_MODEL with its HNSW index if there is none.

    An existing one stays, whatever the settings say now: its vectors were made by its own embedder.
    """
    profile = profile_live()
    if profile is not None:
        return profile
    embedder = settings.EMBEDDING_MODEL
    dimensions = DIMENSIONS.get(embedder) or len(texts_embed(texts=["dimensions"], model=embedder)[0])
    try:
        return _index_profile_create(embedder, dimensions)
    except IntegrityError:
        # Another worker was first.
        return IndexProfile.objects.get(state=IndexProfile.State.LIVE)


@transaction.atomic
def _index_profile_create(embedder: str, dimensions: int) -> IndexProfile:
    profile = IndexProfile.objects.create(
        embedder=embedder,
        dimensions=dimensions,
        chunker_version=CHUNKER_VERSION,
        query_prefix=QUERY_PREFIXES.get(embedder, ""),
        state=IndexProfile.State.LIVE,
    )
    with connection.cursor() as cursor:
        # Nothing stands under the new profile yet, so this takes no time and need not be concurrent.
        cursor.execute(
            f"CREATE INDEX chunk_nearest_{profile.pk.hex} ON rag_chunk "
            f"USING hnsw ((embedding::vector({profile.dimensions:d})) vector_cosine_ops) "
            f"WHERE profile_id = '{profile.pk}'"
        )
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
    embed = partial(_texts_embed, model=profile.embedder, workspace_id=version.workspace_id, reference_id=version.pk)
    while version_progress(version_id=version.pk, token=token, share=done / max(total, 1), chunk_count=total):
        if monotonic() > deadline or page_is_wanted():
            return version_slice_end(version_id=version.pk, token=token)
        embedded = chunks_embed(version=version, profile=profile, limit=EMBED_BATCH, embed=embed)
        if not embedded:
            superseded_delete(version=version)
            version_indexed(version_id=version.pk, token=token, chunk_count=total)
            return False
        done += embedded
    return False


def _texts_embed(texts: list[str], *, model: str, workspace_id: UUID, reference_id: UUID) -> list[list[float]]:
    return texts_embed(texts=texts, model=model, purpose="index", workspace_id=workspace_id, reference_id=reference_id)
