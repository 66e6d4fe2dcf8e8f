"""Which models a person may use, and whether they answer."""

from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.accounts.models import User
from apps.llm import registry
from apps.llm.exceptions import NoModelError
from apps.llm.models import ModelProfile
from chatbot.lib.errors import NotFoundError

_LEVELS = [
    ModelProfile.Classification.PUBLIC,
    ModelProfile.Classification.INTERNAL,
    ModelProfile.Classification.CONFIDENTIAL,
]


def models_offered() -> QuerySet[ModelProfile]:
    """Chat models that are enabled and served: the default first, then local ones, then by title."""
    return ModelProfile.objects.filter(is_enabled=True, is_served=True, abilities__contains=["chat"]).order_by(
        "-is_default", "-is_local", "title", "pk"
    )


@cache
def _models_offered_sql() -> tuple[str, tuple[Any, ...]]:
    return models_offered().query.sql_with_params()


def model_offered(model_id: UUID | None) -> ModelProfile | None:
    """The offered model with this key, for None the default; None if there is none.

    For callers who know that the person is active and in a workspace. One query, compiled once: it is in the way of
    every question.
    """
    offered = ModelProfile.objects.raw(*_models_offered_sql())
    return next((profile for profile in offered if model_id in (None, profile.pk)), None)


def models_available_to(*, user: User) -> QuerySet[ModelProfile]:
    """The chat models this person may use: all that are offered, for whoever is active and in a workspace or above."""
    if not user.is_active or not (user.is_super_admin or user.memberships.exists()):
        return ModelProfile.objects.none()
    return models_offered()


def model_require(*, user: User, model_id: UUID) -> ModelProfile:
    """The model, if this person may use it. Raises NotFoundError."""
    profile = models_available_to(user=user).filter(pk=model_id).first()
    if profile is None:
        raise NotFoundError
    return profile


def model_default(*, user: User) -> ModelProfile:
    """The default model, else the first that this person may use. Raises NoModelError if there is none."""
    profile = models_available_to(user=user).first()
    if profile is None:
        raise NoModelError
    return profile


def classifications_open_to(*, provider: str, model: str) -> list[str]:
    """Of which classifications texts may be sent to this embedding model. At most one query.

    All to what runs on this machine or network; public ones to a remote one that no administrator trusts with more.
    """
    if registry.provider_is_local(provider):
        return list(_LEVELS)
    row = ModelProfile.objects.filter(endpoint=provider, name=model).values_list("classification", flat=True).first()
    highest = ModelProfile.Classification(row) if row else ModelProfile.Classification.PUBLIC
    return list(_LEVELS[: _LEVELS.index(highest) + 1])


def fallbacks_of(profile: ModelProfile, *, longer_than: int = 0) -> list[ModelProfile]:
    """Models that may answer instead, local ones first.

    Each is trusted with at least the classification that `profile` is, so that a fallback never sends texts further
    than the person's choice did. `longer_than`: context in tokens that it must exceed.
    """
    trusted = _LEVELS[_LEVELS.index(ModelProfile.Classification(profile.classification)) :]
    others = models_offered().exclude(pk=profile.pk).filter(classification__in=trusted, context_tokens__gt=longer_than)
    return list(others.order_by("-is_local", _endpoint_of(profile), "-is_default", "title"))


def _endpoint_of(profile: ModelProfile) -> Case:
    """Another server first: where one model failed, its neighbours often fail too."""
    return Case(When(endpoint=profile.endpoint, then=Value(1)), default=Value(0), output_field=IntegerField())
