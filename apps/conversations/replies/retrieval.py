"""What a reply gets out of the documents. Runs in workers: searching loads the embedder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Literal, TypeAlias
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.conversations.leases import Lease
from apps.conversations.replies.asking import Request, request_of
from apps.conversations.replies.follow_ups import keywords_of
from apps.conversations.replies.rewriting import Caller, question_wordings
from apps.conversations.replies.understanding import Understood, question_understand
from apps.conversations.replies.whole_documents import AGGREGATE_SECONDS, LOOKUP_SECONDS, whole_text
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import documents_visible_to
from apps.llm.models import ModelProfile
from apps.llm.types import ChatMessage
from apps.rag.answerability import answerability_judge
from apps.rag.questions.kinds import QuestionKind, is_aggregate
from apps.rag.questions.measures import measures_spelled_out
from apps.rag.questions.whole import documents_named
from apps.rag.search import search
from apps.rag.types import Passage, SearchQuery, SearchResult

# What is judged and kept for the trace; the model reads fewer.
SEARCH_LIMIT = 20
# More names than this say nothing in a notice.
NAMES_MAXIMUM = 3
_OPEN_STATES = (DocumentVersion.State.UPLOADED, DocumentVersion.State.PROCESSING)

RetrievalKind: TypeAlias = Literal["search", "whole_document", "aggregate", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Passages for the prompt, and how they were come by.

    `passages`: best first where `kind` is search, weak ones too; whole documents in reading order, already measured to
    fit the model, where it is whole_document or aggregate. `unread`: names of documents that are not read yet.
    `question`: without operators, standing alone. `searched`: the text that was searched for. `formulations`: its other
    wordings. `filters`: the search's filters as JSON values. `notices`: sentences for the person, shown before the
    answer. `is_beyond`: asks for something over more text than the model can read; the passages are only a part.
    `ranked`: all that the search found, best first with its scores, also where whole documents go into the prompt.
    `timings`: step → milliseconds.
    """

    passages: Sequence[Passage] = ()
    unread: Sequence[str] = ()
    kind: RetrievalKind = "none"
    question: str = ""
    searched: str = ""
    formulations: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    is_beyond: bool = False
    ranked: Sequence[Passage] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    profile_id: UUID | None = None


def passages_retrieve(
    *, user: User, lease: Lease, question: str, history: Sequence[ChatMessage], profile: ModelProfile | None = None
) -> Retrieved:
    """What the documents of the user, who owns the conversation, say to the question within its scope.

    `profile`: the conversation's model, which may be asked to rewrite a follow-up or a question that finds little, and
    whose context decides how much it reads; without it neither happens.
    """
    scope = _Scope(user, lease)
    if not scope.has_indexed():
        return Retrieved(unread=scope.unread(of_anybody=True))
    if request_of(question) is Request.TALK and not scope.is_chosen:
        return Retrieved(unread=scope.unread())
    query = SearchQuery(
        text=question,
        workspace_id=lease.workspace_id,
        limit=SEARCH_LIMIT,
        collection_ids=lease.collection_ids,
        document_ids=lease.document_ids,
    )
    caller = None
    if profile is not None:
        caller = Caller(profile=profile, workspace_id=lease.workspace_id, user_id=user.pk, message_id=lease.message_id)
    retrieved = _Retrieving(user, query, caller).retrieved(history)
    # Where nothing was found, what is missing may stand in a document that somebody else has just added.
    return replace(retrieved, unread=scope.unread(of_anybody=not retrieved.ranked))


