"""Conversations in the form that templates show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.conversations.cited import citations_prefetch, citations_shown
from apps.conversations.explaining import Nearest, nearest_of
from apps.conversations.feedback import ratings_of
from apps.conversations.marks import legend_of, marks_of
from apps.conversations.models import Conversation, Message
from apps.conversations.selectors import message_readable_require, siblings_of
from apps.conversations.sources import Source, source_of
from chatbot.lib.markdown import Chip, render
from chatbot.lib.marking import render_marked

STATUS_TEXTS = {"queued": "Waiting for a free model", "searching": "Reading your documents", "thinking": "Thinking"}
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationGroup:
    """Conversations of one stretch of time, newest first."""

    label: str
    conversations: Sequence[Conversation]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message with all that its template needs, so that rendering asks the database nothing.

    `legend`: what the marks in the answer mean. `rating`: the reader's own, 0 without one. `nearest`: for an answer
    that the documents do not give, what came closest.
    """

    message: Message
    html: SafeString
    sources: Sequence[Source]
    status: str
    note: str
    version: int
    version_count: int
    previous_id: UUID | None
    next_id: UUID | None
    legend: Sequence[str] = ()
    rating: int = 0
    nearest: Sequence[Nearest] = ()
    # Without what only the owner can do.
    is_readonly: bool = False

    @property
    def is_rated(self) -> bool:
        """Whether there is something that the owner can rate and have explained."""
        return not self.is_readonly and self.message.state == Message.State.COMPLETE


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


def message_views(messages: Sequence[Message], *, user: User, is_readonly: bool = False) -> list[MessageView]:
    """For this reader; `is_readonly`: for whom it is shared with.

    Two queries, for versions and ratings, and one where an answer was not in the documents; none for a reader.
    Citations must have been fetched by `citations_prefetch`.
    """
    if is_readonly:
        return [_view(message, [message.pk], is_readonly=True) for message in messages]
    versions = siblings_of(messages)
    ratings = ratings_of(messages, user=user)
    nearest = nearest_of(messages, user=user)
    return [
        _view(
            message,
            versions[message.pk],
            rating=ratings.get(message.pk, 0),
            nearest=nearest.get(message.pk, ()),
        )
        for message in messages
    ]


def message_html(*, user: User, message_id: UUID, oob: bool = True) -> str:
    """The message's whole fragment; `oob`: by itself it replaces the one in the page. As many queries as
    `message_views`, and two.

    Raises NotFoundError.
    """
    message = message_readable_require(user=user, message_id=message_id)
    citations_prefetch([message], user=user)
    (view,) = message_views([message], user=user, is_readonly=message.conversation.owner_id != user.pk)
    return render_to_string("conversations/_message.html", {"view": view, "oob": oob})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTurn:
    """A turn to read only: `html` of a reply, the citations as lines of text that lead nowhere."""

    message: Message
    html: SafeString
    sources: Sequence[str]


def turns_plain(messages: Sequence[Message]) -> list[PlainTurn]:
    """For readers who may not open what the owner may. No query; see `message_views` for the citations."""
    return [
        PlainTurn(
            message=message,
            html=render(message.content) if message.role == Message.Role.ASSISTANT else SafeString(),
            sources=[f"[{source.index}] {source.label}" for source in map(source_of, citations_shown(message))],
        )
        for message in messages
    ]


def _view(
    message: Message,
    versions: Sequence[UUID],
    *,
    is_readonly: bool = False,
    rating: int = 0,
    nearest: Sequence[Nearest] = (),
) -> MessageView:
    at = versions.index(message.pk)
    is_reply = message.role == Message.Role.ASSISTANT
    # An open reply has none yet; its frames bring the chips.
    sources = [source_of(citation) for citation in citations_shown(message)] if is_reply and not message.is_open else []
    chips = {source.index: Chip(label=source.label, href=source.href, card=source.card_id) for source in sources}
    return MessageView(
        message=message,
        html=render_marked(message.content, chips=chips, marks=marks_of(message)) if is_reply else SafeString(),
        sources=sources,
        status=STATUS_TEXTS.get(message.phase, "") if message.is_open and not message.content else "",
        note=_note(message, is_readonly=is_readonly),
        version=at + 1,
        version_count=len(versions),
        previous_id=versions[at - 1] if at else None,
        next_id=versions[at + 1] if at + 1 < len(versions) else None,
        legend=legend_of(message),
        rating=rating,
        nearest=nearest,
        is_readonly=is_readonly,
    )


def _note(message: Message, *, is_readonly: bool) -> str:
    if message.state == Message.State.STOPPED:
        return "This reply was stopped." if is_readonly else "You stopped this reply."
    return "The reply reached its length limit." if message.finish_reason == "length" else ""
