"""When a model reads whole documents instead of passages, and how much of them it can read in bearable time."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from django.conf import settings
from django.db.models import F

from apps.accounts.models import User
from apps.conversations.replies.prompting import tokens_estimate
from apps.llm.models import Inference, ModelProfile
from apps.rag.questions.whole import TextSize, passages_in_order, text_sizes
from apps.rag.types import Passage, SearchQuery

# More documents than this are a collection: to be searched, not read.
DOCUMENTS_MAXIMUM = 5
# Markers have two digits, so that a passage beyond could not be cited.
PASSAGES_MAXIMUM = 99
# How long a person waits for the first word. Whoever asks for all of something knows that it has to be read.
LOOKUP_SECONDS = 10.0
AGGREGATE_SECONDS = 20.0
# What a local model reads per second where nothing is known of it: a small one on two cores.
TOKENS_PER_SECOND = 200.0
# Calls from which the speed is taken. Short prompts say little: starting takes its time, too.
_CALLS = 20
_CALL_TOKENS = 400
# The rest of the context is for the question, the conversation and the answer.
_CONTEXT_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeText:
    """`passages`: all of the documents in reading order; empty where they are too many, too long or none.

    `names`: the documents, where they are few.
    """

    passages: Sequence[Passage] = ()
    names: Sequence[str] = ()


def whole_text(*, user: User, query: SearchQuery, profile: ModelProfile, seconds: float) -> WholeText:
    """The whole text of the query's scope if the model can read it in time. Up to seven queries."""
    budget = tokens_readable(profile, seconds=seconds)
    sizes = text_sizes(user=user, query=query, maximum=DOCUMENTS_MAXIMUM) if budget else None
    if not sizes:
        return WholeText()
    names = tuple(size.filename for size in sizes)
    passages = passages_in_order(user=user, sizes=sizes) if _can_fit(sizes, budget) else []
    if sum(tokens_estimate(passage.text) for passage in passages) > budget:
        passages = []
    return WholeText(passages=passages, names=names)


def tokens_readable(profile: ModelProfile, *, seconds: float) -> int:
    """How many tokens of documents the model can take: by its context, the setting and the time it needs."""
    room = min(int(profile.context_tokens * _CONTEXT_SHARE), settings.WHOLE_DOCUMENT_TOKENS)
    return min(room, int(_tokens_per_second(profile) * seconds)) if profile.is_local else room


def _tokens_per_second(profile: ModelProfile) -> float:
    """How fast the model has lately read long prompts. One query."""
    calls = (
        Inference.objects.filter(
            profile=profile,
            state=Inference.State.OK,
            prompt_tokens__gte=_CALL_TOKENS,
            first_token_seconds__gt=0,
        )
        .order_by("-pk")
        .values_list(F("prompt_tokens") / F("first_token_seconds"), flat=True)[:_CALLS]
    )
    return float(median(calls or [TOKENS_PER_SECOND]))


def _can_fit(sizes: Sequence[TextSize], budget: int) -> bool:
    """Whether it is worth reading the texts: a token is hardly ever longer than six characters."""
    passages = sum(size.passages for size in sizes)
    characters = sum(size.characters for size in sizes)
    return 0 < passages <= PASSAGES_MAXIMUM and characters <= budget * 6