class _Retrieving:
    """One question on its way: understood, searched, searched in other words, and read as a whole where that helps."""

    def __init__(self, user: User, query: SearchQuery, caller: Caller | None) -> None:
        self._user = user
        self._query = query
        self._caller = caller
        self._notices: list[str] = []
        self._timings: dict[str, float] = {}

    def retrieved(self, history: Sequence[ChatMessage]) -> Retrieved:
        understood = question_understand(user=self._user, query=self._query, history=history, caller=self._caller)
        if understood.took_ms:
            self._timings["rewrite"] = round(understood.took_ms, 1)
        self._notices += understood.resolved.notices
        query = replace(understood.resolved.query, text=understood.question, formulations=understood.formulations)
        if understood.resolved.is_empty or not query.text.strip():
            return self._told(Retrieved(kind="search", question=understood.question), query)
        if is_aggregate(understood.kind):
            query = self._named(query)
        query, result = self._searched(query)
        question, ranked, is_enough = self._judged_either(understood, result.passages)
        if not is_enough and not is_aggregate(understood.kind):
            query, result, ranked, is_enough = self._again(query, result, ranked)
        retrieved = Retrieved(
            kind="search",
            passages=ranked,
            ranked=ranked,
            question=question,
            profile_id=result.profile_id,
        )
        return self._told(self._with_whole(retrieved, query, understood.kind, is_enough=is_enough), query)

    def _named(self, query: SearchQuery) -> SearchQuery:
        """Only the documents that the question names, where it names some."""
        named = documents_named(user=self._user, query=query, text=query.text)
        return replace(query, document_ids=named) if named else query

    def _searched(self, query: SearchQuery) -> tuple[SearchQuery, SearchResult]:
        """Exact words that stand nowhere become words again: people also quote to point something out."""
        result = self._timed("search", query)
        if result.passages or not query.filters.phrases:
            return query, result
        phrases = " and ".join(f"“{phrase}”" for phrase in query.filters.phrases)
        self._notices.append(f"No passage has exactly the words {phrases}; they were searched for as words.")
        query = replace(query, filters=replace(query.filters, phrases=()))
        return query, self._timed("search", query)

    def _again(
        self, query: SearchQuery, result: SearchResult, ranked: Sequence[Passage]
    ) -> tuple[SearchQuery, SearchResult, Sequence[Passage], bool]:
        """Search in other words too; what that brings is taken only if it can answer what the first did not."""
        asks = result.passages and request_of(query.text) is not Request.WORK
        others = self._wordings(query.text) if asks else ()
        if not others:
            return query, result, ranked, False
        wider = replace(query, formulations=tuple(dict.fromkeys((*query.formulations, *others))))
        second = self._timed("search_again", wider)
        found, is_enough = self._judged(query.text, second.passages)
        return (wider, second, found, True) if is_enough else (query, result, ranked, False)

    def _wordings(self, question: str) -> tuple[str, ...]:
        started = perf_counter()
        others: tuple[str, ...] = ()
        if self._caller is not None and not self._caller.profile.is_small:
            others = question_wordings(caller=self._caller, question=question)
            self._timings["wordings"] = round((perf_counter() - started) * 1000, 1)
        keywords = keywords_of(question)
        return (*others, keywords) if keywords else others

    def _with_whole(
        self, retrieved: Retrieved, query: SearchQuery, kind: QuestionKind, *, is_enough: bool
    ) -> Retrieved:
        """Whole documents in place of passages where the question or the model's size calls for them and they fit."""
        profile = self._caller.profile if self._caller else None
        if profile is None or not retrieved.ranked:
            return retrieved
        if not is_aggregate(kind) and (profile.is_small or not is_enough):
            return retrieved
        seconds = AGGREGATE_SECONDS if is_aggregate(kind) else LOOKUP_SECONDS
        started = perf_counter()
        whole = whole_text(user=self._user, query=query, profile=profile, seconds=seconds)
        self._timings["whole"] = round((perf_counter() - started) * 1000, 1)
        if whole.passages:
            known = {passage.chunk_id: passage for passage in retrieved.ranked}
            passages = [known.get(passage.chunk_id, passage) for passage in whole.passages]
            return replace(retrieved, passages=passages, kind="aggregate" if is_aggregate(kind) else "whole_document")
        if not is_aggregate(kind):
            return retrieved
        self._notices.append(_beyond_notice(kind, whole.names))
        return replace(retrieved, is_beyond=True)

    def _judged_either(
        self, understood: Understood, passages: Sequence[Passage]
    ) -> tuple[str, Sequence[Passage], bool]:
        """The question as it is understood, or as it was asked where only that can be answered: not every question
        that begins with "and" goes on with what was said.
        """
        ranked, is_enough = self._judged(understood.question, passages)
        asked = understood.resolved.query.text
        if is_enough or asked == understood.question:
            return understood.question, ranked, is_enough
        # What the cross-encoder read so far was the other question.
        alone, is_enough = self._judged(asked, [replace(passage, rerank=None) for passage in passages])
        return (asked, alone, True) if is_enough else (understood.question, ranked, False)

    def _judged(self, question: str, passages: Sequence[Passage]) -> tuple[Sequence[Passage], bool]:
        """The passages with what the cross-encoder says of the first, and whether they can answer."""
        judged = answerability_judge(question=question, passages=passages)
        with_logits = [
            replace(passage, rerank=judged.logits.get(passage.chunk_id, passage.rerank)) for passage in passages
        ]
        return with_logits, judged.is_enough

    def _timed(self, step: str, query: SearchQuery) -> SearchResult:
        started = perf_counter()
        result = search(user=self._user, query=query)
        self._timings |= {f"{step}_{name}": round(took_ms, 1) for name, took_ms in result.timings.items()}
        self._timings[step] = round((perf_counter() - started) * 1000, 1)
        return result

    def _told(self, retrieved: Retrieved, query: SearchQuery) -> Retrieved:
        """With how it was come by; the search spells measures out by itself."""
        wordings = dict.fromkeys(map(measures_spelled_out, (query.text, *query.formulations)))
        return replace(
            retrieved,
            searched=query.text,
            formulations=tuple(wording for wording in wordings if wording != query.text),
            filters=filters_plain(query),
            notices=tuple(dict.fromkeys(self._notices)),
            timings=self._timings,
        )


