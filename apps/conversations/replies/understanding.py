"""What a message asks the documents: without operators, standing alone, and of which kind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from apps.accounts.models import User
from apps.conversations.replies.follow_ups import formulations_carried, needs_conversation, question_carried
from apps.conversations.replies.rewriting import Caller, question_rewritten
from apps.llm.types import ChatMessage
from apps.rag.questions.kinds import QuestionKind, question_kind
from apps.rag.questions.operators import question_parse
from apps.rag.questions.resolving import ResolvedQuestion, question_resolve
from apps.rag.types import SearchQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`question`: without operators, standing alone. `formulations`: what is searched beside it.

    `resolved`: the search without the conversation. `took_ms`: how long the rewriting took, 0 where none was needed.
    """

    question: str
    kind: QuestionKind
    resolved: ResolvedQuestion
    formulations: tuple[str, ...] = ()
    took_ms: float = 0.0


def question_understand(
    *, user: User, query: SearchQuery, history: Sequence[ChatMessage], caller: Caller | None
) -> Understood:
    """Read the query's text as a person's message after `history`.

    A follow-up is rewritten by the caller's model, or by rule where that is small, late or wrong: over 35 follow-ups
    the rule has the right passage first in 80 %, what a model of half a billion parameters writes in 54 %.
    """
    resolved = question_resolve(user=user, query=query)
    asked = resolved.query.text
    kind = question_kind(asked)
    # Operators hold for the question that they stand in.
    plain = [_plain(message) for message in history]
    if not any(message.role == "user" for message in plain) or not needs_conversation(asked):
        return Understood(question=asked, kind=kind, resolved=resolved)
    started = perf_counter()
    rewritten = ""
    if caller is not None and not caller.profile.is_small:
        rewritten = question_rewritten(caller=caller, question=asked, history=plain)
    carried = question_carried(asked, plain)
    others = (asked, *([carried] if rewritten else []), *formulations_carried(asked, plain))
    question = rewritten or carried
    return Understood(
        question=question,
        kind=kind,
        resolved=resolved,
        formulations=tuple(dict.fromkeys(other for other in others if other != question)),
        took_ms=(perf_counter() - started) * 1000,
    )


def _plain(message: ChatMessage) -> ChatMessage:
    return replace(message, content=question_parse(message.content).text) if message.role == "user" else message
