"""What the templates of conversation pages are given."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.permission_table import PERMISSIONS
from apps.accounts.selectors.workspaces import role_shown
from apps.conversations.cited import CitationShown, Sight
from apps.conversations.models import Conversation
from apps.conversations.rendering import conversation_groups
from apps.conversations.selectors import conversation_list, conversations_shared_with
from apps.conversations.sources import citation_address, citation_place, sight_note, support_words
from apps.documents.listing import upload_limits
from apps.documents.selectors import document_list
from apps.llm.selectors import models_available_to
from apps.rag.locating import Piece, quote_marked
from apps.rag.suspicion import FLAGS, flags_of
from chatbot.lib.pagination import page_of

# In the sidebar above the person's own; the rest stands on a page.
SHARED_SHOWN = 5
_CONVERSATION_PATH = re.compile(r"/conversations/([0-9a-f-]{36})/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """A question that a person may begin with."""

    question: str
    about: str


_SAMPLE_NAME = "handbook"
_SAMPLE_STARTERS = (
    Starter(question="How many days of paid holiday do I get?", about="From the handbook"),
    Starter(question="What do I do when I am ill?", about="From the handbook"),
    Starter(question="What is the limit for a hotel night?", about="From the handbook"),
    Starter(question="Write a short out-of-office reply", about="Without documents"),
)
_DOCUMENT_STARTERS = (
    Starter(question="What are my documents about?", about="From your documents"),
    Starter(question="Which dates and deadlines do my documents name?", about="From your documents"),
    Starter(question="Write a short out-of-office reply", about="Without documents"),
    Starter(question="Explain SQL joins with a small example", about="Without documents"),
)
_GENERAL_STARTERS = (
    Starter(question="Write a short out-of-office reply", about="Writing"),
    Starter(question="Explain SQL joins with a small example", about="Learning"),
    Starter(question="Draft an agenda for a project kick-off", about="Planning"),
    Starter(question="Write a Python function that reads a CSV file", about="Code"),
)


def starters_for(*, user: User) -> tuple[Starter, ...]:
    """Questions that this person's documents can answer, where there are any. One query."""
    names = document_list(user=user).values_list("filename", flat=True)[:50]
    if any(_SAMPLE_NAME in name.lower() for name in names):
        return _SAMPLE_STARTERS
    return _DOCUMENT_STARTERS if names else _GENERAL_STARTERS


def sidebar_context(
    *,
    user: User,
    current_id: UUID | None = None,
    query: str = "",
    cursor: str | None = None,
    last_group: str = "",
    current_url: str | None = None,
) -> dict[str, Any]:
    """The list of conversations, or its page after `cursor`; before the first page what others share. Two queries.

    `last_group`: the heading that the page before ended with. `current_url`: where the person is, where that is not
    said by `current_id`.
    """
    rows = conversation_list(user=user, query=query, is_archived=False).only("pk", "title", "updated_at")
    page = page_of(rows, order="updated_at", cursor=cursor)
    shared = [] if cursor else _shared_first(user, query)
    groups = conversation_groups(page.items)
    match = _CONVERSATION_PATH.match(current_url or "")
    return {
        "shared": shared[:SHARED_SHOWN],
        "has_more_shared": len(shared) > SHARED_SHOWN,
        "groups": groups,
        "groups_last": groups[-1].label if groups else "",
        "last_group": last_group,
        "next_cursor": page.next,
        "query": query,
        "current_id": current_id or (UUID(match[1]) if match else None),
    }


def _shared_first(user: User, query: str) -> list[Conversation]:
    """The newest that others share with the person, and one more if there are more than are shown."""
    rows = conversations_shared_with(user=user, query=query)
    rows = rows.only("pk", "title", "updated_at", "owner__name", "owner__email")
    return list(rows.order_by("-updated_at", "-pk")[: SHARED_SHOWN + 1])


def shared_context(*, user: User, cursor: str | None = None) -> dict[str, Any]:
    """All that others share with the person, a page at a time. One query."""
    page = page_of(conversations_shared_with(user=user), order="updated_at", cursor=cursor)
    return {"shared_page": page.items, "shared_next": page.next}


def reading_context(*, user: User, conversation: Conversation | None) -> dict[str, Any]:
    """Whether the person may only read, and why: `readonly` is a sentence, empty for whoever may ask.

    Without a conversation: whether they may begin one in the workspace they work in.
    """
    if conversation is not None and conversation.owner_id != user.pk:
        return {"readonly": f"{conversation.owner} shares this conversation with you. You can read it, not change it."}
    if conversation is not None:
        role = role_shown(user=user, workspace_id=conversation.workspace_id)
    else:
        role = role_shown(user=user)
    if role is None:
        return {"readonly": "You are not a member of this workspace, so you cannot ask here."}
    if role in PERMISSIONS["conversation_write"].roles:
        return {"readonly": ""}
    return {"readonly": "Your role here is viewer: you can read what is shared with you, not ask."}


def composer_context(*, user: User, conversation: Conversation | None) -> dict[str, Any]:
    """The box for questions: models to choose from and what is chosen. Two queries."""
    models = list(models_available_to(user=user))
    chosen = conversation.model_id if conversation else None
    if chosen not in {model.pk for model in models}:
        chosen = models[0].pk if models else None
    return {
        "models": models,
        "model_id": chosen,
        "use_documents": conversation.use_documents if conversation else True,
        "upload": upload_limits(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlace:
    """A page of a passage that spans some, with the addresses of the panel for the ones beside it."""

    number: int
    picture_url: str
    previous_url: str
    next_url: str


def citation_context(citation: CitationShown, *, page: int | None = None) -> dict[str, Any]:
    """A cited passage with `page` of it, by default its first: picture and file while the document is there and open.

    No query: what the reader may see was decided when the citation was read.
    """
    context: dict[str, Any] = {
        "citation": citation,
        "place": citation_place(page=citation.page, page_last=citation.page_last, heading=""),
        "note": sight_note(citation),
        "support": support_words(citation.support),
        "pieces": quote_marked(citation.text, citation.quote) if citation.text else [Piece(citation.quote, True)],
        "flags": [FLAGS[flag] for flag in flags_of(citation.text)],
    }
    if citation.sight == Sight.OPEN:
        context["document_url"] = reverse("documents:document-content", args=[citation.document_id])
        if citation.page:
            context["page"] = _page_place(citation, page or citation.page)
    return context


def _page_place(citation: CitationShown, page: int) -> PagePlace:
    first, last = citation.page or 1, citation.page_last or citation.page or 1
    number = min(max(page, first), last)
    address = citation_address(citation.message_id, citation.index)
    return PagePlace(
        number=number,
        picture_url=reverse("conversations:citation-page", args=[citation.message_id, citation.index, number]),
        previous_url=f"{address}?page={number - 1}" if number > first else "",
        next_url=f"{address}?page={number + 1}" if number < last else "",
    )
