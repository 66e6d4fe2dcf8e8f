"""Reads: whose conversations, which messages. A conversation is its owner's alone, while they are in its workspace."""

import json
from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, prefetch_related_objects

from apps.accounts.models import User
from apps.conversations.models import Citation, Conversation, Message
from apps.conversations.types import AskedConversation, Place, Turn
from chatbot.lib.errors import NotFoundError

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
_FOR_QUESTION_SQL = """
SELECT c.workspace_id, membership.role, c.title, c.params::text, c.model_id,
    leaf.id, leaf.parent_id, leaf.role, leaf.state
FROM conversations_conversation c
JOIN accounts_membership membership ON membership.workspace_id = c.workspace_id AND membership.user_id = %s
LEFT JOIN conversations_message leaf ON leaf.id = c.leaf_id
WHERE c.id = %s AND c.owner_id = %s
"""


def conversation_for_question(*, user: User, conversation_id: UUID) -> AskedConversation:
    """What a new question needs to know. One query, a tenth of the cost of `conversation_require`.

    Raises NotFoundError.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOR_QUESTION_SQL, [user.pk, conversation_id, user.pk])
        row = cursor.fetchone()
    if row is None:
        raise NotFoundError
    workspace_id, role, title, params, model_id, leaf_id, leaf_parent_id, leaf_role, leaf_state = row
    leaf = leaf_id and Place(message_id=leaf_id, parent_id=leaf_parent_id, role=leaf_role, state=leaf_state)
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
    row = rows.values_list("pk", "parent_id", "role", "state").first()
    if row is None:
        raise NotFoundError
    return Place(message_id=row[0], parent_id=row[1], role=row[2], state=row[3])


def conversations_of(
    *, user: User, query: str = "", is_pinned: bool | None = None, is_archived: bool | None = None
) -> QuerySet[Conversation]:
    """The person's conversations, unordered. `query`: words of the title or of a message, in any case."""
    rows = Conversation.objects.filter(owner=user, workspace__memberships__user=user)
    if query.strip():
        messages = Message.objects.filter(content__icontains=query.strip()).values("conversation_id")
        rows = rows.filter(Q(title__icontains=query.strip()) | Q(pk__in=messages.filter(conversation__owner=user)))
    if is_pinned is not None:
        rows = rows.filter(is_pinned=is_pinned)
    if is_archived is not None:
        rows = rows.filter(is_archived=is_archived)
    return rows


def conversation_require(*, user: User, conversation_id: UUID) -> Conversation:
    """One query; `leaf` and `model` come along. Raises NotFoundError."""
    conversation = conversations_of(user=user).filter(pk=conversation_id).select_related("leaf", "model").first()
    if conversation is None:
        raise NotFoundError
    return conversation


def message_require(*, user: User, message_id: UUID) -> Message:
    """One query; `conversation` comes along. Raises NotFoundError."""
    message = (
        Message.objects.filter(pk=message_id, conversation__owner=user, conversation__workspace__memberships__user=user)
        .select_related("conversation")
        .first()
    )
    if message is None:
        raise NotFoundError
    return message


def citation_require(*, user: User, message_id: UUID, index: int) -> Citation:
    """The passage that the reply cites as [index]. One query; `message` comes along. Raises NotFoundError."""
    rows = Citation.objects.filter(message_id=message_id, index=index).select_related("message")
    owned = rows.filter(message__conversation__in=conversations_of(user=user).values("pk"))
    citation = owned.first()
    if citation is None:
        raise NotFoundError
    return citation


def branch_to(message_id: UUID | None, *, limit: int = BRANCH_MAXIMUM) -> list[Message]:
    """The message and those it follows, oldest first, at most the last `limit`. One query; authorise before."""
    return list(Message.objects.raw(_BRANCH_SQL, [message_id, limit])) if message_id else []


def branch_of(conversation: Conversation) -> list[Message]:
    """The branch that is shown, oldest first, with citations. Two queries; authorise the conversation before."""
    messages = branch_to(conversation.leaf_id)
    prefetch_related_objects(messages, "citations")
    return messages


def turns_to(message_id: UUID, *, limit: int) -> list[Turn]:
    """Role and text of the message and those it follows, oldest first, at most the last `limit`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_TURNS_SQL, [message_id, limit])
        return [Turn(role=role, content=content) for role, content in cursor.fetchall()]


def tree_of(conversation: Conversation) -> QuerySet[Message]:
    """Every message of every branch, oldest first, with citations. Authorise the conversation before."""
    return conversation.messages.order_by("pk").prefetch_related("citations")


def siblings_of(messages: Sequence[Message]) -> dict[UUID, list[UUID]]:
    """Message -> the keys of all versions in its place, itself included, oldest first. One query."""
    if not messages:
        return {}
    rows = Message.objects.filter(conversation_id=messages[0].conversation_id).order_by("pk")
    places: dict[tuple[UUID | None, str], list[UUID]] = {}
    for key, parent, role in rows.values_list("pk", "parent_id", "role"):
        places.setdefault((parent, role), []).append(key)
    return {message.pk: places[(message.parent_id, message.role)] for message in messages}
