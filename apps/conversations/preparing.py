"""What a reply needs before the model is asked: the question, its history, passages, the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from apps.conversations.leases import Lease
from apps.conversations.models import Message
from apps.conversations.prompting import passages_fitting, prompt_build
from apps.conversations.retrieval import Retrieved, passages_retrieve, search_text
from apps.conversations.selectors import turns_to
from apps.conversations.types import Turn
from apps.llm.exceptions import ProviderError
from apps.llm.models import ModelProfile
from apps.llm.types import ChatMessage, ChatParams
from apps.rag.types import Passage
from chatbot.lib.errors import NotFoundError

_PROFILE_SQL = "SELECT * FROM llm_modelprofile WHERE id = %s"
# More turns than fit into most contexts; the prompt is cut to its budget anyway.
HISTORY_MESSAGES = 60
# A file name must not format the notice.
_MARKDOWN = str.maketrans(dict.fromkeys("*_`[]<>\\|\r\n", " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything for the model. `notice`: what people read before the answer."""

    profile: ModelProfile
    question: str
    messages: Sequence[ChatMessage]
    params: ChatParams
    passages: Sequence[Passage]
    notice: str


def work_prepare(lease: Lease) -> Work:
    """Two queries, and those of the search where the conversation uses documents.

    Raises ProviderError when the model is gone, NotFoundError when the question is.
    """
    # As raw statements these two take a fifth of the time, and every first token waits for them.
    profile = next(iter(ModelProfile.objects.raw(_PROFILE_SQL, [lease.model_id])), None)
    if profile is None:
        raise ProviderError("model_missing")
    turns = turns_to(lease.parent_id, limit=HISTORY_MESSAGES)
    if not turns:
        raise NotFoundError
    *earlier, asked = turns
    history = [ChatMessage(role=_role(turn), content=turn.content) for turn in earlier if turn.content]
    retrieved = Retrieved()
    if lease.searches:
        retrieved = passages_retrieve(lease=lease, question=asked.content, history=history)
    passages = passages_fitting(retrieved.passages, context_tokens=profile.context_tokens)
    params = ChatParams(**lease.params)
    question = asked.content
    if passages and profile.is_small:
        # Without the earlier turns a short follow-up must bring what it refers to.
        question = search_text(question, history)
        # Sampling makes a small model say now one thing, now another about the same passage.
        params = params if params.temperature is not None else replace(params, temperature=0.0)
    messages = prompt_build(
        question=question,
        history=history,
        passages=passages,
        system_prompt=lease.system_prompt,
        context_tokens=profile.context_tokens,
        max_tokens=params.max_tokens,
        is_small=profile.is_small,
    )
    return Work(
        profile=profile,
        question=asked.content,
        messages=messages,
        params=params,
        passages=passages,
        notice=_notice(retrieved.unread),
    )


def _role(turn: Turn) -> Literal["user", "assistant"]:
    return "user" if turn.role == Message.Role.USER else "assistant"


def _notice(unread: Sequence[str]) -> str:
    """One line about documents that the answer cannot know yet."""
    if not unread:
        return ""
    names = ", ".join(name.translate(_MARKDOWN) for name in unread)
    verb = "is" if len(unread) == 1 else "are"
    return f"*{names} {verb} still being read; this answer does not use {'it' if verb == 'is' else 'them'} yet.*\n\n"