def filters_plain(query: SearchQuery) -> dict[str, Any]:
    """What a search was restricted to, as JSON values; what does not restrict is left out."""
    filters = query.filters
    values: dict[str, Any] = {
        "collections": [str(key) for key in query.collection_ids],
        "documents": [str(key) for key in query.document_ids],
        "file": filters.filename,
        "type": filters.mime,
        "after": filters.after.isoformat() if filters.after else "",
        "before": filters.before.isoformat() if filters.before else "",
        "tags": list(filters.tags),
        "phrases": list(filters.phrases),
    }
    return {name: value for name, value in values.items() if value}


def _beyond_notice(kind: QuestionKind, names: Sequence[str]) -> str:
    """That the answer rests on a part of the text, and of which."""
    wanted = {
        QuestionKind.COUNT: "Counting needs",
        QuestionKind.LIST: "A complete list needs",
        QuestionKind.SUMMARY: "A summary needs",
    }.get(kind, "This needs")
    if names:
        shown = ", ".join(names[:NAMES_MAXIMUM]) + (" and others" if len(names) > NAMES_MAXIMUM else "")
        where = f"all of {shown}, which is more than the model can read at once"
    else:
        where = "all of the documents, which are too many to be read at once; choose one, or name it in the question"
    return f"{wanted} {where}. This answer looked only at the passages that fit best and may be incomplete."


class _Scope:
    """The documents that a conversation speaks about, as its owner may see them."""

    def __init__(self, user: User, lease: Lease) -> None:
        self._user = user
        self.is_chosen = bool(lease.document_ids or lease.collection_ids)
        documents = documents_visible_to(user=user).filter(workspace_id=lease.workspace_id).order_by()
        if lease.collection_ids:
            documents = documents.filter(collection__in=lease.collection_ids)
        if lease.document_ids:
            documents = documents.filter(pk__in=lease.document_ids)
        self._documents = documents

    def has_indexed(self) -> bool:
        states = (DocumentVersion.State.INDEXED, DocumentVersion.State.PROCESSING)
        return self._with_current(states).exists()

    def unread(self, *, of_anybody: bool = False) -> list[str]:
        """Names of documents that are still being read: the chosen ones, else the person's own or all they may see."""
        documents = self._with_current(_OPEN_STATES)
        if not self.is_chosen and not of_anybody:
            documents = documents.filter(owner=self._user)
        return list(documents.order_by("-created_at").values_list("filename", flat=True)[:NAMES_MAXIMUM])

    def _with_current(self, states: Sequence[str]) -> QuerySet[Document]:
        return self._documents.filter(versions__is_current=True, versions__state__in=states)
