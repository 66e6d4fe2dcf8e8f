"""Brings the model profiles in line with the settings and with what the servers have."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from apps.llm import registry, selectors
from apps.llm.exceptions import ProviderError
from apps.llm.models import ModelProfile
from apps.llm.registry import Endpoint
from apps.llm.types import ServedModel

logger = logging.getLogger(__name__)

CONTEXT_TOKENS_UNKNOWN = 8192
# Ollama reserves memory for the context that is asked for; what a model could take is too much for most machines.
CONTEXT_TOKENS_OLLAMA = 8192
WAIT_STEP_SECONDS = 0.25
# Any number, the same in every process: two of them at once would both choose a default.
LOCK_KEY = 7_041_001


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """`served`: names of the models that are there. `silent`: endpoints without an answer; theirs stay as they were."""

    served: tuple[str, ...]
    silent: tuple[str, ...]
    default: str | None


def models_sync(*, wait_seconds: float = 0) -> SyncResult:
    """Make the profiles what the settings and the servers say. Doing it twice changes nothing.

    A server that does not answer changes nothing either; the embedded one, which loads its model while the rest starts,
    is waited for up to `wait_seconds` if none of its models is known yet. Profiles of endpoints that are off, and
    models gone from their server, are not offered any more. What administrators set (title, price, classification,
    enabled, default) is kept.
    """
    endpoints = registry.endpoints()
    found: dict[str, Sequence[ServedModel]] = {"onnx": _models_in_store()}
    for endpoint in endpoints.values():
        is_awaited = endpoint.name == "embedded" and not _has_profiles(endpoint)
        served = _models_of(endpoint, wait_seconds if is_awaited else 0)
        if served is not None:
            found[endpoint.name] = served
    silent = tuple(name for name in endpoints if name not in found)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        _profiles_write(endpoints, found)
        ModelProfile.objects.exclude(endpoint__in=[*endpoints, "onnx", "sentence_transformers"]).update(is_served=False)
        default = _default_choose()
    names = tuple(model.name for models in found.values() for model in models)
    return SyncResult(served=names, silent=silent, default=default.name if default else None)


def _models_in_store() -> list[ServedModel]:
    wanted = {settings.EMBEDDING_MODEL: "embed", settings.RERANKER_MODEL: "rerank"}
    return [
        ServedModel(name=name, context_tokens=512, abilities=(ability,))
        for name, ability in wanted.items()
        if (Path(settings.MODEL_DIR) / name / "model.onnx").is_file()
    ]


def _has_profiles(endpoint: Endpoint) -> bool:
    return ModelProfile.objects.filter(endpoint=endpoint.name, is_served=True).exists()


def _models_of(endpoint: Endpoint, wait_seconds: float) -> Sequence[ServedModel] | None:
    """What the endpoint has; None if it does not answer."""
    lister = registry.model_lister(endpoint)
    if lister is None:
        return [ServedModel(name=name) for name in endpoint.models]
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            served = lister.models_served()
            break
        except ProviderError as error:
            if not error.retryable or time.monotonic() > deadline:
                logger.warning("The model endpoint %s gave no list: %s", endpoint.name, error.code)
                return None
        time.sleep(WAIT_STEP_SECONDS)
    return [model for model in served if model.name in endpoint.models] if endpoint.models else served


def _profiles_write(endpoints: Mapping[str, Endpoint], found: Mapping[str, Sequence[ServedModel]]) -> None:
    for name, models in found.items():
        is_local = name == "onnx" or endpoints[name].is_local
        for model in models:
            _profile_write(name, model, is_local=is_local)
        gone = ModelProfile.objects.filter(endpoint=name).exclude(name__in=[model.name for model in models])
        gone.update(is_served=False)


def _profile_write(endpoint: str, model: ServedModel, *, is_local: bool) -> None:
    # Remote models see public texts only, until an administrator trusts them with more.
    classification = ModelProfile.Classification.CONFIDENTIAL if is_local else ModelProfile.Classification.PUBLIC
    profile, is_new = ModelProfile.objects.get_or_create(
        endpoint=endpoint,
        name=model.name,
        defaults={
            "title": model.name,
            "abilities": list(model.abilities),
            "context_tokens": _context_of(endpoint, model, None),
            "classification": classification,
            "is_local": is_local,
            "is_small": endpoint == "embedded",
        },
    )
    if is_new:
        return
    facts = {
        "abilities": list(model.abilities),
        "context_tokens": _context_of(endpoint, model, profile.context_tokens),
        "is_local": is_local,
        "is_served": True,
    }
    if any(getattr(profile, name) != value for name, value in facts.items()):
        ModelProfile.objects.filter(pk=profile.pk).update(**facts)


def _context_of(endpoint: str, model: ServedModel, known: int | None) -> int:
    """The server's word where it has one. With Ollama the product chooses, up to what the model can."""
    if endpoint == "ollama":
        wanted = known or CONTEXT_TOKENS_OLLAMA
        return min(wanted, model.context_tokens) if model.context_tokens else wanted
    return model.context_tokens or known or CONTEXT_TOKENS_UNKNOWN


def _default_choose() -> ModelProfile | None:
    """The settings' model; else the present default while it is offered; else the first of the preferred endpoints."""
    offered = list(selectors.models_offered())
    preference = {name: position for position, name in enumerate(registry.ENDPOINT_NAMES)}
    offered.sort(key=lambda profile: (not profile.is_default, preference.get(profile.endpoint, len(preference))))
    wanted = settings.DEFAULT_MODEL
    named = [profile for profile in offered if wanted in {profile.name, f"{profile.endpoint}:{profile.name}"}]
    if wanted and not named:
        logger.warning("CHATBOT_DEFAULT_MODEL names %s, which no endpoint offers", wanted)
    chosen = next(iter(named or offered), None)
    if chosen is None or not chosen.is_default:
        ModelProfile.objects.filter(is_default=True).update(is_default=False)
    if chosen and not chosen.is_default:
        chosen.is_default = True
        chosen.save(update_fields=["is_default"])
    return chosen
