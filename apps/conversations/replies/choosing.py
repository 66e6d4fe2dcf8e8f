"""Whether a reply comes from the documents, and which of the passages found the model gets to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from apps.conversations.replies.asking import Request, names_documents, request_of
from apps.conversations.replies.defusing import passage_defused
from apps.conversations.replies.prompting import PASSAGES_SMALL_MAXIMUM, passages_fitting
from apps.conversations.replies.retrieval import Retrieved
from apps.conversations.replies.wording import language_of
from apps.conversations.tracing import ReplyTrace, TracedPassage
from apps.rag.answerability import Answerability, answerability_judge, is_tabular
from apps.rag.types import Passage

# A passage this far below the best one, in the cross-encoder's logits, says nothing that the best does not.
LOGIT_MARGIN = 4.0
CLOSEST_MAXIMUM = 3
# Who names a few documents asks about them: only what has nothing at all to do with them is refused before the model.
NAMED_MAXIMUM = 5
NAMED_THRESHOLD = 0.01
# A whole document has more passages than anybody wants listed.
TRACED_MAXIMUM = 60
# Of a passage that was nothing but orders to a machine, less is left than anybody reads.
_DEFUSED_LENGTH = 20


class Course(StrEnum):
    """PLAIN: documents have no part in it. OWN: they have nothing to say, the model answers from what it knows, and the
    reply says so. DOCUMENTS: from passages. UNANSWERED: the reply says that the documents do not tell.
    """

    PLAIN = "plain"
    OWN = "own"
    DOCUMENTS = "documents"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`passages`: for the model, numbered in this order. `closest`: to be named where the documents do not tell.

    `trace` is None where nothing was searched. `is_checked`: the answer is to be held against the passages before it is
    shown. `is_task`: something is to be done with the passages, not found in them.
    """

    course: Course
    passages: Sequence[Passage] = ()
    closest: Sequence[Passage] = ()
    trace: ReplyTrace | None = None
    is_checked: bool = False
    is_task: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else the choice depends on.

    `is_chosen`: the person named documents or collections; `documents_named`: how many documents. `continues_own`: the
    reply before came from the model's own knowledge, so that a question which finds nothing is likely about that.
    """

    is_chosen: bool = False
    documents_named: int = 0
    continues_own: bool = False
    is_small: bool = False
    context_tokens: int


def choice_make(*, retrieved: Retrieved, message: str, circumstances: Circumstances) -> Choice:
    """Decide over what was retrieved for the person's message. May run the reranker; no model otherwise."""
    request = request_of(message)
    is_chosen = circumstances.is_chosen
    if (retrieved.kind == "none" and not retrieved.passages) or (request is Request.TALK and not is_chosen):
        return Choice(course=Course.PLAIN, trace=_trace(retrieved, None, {}, request))
    question = retrieved.question or message
    found = retrieved.ranked or retrieved.passages
    judged = answerability_judge(question=question, passages=found)
    if 0 < circumstances.documents_named <= NAMED_MAXIMUM:
        # Where the model reads all that there is, it can tell for itself.
        is_open = len(found) <= PASSAGES_SMALL_MAXIMUM or any(map(is_tabular, found))
        judged = replace(judged, threshold=0.0 if is_open else NAMED_THRESHOLD)
    course = _course(request, message, retrieved, judged, circumstances)
    if course is not Course.DOCUMENTS:
        reasons = {passage.chunk_id: "weak" for passage in found}
        closest = _by_logit(found, judged)[:CLOSEST_MAXIMUM] if course is Course.UNANSWERED else []
        trace = _trace(retrieved, judged, reasons, request, course=course)
        return Choice(course=course, closest=_defused(closest), trace=trace)
    passages, reasons = _passages(retrieved, judged, request, circumstances)
    return Choice(
        course=course,
        passages=_defused(passages),
        closest=_defused(_by_logit(passages, judged)[:CLOSEST_MAXIMUM]),
        trace=_trace(retrieved, judged, reasons, request),
        is_checked=request is Request.FACT and retrieved.kind == "search" and not _is_foreign(retrieved),
        is_task=request is Request.DOCUMENT,
    )


