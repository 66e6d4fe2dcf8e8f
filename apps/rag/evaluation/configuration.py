"""What a run tries, as its row stores it and as the search gets it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from apps.rag.evaluation.types import Configuration
from apps.rag.types import SearchMode, SearchQuery, SearchTuning

# Enough for recall@20 over documents where several passages of one are found.
LIMIT = 40


def configuration_write(configuration: Configuration) -> dict[str, Any]:
    """What is set, as EvaluationRun.configuration stores it."""
    plain = {name: value for name, value in asdict(configuration).items() if value is not None}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in plain.items()}


def configuration_read(stored: Mapping[str, Any]) -> Configuration:
    """Back from `configuration_write`; other keys of the row are left out."""
    fields = {name: stored[name] for name in Configuration.__dataclass_fields__ if name in stored}
    if "model_id" in fields:
        fields["model_id"] = UUID(fields["model_id"])
    return Configuration(**{**fields, "mode": SearchMode(fields.get("mode", SearchMode.HYBRID))})


def query_of(
    *, text: str, workspace_id: UUID, collection_id: UUID, configuration: Configuration, profile_id: UUID | None
) -> SearchQuery:
    """The search for a golden question. `profile_id` None: the live index."""
    return SearchQuery(
        text=text,
        workspace_id=workspace_id,
        limit=LIMIT,
        mode=configuration.mode,
        rerank=configuration.rerank,
        collection_ids=(collection_id,),
        tuning=SearchTuning(
            dense_share=configuration.dense_share,
            candidates=configuration.candidates,
            rerank_depth=configuration.rerank_depth,
            rerank_share=configuration.rerank_share,
            profile_id=profile_id,
        ),
    )


def configuration_said(configuration: Configuration) -> str:
    """In a few words for people."""
    words = [configuration.mode.value]
    if configuration.rerank is not None:
        words.append("reranked" if configuration.rerank else "not reranked")
    for name in ("dense_share", "candidates", "rerank_depth", "rerank_share"):
        value = getattr(configuration, name)
        if value is not None:
            words.append(f"{name.replace('_', ' ')} {value:g}")
    return ", ".join(words)
