"""Reads: whose conversations, which messages.

Two rules, both only while the person is in the conversation's workspace: a conversation is its owner's to change
(`conversations_of`), and its owner's and that of those it is shared with to read (`conversations_readable_by`).
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.accounts.permissions import granted_ids
from apps.accounts.selectors.workspaces import (
    role_remember,
    workspace_bound,
    workspace_current_key,
    workspaces_open_to,
)
from apps.conversations.cited import CitationShown, citation_shown, citations_of_reader, citations_prefetch
from apps.conversations.models import Conversation, Message
from apps.conversations.types import AskedConversation, Place, Turn
from chatbot.lib.errors import AppError, ForbiddenError, NotFoundError

# More turns than a person reads in one branch; a bound, so that no tree makes a query endless.
BRANCH_MAXIMUM = 2000

# Parameters: the last message's key, and how many messages at most.
_BRANCH_SQL = """
WITH RECURSIVE branch AS (
    SELECT m.id, m.parent_id, 1 AS depth FROM conversations_message m WHERE m.id = %s
    UNION ALL
    SELECT p.id, p.parent_id, b.depth + 1 FROM conversations_message p JOIN branch b ON p.id = b.parent_id
    WHERE b.depth < %s
)
SELECT m.* FROM conversations_message m JOIN branch USING (id) ORDER BY branch.depth DESC
"""
_TURNS_SQL = """
WITH RECURSIVE branch AS (
    SELECT m.id, m.parent_id, 1 AS depth FROM conversations_message m WHERE m.id = %s
    UNION ALL
    SELECT p.id, p.parent_id, b.depth + 1 FROM conversations_message p JOIN branch b ON p.id = b.parent_id
    WHERE b.depth < %s
)
SELECT m.role, m.content FROM conversations_message m JOIN branch USING (id) ORDER BY branch.depth DESC
"""

# The rule of `conversations_of` in one short statement, because every first token waits for it. Tests compare them.
# Parameters: the person, the conversation, the person, and twice the workspace of an API key, NULL without one.
_FOR_QUESTION_SQL = """
SELECT c.workspace_id, membership.role, c.title, c.params::text, c.model_id,
    leaf.id, leaf.parent_id, leaf.role, leaf.state, leaf.use_documents
FROM conversations_conversation c
JOIN accounts_membership membership ON membership.workspace_id = c.workspace_id AND membership.user_id = %s
LEFT JOIN conversations_message leaf ON leaf.id = c.leaf_id
WHERE c.id = %s AND c.owner_id = %s AND (%s::uuid IS NULL OR c.workspace_id = %s::uuid)
"""


def conversation_for_question(*, user: User, conversation_id: UUID) -> AskedConversation:
    """What a new question needs to know. One query, a tenth of the cost of `conversation_require`.

    Raises as that does.
    """
    bound = workspace_bound(user=user)
    with connection.cursor() as cursor:
        cursor.execute(_FOR_QUESTION_SQL, [user.pk, conversation_id, user.pk, bound, bound])
        row = cursor.fetchone()
    if row is None:
        raise _refusal(conversations_readable_by(user=user).filter(pk=conversation_id))
    workspace_id, role, title, params, model_id, *place = row
    role_remember(user=user, workspace_id=workspace_id, role=role)
    leaf = _place(place) if place[0] else None
    return AskedConversation(
        conversation_id=conversation_id,
        workspace_id=workspace_id,
        role=role,
        title=title,
        params=json.loads(params),
        model_id=model_id,
        leaf=leaf,
    )


def place_require(*, conversation_id: UUID, message_id: UUID) -> Place:
    """One query; authorise the conversation before. Raises NotFoundError for another conversation's message."""
    rows = Message.objects.filter(pk=message_id, conversation_id=conversation_id)
    row = rows.values_list("pk", "parent_id", "role", "state", "use_documents").first()
    if row is None:
        raise NotFoundError
    return _place(row)


def _place(row: Sequence[Any]) -> Place:
    return Place(message_id=row[0], parent_id=row[1], role=row[2], state=row[3], use_documents=row[4])


def conversations_of(*, user: User) -> QuerySet[Conversation]:
    """The person's own conversations, wherever they belong: theirs to change. Unordered."""
    return Conversation.objects.filter(owner=user, workspace_id__in=workspaces_open_to(user=user))


def conversations_readable_by(*, user: User) -> QuerySet[Conversation]:
    """All that the person may read: their own, and those shared with them or with a group of theirs.

    The one place that says who reads; pages, API, sockets and exports ask here. Reading under break-glass has a door of
    its own (`break_glass.py`), which leaves a trace each time.
    """
    granted = granted_ids(user=user, model=Conversation)
    return Conversation.objects.filter(
        Q(owner=user) | Q(pk__in=granted), workspace_id__in=workspaces_open_to(user=user)
    )


def conversation_list(
    *, user: User, query: str = "", is_pinned: bool | None = None, is_archived: bool | None = None
) -> QuerySet[Conversation]:
    """The person's own in the workspace they work in, unordered. `query`: words of the title or of a message."""
    rows = _matching(_in_current(conversations_of(user=user), user), query)
    if is_pinned is not None:
        rows = rows.filter(is_pinned=is_pinned)
    if is_archived is not None:
        rows = rows.filter(is_archived=is_archived)
    return rows


