"""Whether models answer: asked of the servers at most every few seconds, by whichever request comes first."""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from apps.llm import registry, selectors
from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference, ModelProfile
from apps.llm.registry import Endpoint
from apps.llm.types import ModelState

ANSWER_VALID_SECONDS = 5.0
# A remote provider is not asked, because asking costs; its last call in this time tells.
LAST_CALL_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    state: ModelState
    names: frozenset[str]
    asked_at: float


_answers: dict[Endpoint, _Answer] = {}
_asking = threading.Lock()


def model_state(profile: ModelProfile) -> ModelState:
    """How the model is now. Blocks for at most the probe's time limit; usually answers from memory."""
    endpoint = registry.endpoints().get(profile.endpoint)
    if endpoint is None or not profile.is_enabled or not profile.is_served:
        return ModelState.OFF
    if not endpoint.is_local or registry.model_lister(endpoint) is None:
        return _state_by_last_call(profile)
    answer = _answer_of(endpoint)
    if answer.state is ModelState.READY and profile.name not in answer.names:
        return ModelState.OFF
    return answer.state


def chat_model_ready() -> bool:
    """Whether at least one offered chat model answers."""
    return any(model_state(profile) is ModelState.READY for profile in selectors.models_offered())


def _state_by_last_call(profile: ModelProfile) -> ModelState:
    since = timezone.now() - LAST_CALL_WITHIN
    last = Inference.objects.filter(profile=profile, created_at__gte=since).order_by("-created_at").first()
    return ModelState.FAILING if last and last.state == Inference.State.FAILED else ModelState.READY


def _answer_of(endpoint: Endpoint) -> _Answer:
    with _asking:
        known = _answers.get(endpoint)
        if known is None or time.monotonic() - known.asked_at > ANSWER_VALID_SECONDS:
            known = _answers[endpoint] = _ask(endpoint)
        return known


def _ask(endpoint: Endpoint) -> _Answer:
    lister = registry.model_lister(endpoint)
    state, names = ModelState.READY, frozenset[str]()
    try:
        names = frozenset(model.name for model in lister.models_served()) if lister else names
    except ProviderError as error:
        state = ModelState.LOADING if error.code == "model_loading" else ModelState.UNREACHABLE
    return _Answer(state=state, names=names, asked_at=time.monotonic())
