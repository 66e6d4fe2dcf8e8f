"""Conversations in the form that templates show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.selectors import message_require, siblings_of
from chatbot.lib.markdown import Chip, render

STATUS_TEXTS = {"queued": "Waiting for a free model", "searching": "Reading your documents", "thinking": "Thinking"}
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationGroup:
    """Conversations of one stretch of time, newest first."""

    label: str
    conversations: Sequence[Conversation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A line of the list below an answer. `place` is "page 3" or a heading; `label` has it all."""

    index: int
    filename: str
    place: str
    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message with all that its template needs, so that rendering asks the database nothing."""

    message: Message
    html: SafeString
    sources: Sequence[Source]
    status: str
    note: str
    version: int
    version_count: int
    previous_id: UUID | None
    next_id: UUID | None


def conversation_groups(conversations: Iterable[Conversation]) -> list[ConversationGroup]:
    """By the day of the last change; `conversations` come newest first."""
    today = timezone.localdate()
    grouped = groupby(conversations, key=lambda row: _group_label(timezone.localdate(row.updated_at), today))
    return [ConversationGroup(label=label, conversations=list(rows)) for label, rows in grouped]


def _group_label(day: date, today: date) -> str:
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return "Previous 7 days" if day > today - WEEK else "Older"


def message_views(messages: Sequence[Message]) -> list[MessageView]:
    """One query, for the versions; citations must have been fetched."""
    versions = siblings_of(messages)
    return [_view(message, versions[message.pk]) for message in messages]


def message_html(*, user: User, message_id: UUID, oob: bool = True) -> str:
    """The message's whole fragment; `oob`: by itself it replaces the one in the page. Three queries.

    Raises NotFoundError.
    """
    message = message_require(user=user, message_id=message_id)
    prefetch_related_objects([message], "citations")
    (view,) = message_views([message])
    return render_to_string("conversations/_message.html", {"view": view, "oob": oob})


def citation_place(*, page: int | None, page_last: int | None, heading: str) -> str:
    """Where a passage stands, in words."""
    if page is None:
        return heading
    return f"pages {page}–{page_last}" if page_last and page_last > page else f"page {page}"


def _source(citation: Citation) -> Source:
    place = citation_place(page=citation.page, page_last=citation.page_last, heading=citation.heading)
    return Source(
        index=citation.index,
        filename=citation.filename,
        place=place,
        label=f"{citation.filename}, {place}" if place else citation.filename,
        href=reverse("conversations:citation-detail", args=[citation.message_id, citation.index]),
    )


def _view(message: Message, versions: Sequence[UUID]) -> MessageView:
    at = versions.index(message.pk)
    is_reply = message.role == Message.Role.ASSISTANT
    # An open reply has none yet; its frames bring the chips.
    sources = [_source(citation) for citation in message.citations.all()] if is_reply and not message.is_open else []
    chips = {source.index: Chip(label=source.label, href=source.href) for source in sources}
    return MessageView(
        message=message,
        html=render(message.content, chips=chips) if is_reply else SafeString(),
        sources=sources,
        status=STATUS_TEXTS.get(message.phase, "") if message.is_open and not message.content else "",
        note=_note(message),
        version=at + 1,
        version_count=len(versions),
        previous_id=versions[at - 1] if at else None,
        next_id=versions[at + 1] if at + 1 < len(versions) else None,
    )


def _note(message: Message) -> str:
    if message.state == Message.State.STOPPED:
        return "You stopped this reply."
    return "The reply reached its length limit." if message.finish_reason == "length" else ""