def conversations_shared_with(*, user: User, query: str = "") -> QuerySet[Conversation]:
    """Other people's that the person may read, in the workspace they work in, unordered; `owner` comes along."""
    granted = Conversation.objects.filter(
        pk__in=granted_ids(user=user, model=Conversation), workspace_id__in=workspaces_open_to(user=user)
    )
    return _matching(_in_current(granted, user).exclude(owner=user), query).select_related("owner")


def conversation_readable_require(*, user: User, conversation_id: UUID) -> Conversation:
    """To read. One query; `leaf`, `model` and `owner` come along. Raises NotFoundError."""
    rows = conversations_readable_by(user=user).filter(pk=conversation_id)
    conversation = rows.select_related("leaf", "model", "owner").first()
    if conversation is None:
        raise NotFoundError
    return conversation


def conversation_require(*, user: User, conversation_id: UUID) -> Conversation:
    """To change. One query; `leaf` and `model` come along.

    Raises NotFoundError for what the person may not see, ForbiddenError for what they may only read.
    """
    conversation = conversations_of(user=user).filter(pk=conversation_id).select_related("leaf", "model").first()
    if conversation is None:
        raise _refusal(conversations_readable_by(user=user).filter(pk=conversation_id))
    return conversation


def message_readable_require(*, user: User, message_id: UUID) -> Message:
    """To read. One query; `conversation` comes along. Raises NotFoundError."""
    readable = conversations_readable_by(user=user).values("pk")
    message = Message.objects.filter(pk=message_id, conversation__in=readable).select_related("conversation").first()
    if message is None:
        raise NotFoundError
    return message


def message_require(*, user: User, message_id: UUID) -> Message:
    """To ask again or otherwise. One query; `conversation` comes along. Raises as `conversation_require`."""
    own = conversations_of(user=user).values("pk")
    message = Message.objects.filter(pk=message_id, conversation__in=own).select_related("conversation").first()
    if message is None:
        raise _refusal(conversations_readable_by(user=user).filter(messages=message_id))
    return message


def citation_require(*, user: User, message_id: UUID, index: int) -> CitationShown:
    """What the reply cites as [index], for whoever may read the reply, with as much as they may see. One query.

    Raises NotFoundError.
    """
    rows = citations_of_reader(user=user).filter(message_id=message_id, index=index)
    row = rows.filter(message__conversation__in=conversations_readable_by(user=user).values("pk")).first()
    if row is None:
        raise NotFoundError
    return citation_shown(row)


def _refusal(readable: QuerySet[Conversation]) -> AppError:
    """What to raise for a conversation that is not the person's: it is there only for those who may read it."""
    if readable.exists():
        return ForbiddenError("This conversation is shared with you to read. Only its owner can change it.")
    return NotFoundError()


def _in_current(rows: QuerySet[Conversation], user: User) -> QuerySet[Conversation]:
    return rows.filter(workspace_id=workspace_current_key(user=user))


def _matching(rows: QuerySet[Conversation], query: str) -> QuerySet[Conversation]:
    """With the words in the title or in a message, in any case."""
    if not query.strip():
        return rows
    messages = Message.objects.filter(content__icontains=query.strip(), conversation__in=rows.values("pk"))
    return rows.filter(Q(title__icontains=query.strip()) | Q(pk__in=messages.values("conversation_id")))


def branch_to(message_id: UUID | None, *, limit: int = BRANCH_MAXIMUM) -> list[Message]:
    """The message and those it follows, oldest first, at most the last `limit`. One query; authorise before."""
    return list(Message.objects.raw(_BRANCH_SQL, [message_id, limit])) if message_id else []


def branch_of(conversation: Conversation, *, user: User) -> list[Message]:
    """The branch that is shown, oldest first, with citations as the reader may see them. Two queries.

    Authorise the conversation before.
    """
    messages = branch_to(conversation.leaf_id)
    citations_prefetch(messages, user=user)
    return messages


def turns_to(message_id: UUID, *, limit: int) -> list[Turn]:
    """Role and text of the message and those it follows, oldest first, at most the last `limit`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TURNS_SQL, [message_id, limit])
        return [Turn(role=role, content=content) for role, content in cursor.fetchall()]


def tree_of(conversation: Conversation, *, user: User) -> list[Message]:
    """Every message of every branch, oldest first, with citations as the reader may see them. Two queries.

    Authorise the conversation before.
    """
    messages = list(conversation.messages.order_by("pk"))
    citations_prefetch(messages, user=user)
    return messages


def siblings_of(messages: Sequence[Message]) -> dict[UUID, list[UUID]]:
    """Message -> the keys of all versions in its place, itself included, oldest first. One query."""
    if not messages:
        return {}
    rows = Message.objects.filter(conversation_id=messages[0].conversation_id).order_by("pk")
    places: dict[tuple[UUID | None, str], list[UUID]] = {}
    for key, parent, role in rows.values_list("pk", "parent_id", "role"):
        places.setdefault((parent, role), []).append(key)
    return {message.pk: places[(message.parent_id, message.role)] for message in messages}