def _course(
    request: Request,
    message: str,
    retrieved: Retrieved,
    judged: Answerability,
    circumstances: Circumstances,
) -> Course:
    is_chosen = circumstances.is_chosen
    has_any = bool(retrieved.ranked or retrieved.passages)
    if retrieved.kind == "aggregate" and retrieved.passages:
        return Course.DOCUMENTS
    if judged.is_enough or (has_any and _is_foreign(retrieved)):
        return Course.DOCUMENTS
    if request is Request.DOCUMENT and (is_chosen or names_documents(message)):
        return Course.DOCUMENTS if has_any else Course.UNANSWERED
    if request is Request.FACT:
        return Course.OWN if circumstances.continues_own and not is_chosen else Course.UNANSWERED
    return Course.DOCUMENTS if is_chosen and has_any else Course.OWN


def _is_foreign(retrieved: Retrieved) -> bool:
    """Whether question and best passage are in different languages: the small models cannot judge over that border."""
    if not retrieved.ranked:
        return False
    asked, found = language_of(retrieved.question), language_of(retrieved.ranked[0].text)
    return bool(asked and found) and asked != found


def _passages(
    retrieved: Retrieved, judged: Answerability, request: Request, circumstances: Circumstances
) -> tuple[Sequence[Passage], dict[UUID, str]]:
    """The passages for the model, and why each of the others is left out."""
    if retrieved.kind != "search":
        return retrieved.passages, {}
    ranked = retrieved.ranked or retrieved.passages
    reasons: dict[UUID, str] = {}
    if judged.logits and request is not Request.DOCUMENT:
        lowest = max(judged.logits.values()) - LOGIT_MARGIN
        reasons = {
            passage.chunk_id: "weak" for passage in ranked if judged.logits.get(passage.chunk_id, lowest) < lowest
        }
    strong = [passage for passage in ranked if passage.chunk_id not in reasons]
    if circumstances.is_small:
        strong = _by_logit(strong, judged)
    kept = passages_fitting(strong, context_tokens=circumstances.context_tokens, is_small=circumstances.is_small)
    kept_ids = {passage.chunk_id for passage in kept}
    reasons |= {passage.chunk_id: "no_room" for passage in strong if passage.chunk_id not in kept_ids}
    return kept, reasons


def _by_logit(passages: Sequence[Passage], judged: Answerability) -> list[Passage]:
    """What the cross-encoder read first, best first; the others as they were."""
    return sorted(passages, key=lambda passage: -judged.logits.get(passage.chunk_id, float("-inf")))


def _defused(passages: Sequence[Passage]) -> list[Passage]:
    """Without what speaks to a machine; nothing of a passage that was nothing else."""
    texts = [(passage, passage_defused(passage.text)) for passage in passages]
    return [
        passage if text == passage.text else replace(passage, text=text)
        for passage, text in texts
        if text == passage.text or len(text.strip()) >= _DEFUSED_LENGTH
    ]


def _traceable(retrieved: Retrieved) -> list[Passage]:
    """Each passage once: those of whole documents that were read, and what the search found."""
    passages = {passage.chunk_id: passage for passage in (*retrieved.passages, *retrieved.ranked)}
    order = [passage.chunk_id for passage in retrieved.ranked]
    order += [chunk_id for chunk_id in passages if chunk_id not in set(order)]
    return [passages[chunk_id] for chunk_id in order[:TRACED_MAXIMUM]]


def _trace(
    retrieved: Retrieved,
    judged: Answerability | None,
    reasons: Mapping[UUID, str],
    request: Request,
    *,
    course: Course = Course.DOCUMENTS,
) -> ReplyTrace | None:
    if retrieved.kind == "none":
        return None
    ranked = _traceable(retrieved)
    logits = judged.logits if judged else {}
    is_used = judged is not None and course is Course.DOCUMENTS
    passages = tuple(
        TracedPassage(
            passage=replace(passage, rerank=logits.get(passage.chunk_id, passage.rerank)),
            is_used=is_used and passage.chunk_id not in reasons,
            reason=reasons.get(passage.chunk_id, "" if is_used else "not_asked"),
        )
        for passage in ranked
    )
    timings = {**retrieved.timings, **({"judge": round(judged.took_ms, 1)} if judged else {})}
    is_asked = request in (Request.FACT, Request.DOCUMENT) and course is not Course.OWN
    return ReplyTrace(
        kind=retrieved.kind,
        searched=retrieved.searched,
        formulations=retrieved.formulations,
        filters=retrieved.filters,
        profile_id=retrieved.profile_id,
        answerability=judged.score if judged else None,
        threshold=judged.threshold if judged else None,
        # Whether they suffice is no question where the documents were not asked.
        is_enough=judged.is_enough if judged and is_asked else None,
        timings=timings,
        passages=passages,
    )
