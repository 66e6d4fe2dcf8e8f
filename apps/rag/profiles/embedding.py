"""Vectors as a profile wants them: its model, its prefixes, its number of dimensions."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django.conf import settings

from apps.documents.models import Collection, DocumentVersion
from apps.llm import registry
from apps.llm.exceptions import ProviderError
from apps.llm.selectors import classifications_open_to
from apps.llm.services import texts_embed
from apps.llm.vectors import vectors_fit
from apps.rag.models import IndexProfile

# A text that a model refuses as too long is cut to this part of its length, and again, down to so many characters.
SHORTENED = 0.7
SHORTEST_CHARACTERS = 200


def texts_embed_for(
    profile: IndexProfile,
    texts: Sequence[str],
    *,
    is_query: bool,
    purpose: str = "embed",
    workspace_id: UUID | None = None,
    user_id: UUID | None = None,
    reference_id: UUID | None = None,
) -> list[list[float]]:
    """One unit vector per text, in order, of the profile's dimensions; its prefix is put before each text here.

    What the model refuses as too long is embedded by its beginning. For workers only. Raises ProviderError.
    """

    def embedded(batch: list[str]) -> list[list[float]]:
        try:
            return texts_embed(
                texts=batch,
                model=profile.embedder,
                provider=profile.provider,
                dimensions=profile.dimensions or None,
                is_query=is_query,
                purpose=purpose,
                workspace_id=workspace_id,
                user_id=user_id,
                reference_id=reference_id,
            )
        except ProviderError as error:
            if error.code != "context_too_long":
                raise
            if len(batch) > 1:
                return [vector for text in batch for vector in embedded([text])]
            shorter = batch[0][: int(len(batch[0]) * SHORTENED)]
            if len(shorter) < SHORTEST_CHARACTERS:
                raise
            return embedded([shorter])

    prefix = profile.query_prefix if is_query else profile.document_prefix
    vectors = embedded([prefix + text for text in texts]) if texts else []
    return vectors_fit(vectors, count=len(texts), dimensions=profile.dimensions or None)


def version_embedder(profile: IndexProfile, version: DocumentVersion) -> Callable[[list[str]], list[list[float]]]:
    """What embeds passages of the version, as `texts_embed_for`, and names it in the ledger."""
    return partial(
        texts_embed_for,
        profile,
        is_query=False,
        purpose="index",
        workspace_id=version.workspace_id,
        reference_id=version.pk,
    )


def version_may_be_sent(profile: IndexProfile, version: DocumentVersion) -> bool:
    """Whether the profile's model may see the document, by its collection as it stands now. At most two queries.

    A document of no collection is treated as internal, which is what collections are unless somebody says otherwise.
    """
    if registry.provider_is_local(profile.provider):
        return True
    classification = (
        Collection.objects.filter(documents=version.document_id).values_list("classification", flat=True).first()
    )
    return (classification or Collection.Classification.INTERNAL) in classifications_open_to(
        provider=profile.provider, model=profile.embedder
    )


def profile_queue(profile_id: UUID) -> str | None:
    """As `embedding_queue`; None if the profile has gone. One query."""
    provider = IndexProfile.objects.filter(pk=profile_id).values_list("provider", flat=True).first()
    return embedding_queue(provider) if provider else None


def live_queue() -> str:
    """As `embedding_queue`, for the live profile or the one that the settings will make. One query."""
    live = IndexProfile.objects.filter(state=IndexProfile.State.LIVE).values_list("provider", flat=True).first()
    return embedding_queue(live or settings.EMBEDDING_PROVIDER)


def embedding_queue(provider: str) -> str:
    """Which workers embed with this provider.

    The ingest worker may reach nothing outside itself and lets go of its memory after each slice: right for the small
    model that comes with the product, wrong for servers and for weights that take half a minute to load.
    """
    match provider:
        case "onnx":
            return "ingest"
        case "sentence_transformers":
            return "gpu"
        case _:
            return "inference"
