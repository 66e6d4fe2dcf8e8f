"""What a reply gets out of the documents. Runs in workers: searching loads the embedder."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.conversations.leases import Lease
from apps.conversations.matching import words_of
from apps.conversations.prompting import PASSAGES_MAXIMUM
from apps.documents.models import Document, DocumentVersion
from apps.documents.selectors import documents_visible_to
from apps.llm.types import ChatMessage
from apps.rag.search import search
from apps.rag.types import Passage, SearchQuery

logger = logging.getLogger(__name__)

# Strong is what is near in meaning or has most of the question's words. With bge-small over SQuAD paragraphs, 92 % of
# the right passages are, and in 17 % of the questions some passage of a wrong article is.
DENSE_MINIMUM = 0.62
WORDS_MINIMUM = 0.6
# One word in common is chance.
WORDS_COUNT_MINIMUM = 2
# A question this short needs the one before it to be understood.
FOLLOW_UP_WORDS = 3
# More names than this say nothing in a notice.
NAMES_MAXIMUM = 3
_OPEN_STATES = (DocumentVersion.State.UPLOADED, DocumentVersion.State.PROCESSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Passages for the prompt, best first, and the names of documents that are not read yet."""

    passages: Sequence[Passage] = ()
    unread: Sequence[str] = ()


def passages_retrieve(*, lease: Lease, question: str, history: Sequence[ChatMessage]) -> Retrieved:
    """What the owner's documents within the conversation's scope say to the question; weak passages are left out."""
    user = User.objects.filter(pk=lease.owner_id, is_active=True).first()
    if user is None:
        return Retrieved()
    scope = _Scope(user, lease)
    if not scope.has_indexed():
        return Retrieved(unread=scope.unread(of_anybody=True))
    query = SearchQuery(
        text=search_text(question, history),
        workspace_id=lease.workspace_id,
        limit=PASSAGES_MAXIMUM,
        collection_ids=lease.collection_ids,
        document_ids=lease.document_ids,
    )
    result = search(user=user, query=query)
    passages = [passage for passage in result.passages if is_strong(passage, query.text)]
    # Where nothing was found, what is missing may stand in a document that somebody else has just added.
    return Retrieved(passages=passages, unread=scope.unread(of_anybody=not passages))


def search_text(question: str, history: Sequence[ChatMessage]) -> str:
    """What to search for: the question, and the one before it where this one hardly says anything by itself."""
    earlier = [message.content for message in history if message.role == "user"]
    if earlier and len(set(words_of(question))) <= FOLLOW_UP_WORDS:
        return f"{earlier[-1]}\n{question}"
    return question


def is_strong(passage: Passage, question: str) -> bool:
    """Whether the passage has to do with the question at all; the best of nothing is still found by a search."""
    if passage.dense is not None and passage.dense >= DENSE_MINIMUM:
        return True
    words = set(words_of(question))
    shared = words & set(words_of(passage.text))
    return len(shared) >= WORDS_COUNT_MINIMUM and len(shared) / len(words) >= WORDS_MINIMUM


class _Scope:
    """The documents that a conversation speaks about, as its owner may see them."""

    def __init__(self, user: User, lease: Lease) -> None:
        self._user = user
        self._is_chosen = bool(lease.document_ids or lease.collection_ids)
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
        if not self._is_chosen and not of_anybody:
            documents = documents.filter(owner=self._user)
        return list(documents.order_by("-created_at").values_list("filename", flat=True)[:NAMES_MAXIMUM])

    def _with_current(self, states: Sequence[str]) -> QuerySet[Document]:
        return self._documents.filter(versions__is_current=True, versions__state__in=states)
