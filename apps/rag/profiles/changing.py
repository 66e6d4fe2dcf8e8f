"""What people ask of builds: begin one, pause it, go on with it, change its pace."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import permission_require
from apps.audit.actions import INDEX_BUILD_STARTED, INDEX_CHANGED
from apps.audit.services import event_record
from apps.llm import registry
from apps.llm.services import embedding_model_ensure
from apps.rag.chunking import CHUNKER_VERSION
from apps.rag.exceptions import IndexStateError
from apps.rag.models import IndexedVersion, IndexProfile
from apps.rag.profiles import tasks
from apps.rag.profiles.prefixes import known_of
from apps.rag.selectors import profile_live
from chatbot.lib.errors import NotFoundError, ValidationFailedError

_State = IndexProfile.State
# Vectors longer than this are of no use to anybody, and pgvector stores no longer ones.
DIMENSIONS_MAXIMUM = 16_000
NAME_LENGTH = 100
CHUNK_TOKENS_MINIMUM, CHUNK_TOKENS_MAXIMUM = 40, 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWish:
    """What to build. Prefixes None: what is known of the model. `dimensions` None: as long as the model's vectors are.

    `chunking`: tokens by `minimum`, `ideal`, `maximum`; what is missing follows from the ideal, without that the
    chunker's own.
    """

    name: str
    embedder: str
    provider: str = IndexProfile.Provider.ONNX
    dimensions: int | None = None
    query_prefix: str | None = None
    document_prefix: str | None = None
    vector_type: str = IndexProfile.VectorType.HALFVEC
    chunks_per_minute: int | None = None
    chunking: dict[str, int] = field(default_factory=dict)

    @classmethod
    def like_live(cls, *, embedder: str | None, provider: str | None, **wanted: Any) -> Self:
        """With the live profile's model and prefixes where no model is named; the settings' where none is live."""
        live = None if embedder else profile_live()
        if live is not None:
            kept = {name: getattr(live, name) for name in ("query_prefix", "document_prefix")}
            wanted |= {name: value for name, value in kept.items() if wanted.get(name) is None}
        return cls(
            embedder=embedder or (live.embedder if live else settings.EMBEDDING_MODEL),
            provider=provider or (live.provider if live else settings.EMBEDDING_PROVIDER),
            **wanted,
        )


def index_build(*, actor: User | None, wish: BuildWish, actor_label: str = "") -> IndexProfile:
    """Begin a build beside the live profile. `actor` None: an operator at the server, named by `actor_label`.

    Raises ValidationFailedError, and what `permission_require` raises.
    """
    if actor is not None:
        permission_require(user=actor, workspace_id=None, permission="index_manage")
    _wish_check(wish)
    known = known_of(wish.embedder)
    profile = IndexProfile(
        name=wish.name,
        provider=wish.provider,
        embedder=wish.embedder,
        dimensions=wish.dimensions or 0,
        vector_type=wish.vector_type,
        chunker_version=CHUNKER_VERSION,
        chunking=chunking_of(wish.chunking),
        query_prefix=known.query if wish.query_prefix is None else wish.query_prefix,
        document_prefix=known.document if wish.document_prefix is None else wish.document_prefix,
        chunks_per_minute=wish.chunks_per_minute,
        created_by=actor,
    )
    try:
        _profile_create(profile, actor, actor_label)
    except IntegrityError as error:
        raise ValidationFailedError(errors={"name": "Another index has this name."}) from error
    return profile


@transaction.atomic
def _profile_create(profile: IndexProfile, actor: User | None, actor_label: str) -> None:
    profile.save()
    embedding_model_ensure(provider=profile.provider, model=profile.embedder)
    event_record(
        action=INDEX_BUILD_STARTED,
        actor=actor,
        actor_label=actor_label,
        workspace_id=None,
        target=profile,
        data={
            "provider": profile.provider,
            "dimensions": profile.dimensions,
            "chunks_per_minute": profile.chunks_per_minute or 0,
        },
    )
    transaction.on_commit(partial(tasks.step_enqueue, profile.pk))


def chunking_of(sizes: dict[str, int]) -> dict[str, int]:
    """All three sizes; from the ideal alone the others follow in the chunker's own proportions. Empty stays empty.

    Raises ValidationFailedError for what makes no sense.
    """
    if not sizes:
        return {}
    ideal = sizes.get("ideal") or sizes.get("maximum") or sizes.get("minimum") or 0
    whole = {"minimum": sizes.get("minimum") or ideal // 2, "ideal": ideal}
    whole["maximum"] = sizes.get("maximum") or ideal + max(1, ideal // 6)
    if not CHUNK_TOKENS_MINIMUM <= whole["ideal"] <= CHUNK_TOKENS_MAXIMUM:
        raise ValidationFailedError(
            errors={"chunk_ideal": f"Between {CHUNK_TOKENS_MINIMUM} and {CHUNK_TOKENS_MAXIMUM} tokens."}
        )
    if not 1 <= whole["minimum"] <= whole["ideal"] <= whole["maximum"] <= CHUNK_TOKENS_MAXIMUM * 2:
        raise ValidationFailedError(errors={"chunk_ideal": "The smallest size comes first, the largest last."})
    return whole


def _wish_check(wish: BuildWish) -> None:
    errors = {}
    if not wish.name.strip() or len(wish.name) > NAME_LENGTH:
        errors["name"] = f"Give it a name of up to {NAME_LENGTH} characters."
    if not wish.embedder.strip():
        errors["embedder"] = "Name the embedding model."
    if wish.provider not in IndexProfile.Provider.values:
        errors["provider"] = f"One of {', '.join(IndexProfile.Provider.values)}."
    elif wish.provider in registry.ENDPOINT_NAMES and wish.provider not in registry.endpoints():
        errors["provider"] = "This endpoint is not switched on. The operations guide says how."
    if wish.dimensions is not None and not 1 <= wish.dimensions <= DIMENSIONS_MAXIMUM:
        errors["dimensions"] = f"Between 1 and {DIMENSIONS_MAXIMUM}."
    if wish.chunks_per_minute is not None and wish.chunks_per_minute < 1:
        errors["chunks_per_minute"] = "At least 1."
    if errors:
        raise ValidationFailedError(errors=errors)


@transaction.atomic
def index_pause(*, actor: User | None, profile_id: UUID, actor_label: str = "") -> IndexProfile:
    """Let the build stand still; a worker stops after the passages it has in hand. Raises IndexStateError."""
    profile = profile_locked(actor=actor, profile_id=profile_id)
    if profile.state != _State.BUILDING:
        raise IndexStateError("Only an index that is being built can be paused.")
    return _changed(profile, actor, actor_label, "pause", state=_State.PAUSED, lease_token=None, lease_expires_at=None)


@transaction.atomic
def index_resume(*, actor: User | None, profile_id: UUID, actor_label: str = "") -> IndexProfile:
    """Go on with a paused or failed build; documents that failed are tried again. Raises IndexStateError."""
    profile = profile_locked(actor=actor, profile_id=profile_id)
    if profile.state not in {_State.PAUSED, _State.FAILED}:
        raise IndexStateError("Only an index that is paused or failed can go on.")
    IndexedVersion.objects.filter(profile=profile, state=IndexedVersion.State.FAILED).delete()
    transaction.on_commit(partial(tasks.step_enqueue, profile.pk))
    return _changed(profile, actor, actor_label, "resume", state=_State.BUILDING, error_detail="", enqueued_at=None)


@transaction.atomic
def index_pace(
    *, actor: User | None, profile_id: UUID, chunks_per_minute: int | None, actor_label: str = ""
) -> IndexProfile:
    """Change how many passages a minute may be embedded; None: as many as it can."""
    profile = profile_locked(actor=actor, profile_id=profile_id)
    if chunks_per_minute is not None and chunks_per_minute < 1:
        raise ValidationFailedError(errors={"chunks_per_minute": "At least 1."})
    return _changed(profile, actor, actor_label, "pace", chunks_per_minute=chunks_per_minute, paced_at=None)


def profile_locked(*, actor: User | None, profile_id: UUID) -> IndexProfile:
    """The profile, locked until the transaction's end, if the actor may change it. Raises NotFoundError."""
    if actor is not None:
        permission_require(user=actor, workspace_id=None, permission="index_manage")
    profile = IndexProfile.objects.select_for_update(no_key=True).filter(pk=profile_id).first()
    if profile is None:
        raise NotFoundError
    return profile


def _changed(
    profile: IndexProfile, actor: User | None, actor_label: str, change: str, **values: object
) -> IndexProfile:
    for name, value in values.items():
        setattr(profile, name, value)
    profile.save(update_fields=list(values))
    event_record(
        action=INDEX_CHANGED,
        actor=actor,
        actor_label=actor_label,
        workspace_id=None,
        target=profile,
        data={"change": change},
    )
    return profile
