"""What a reply needs before the model is asked: the question, its history, passages, the prompt."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from apps.accounts.models import User
from apps.conversations.leases import Lease
from apps.conversations.models import Message
from apps.conversations.replies.choosing import Choice, Circumstances, Course, choice_make
from apps.conversations.replies.defusing import passage_defused
from apps.conversations.replies.prompting import passages_budget, prompt_build
from apps.conversations.replies.retrieval import Retrieved, passages_retrieve
from apps.conversations.replies.wording import is_own, own_notice
from apps.conversations.selectors import turns_to
from apps.conversations.tracing import ReplyTrace
from apps.conversations.types import Turn
from apps.llm.exceptions import ProviderError
from apps.llm.models import ModelProfile
from apps.llm.types import ChatMessage, ChatParams
from apps.rag.surroundings import surroundings_of
from apps.rag.types import Passage
from chatbot.lib.errors import NotFoundError

_PROFILE_SQL = "SELECT * FROM llm_modelprofile WHERE id = %s"
# More turns than fit into most contexts; the prompt is cut to its budget anyway.
HISTORY_MESSAGES = 60
# A file name must not format the notice.
_MARKDOWN = str.maketrans(dict.fromkeys("*_`[]<>\\|\r\n", " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything for the model. `question`: standing alone. `asked`: as the person wrote it.

    `notice`: what people read before the answer. `passages`: those in the prompt, in its numbering. `choice`: whether
    the model is asked at all, and why. `owner`: whose documents were searched, None where none were.
    """

    profile: ModelProfile
    owner: User | None
    question: str
    asked: str
    messages: Sequence[ChatMessage]
    params: ChatParams
    passages: Sequence[Passage]
    notice: str
    choice: Choice


def work_prepare(lease: Lease, *, turns: Sequence[Turn] | None = None) -> Work:
    """Two queries, and those of the search where the reply uses documents. May run the reranker.

    `turns`: the question, last, after what came before it; None: as they are stored.
    Raises ProviderError when the model is gone, NotFoundError when the question is.
    """
    # As raw statements these two take a fifth of the time, and every first token waits for them.
    profile = next(iter(ModelProfile.objects.raw(_PROFILE_SQL, [lease.model_id])), None)
    if profile is None:
        raise ProviderError("model_missing")
    turns = turns_to(lease.parent_id, limit=HISTORY_MESSAGES) if turns is None else turns
    if not turns:
        raise NotFoundError
    *earlier, asked = turns
    history = [ChatMessage(role=_role(turn), content=turn.content) for turn in earlier if turn.content]
    owner = User.objects.filter(pk=lease.owner_id, is_active=True).first() if lease.searches else None
    retrieved = Retrieved()
    if owner is not None:
        retrieved = passages_retrieve(user=owner, lease=lease, question=asked.content, history=history, profile=profile)
    choice = choice_make(
        retrieved=retrieved,
        message=asked.content,
        circumstances=Circumstances(
            is_chosen=bool(lease.document_ids or lease.collection_ids),
            documents_named=len(lease.document_ids),
            continues_own=bool(history) and is_own(history[-1].content),
            is_small=profile.is_small,
            context_tokens=profile.context_tokens,
        ),
    )
    # A small model does not see the earlier turns: a short follow-up must bring what it refers to.
    question = retrieved.question or asked.content
    passages = choice.passages
    if choice.course is Course.DOCUMENTS and retrieved.kind == "search" and not profile.is_small:
        passages = _surrounded(owner, passages, context_tokens=profile.context_tokens)
    params = ChatParams(**lease.params)
    if passages and profile.is_small:
        # Sampling makes a small model say now one thing, now another about the same passage.
        params = params if params.temperature is not None else replace(params, temperature=0.0)
    messages = prompt_build(
        question=question if passages else asked.content,
        history=history,
        passages=passages,
        system_prompt=lease.system_prompt,
        context_tokens=profile.context_tokens,
        max_tokens=params.max_tokens,
        is_small=profile.is_small,
        is_task=choice.is_task,
    )
    return Work(
        profile=profile,
        owner=owner,
        question=question,
        asked=asked.content,
        messages=messages,
        params=params,
        passages=passages,
        notice=_notice(lease, retrieved, choice, asked.content),
        choice=replace(choice, trace=_trace(lease, choice, params)),
    )


def _trace(lease: Lease, choice: Choice, params: ChatParams) -> ReplyTrace | None:
    """With what the model is asked with; also for a reply that was asked for without documents."""
    trace = ReplyTrace(kind="none") if lease.is_plain else choice.trace
    if trace is None:
        return None
    return replace(trace, params={name: value for name, value in asdict(params).items() if value is not None})


def _surrounded(user: User | None, passages: Sequence[Passage], *, context_tokens: int) -> Sequence[Passage]:
    """The passages with the text around them, as far as the prompt has room. Those that meet become one."""
    if user is None or not passages:
        return passages
    budget = passages_budget(context_tokens=context_tokens, is_small=False)
    by_chunk = {passage.chunk_id: passage for passage in passages}
    return [
        replace(
            by_chunk[surrounding.chunk_ids[0]],
            text=passage_defused(surrounding.text),
            page_last=surrounding.page_last,
        )
        for surrounding in surroundings_of(user=user, passages=passages, tokens=budget)
    ] or passages


def _role(turn: Turn) -> Literal["user", "assistant"]:
    return "user" if turn.role == Message.Role.USER else "assistant"


def _notice(lease: Lease, retrieved: Retrieved, choice: Choice, asked: str) -> str:
    """What the person has to know before the answer: what it does not use, and that it is from no document."""
    lines = [_unread_line(retrieved.unread), *(f"*{notice.translate(_MARKDOWN)}*" for notice in retrieved.notices)]
    notice = "".join(f"{line}\n\n" for line in lines if line)
    is_own_knowledge = choice.course is Course.OWN or lease.is_plain
    return f"{own_notice(asked)}{notice}" if is_own_knowledge else notice


def _unread_line(unread: Sequence[str]) -> str:
    """One line about documents that the answer cannot know yet."""
    if not unread:
        return ""
    names = ", ".join(name.translate(_MARKDOWN) for name in unread)
    verb = "is" if len(unread) == 1 else "are"
    return f"*{names} {verb} still being read; this answer does not use {'it' if verb == 'is' else 'them'} yet.*"
