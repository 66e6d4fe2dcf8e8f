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
from apps.conversations.selectors import message_readable_require, siblings_of
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
    # Without what only the owner can do.
    is_readonly: bool = False


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


def message_views(messages: Sequence[Message], *, is_readonly: bool = False) -> list[MessageView]:
    """One query, for the versions; citations must have been fetched. `is_readonly`: for whom it is shared with."""
    if is_readonly:
        return [_view(message, [message.pk], is_readonly=True) for message in messages]
    versions = siblings_of(messages)
    return [_view(message, versions[message.pk]) for message in messages]


def message_html(*, user: User, message_id: UUID, oob: bool = True) -> str:
    """The message's whole fragment; `oob`: by itself it replaces the one in the page. Three queries.

    Raises NotFoundError.
    """
    message = message_readable_require(user=user, message_id=message_id)
    prefetch_related_objects([message], "citations")
    (view,) = message_views([message], is_readonly=message.conversation.owner_id != user.pk)
    return render_to_string("conversations/_message.html", {"view": view, "oob": oob})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTurn:
    """A turn to read only: `html` of a reply, the citations as lines of text that lead nowhere."""

    message: Message
    html: SafeString
    sources: Sequence[str]


def turns_plain(messages: Sequence[Message]) -> list[PlainTurn]:
    """For readers who may not open what the owner may. No query; citations must have been fetched."""
    return [
        PlainTurn(
            message=message,
            html=render(message.content) if message.role == Message.Role.ASSISTANT else SafeString(),
            sources=[f"[{citation.index}] {_source(citation).label}" for citation in message.citations.all()],
        )
        for message in messages
    ]


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


def _view(message: Message, versions: Sequence[UUID], *, is_readonly: bool = False) -> MessageView:
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
        note=_note(message, is_readonly=is_readonly),
        version=at + 1,
        version_count=len(versions),
        previous_id=versions[at - 1] if at else None,
        next_id=versions[at + 1] if at + 1 < len(versions) else None,
        is_readonly=is_readonly,
    )


def _note(message: Message, *, is_readonly: bool) -> str:
    if message.state == Message.State.STOPPED:
        return "This reply was stopped." if is_readonly else "You stopped this reply."
    return "The reply reached its length limit." if message.finish_reason == "length" else ""
