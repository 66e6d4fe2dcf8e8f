"""Writes: conversations, questions, and the replies they ask for."""

from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from typing_extensions import Unpack

from apps.accounts.models import User
from apps.accounts.permissions import permission_require, role_allows_check
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.services.quotas import quota_message_take, quota_refusals_recorded
from apps.audit.actions import CONVERSATION_DELETED, QUESTION_ASKED
from apps.audit.services import event_record
from apps.conversations.exceptions import ConversationChangedError, ReplyOpenError
from apps.conversations.models import Conversation, Message
from apps.conversations.selectors import conversation_for_question, conversation_require, place_require
from apps.conversations.streams import replies_end, replies_stop
from apps.conversations.types import AskedConversation, Place
from apps.documents.selectors import collections_visible_to, documents_visible_to
from apps.llm.exceptions import NoModelError
from apps.llm.models import ModelProfile
from apps.llm.selectors import model_offered, model_require
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.queue import task_enqueue

CONTENT_MAXIMUM = 200_000
TITLE_LENGTH = 60
TITLE_MAXIMUM = 200
_PARAMS: dict[str, tuple[type, float, float]] = {
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "max_tokens": (int, 1, 1_000_000),
}


class ConversationFields(TypedDict, total=False):
    """What people set on a conversation. `params`: temperature 0..2, top_p 0..1, max_tokens."""

    title: str
    model_id: UUID | None
    system_prompt: str
    use_documents: bool
    document_ids: Sequence[UUID]
    collection_ids: Sequence[UUID]
    params: dict[str, Any]
    is_pinned: bool
    is_archived: bool


@transaction.atomic
def conversation_create(*, actor: User, **fields: Unpack[ConversationFields]) -> Conversation:
    """A new, empty conversation in the workspace that the person works in.

    Raises ForbiddenError for viewers, NotFoundError for a model or document they may not see, ValidationFailedError.
    """
    workspace = workspace_current(user=actor)
    permission_require(user=actor, workspace_id=workspace.pk, permission="conversation_write")
    checked = _fields_checked(actor, workspace.pk, fields)
    return Conversation.objects.create(workspace=workspace, owner=actor, updated_at=timezone.now(), **checked)


@transaction.atomic
def conversation_update(*, actor: User, conversation_id: UUID, **fields: Unpack[ConversationFields]) -> Conversation:
    """Change what is given and nothing else. Raises NotFoundError, ForbiddenError, ValidationFailedError."""
    conversation = _conversation_to_change(actor, conversation_id)
    checked = _fields_checked(actor, conversation.workspace_id, fields)
    if checked:
        for name, value in checked.items():
            setattr(conversation, name, value)
        conversation.save(update_fields=list(checked))
    return conversation


@transaction.atomic
def conversation_delete(*, actor: User, conversation_id: UUID) -> None:
    """Delete it with all its messages; a reply that is being written ends. Raises NotFoundError, ForbiddenError."""
    conversation = _conversation_to_change(actor, conversation_id)
    states = dict(conversation.messages.values_list("pk", "state"))
    still_open = [key for key, state in states.items() if state in Message.OPEN_STATES]
    event_record(
        action=CONVERSATION_DELETED,
        actor=actor,
        workspace_id=conversation.workspace_id,
        target=conversation,
        data={"messages": len(states)},
    )
    conversation.delete()
    if still_open:
        transaction.on_commit(lambda: replies_stop(still_open))
        transaction.on_commit(lambda: replies_end(still_open))


@transaction.atomic
def branch_select(*, actor: User, conversation_id: UUID, message_id: UUID) -> Conversation:
    """Show the branch that runs through the message: down to the newest message after it.

    Raises NotFoundError, ForbiddenError.
    """
    conversation = _conversation_to_change(actor, conversation_id)
    children: dict[UUID | None, list[UUID]] = {}
    for key, parent in conversation.messages.order_by("pk").values_list("pk", "parent_id"):
        children.setdefault(parent, []).append(key)
    if not any(message_id in keys for keys in children.values()):
        raise NotFoundError
    leaf = message_id
    while leaf in children:
        leaf = children[leaf][-1]
    conversation.leaf_id = leaf
    conversation.save(update_fields=["leaf"])
    return conversation


@quota_refusals_recorded
@transaction.atomic
def message_send(
    *, actor: User, conversation_id: UUID, content: str, parent_id: UUID | None = None, model_id: UUID | None = None
) -> tuple[Message, Message]:
    """Store a question and the queued reply to it; a worker starts on commit. Returns (question, reply).

    `parent_id`: the reply that the question follows, by default the last one shown. A question's key means "in place
    of that question": the new one becomes its sibling. Six queries, seven with
    `parent_id`.

    Raises NotFoundError, ForbiddenError for viewers, ValidationFailedError for an empty or over-long text,
    ReplyOpenError while the reply before it is open, ConversationChangedError when another question came first,
    NoModelError, QuotaExceededError.
    """
    content = _content_checked(content)
    conversation = conversation_for_question(user=actor, conversation_id=conversation_id)
    role_allows_check(conversation.role, permission="conversation_write")
    question = Message(
        workspace_id=conversation.workspace_id,
        conversation_id=conversation_id,
        parent_id=_message_before(conversation, parent_id),
        role=Message.Role.USER,
        content=content,
    )
    reply = _reply_new(conversation, question, _model_for(conversation, model_id))
    Message.objects.bulk_create([question, reply])
    _leaf_move(conversation, leaf=reply, title=conversation.title or title_from(content))
    _asked(actor, question, reply)
    return question, reply


@quota_refusals_recorded
@transaction.atomic
def reply_regenerate(
    *,
    actor: User,
    conversation_id: UUID,
    message_id: UUID,
    model_id: UUID | None = None,
    use_documents: bool | None = None,
) -> Message:
    """Another reply to the same question, beside the reply `message_id`. A question's key means: a reply to it.

    `use_documents` False: this reply does without them, and the conversation keeps them for what is asked next; True:
    as the conversation does; None: as the reply beside which it stands. Raises as message_send does.
    """
    conversation = conversation_for_question(user=actor, conversation_id=conversation_id)
    role_allows_check(conversation.role, permission="conversation_write")
    _closed_check(conversation.leaf)
    message = place_require(conversation_id=conversation_id, message_id=message_id)
    _closed_check(message)
    question_id = message.message_id if message.role == Message.Role.USER else message.parent_id
    if question_id is None:
        raise NotFoundError
    question = Message.objects.get(pk=question_id)
    reply = _reply_new(conversation, question, _model_for(conversation, model_id))
    reply.use_documents = message.use_documents if use_documents is None else use_documents
    reply.save(force_insert=True)
    _leaf_move(conversation, leaf=reply, title=conversation.title)
    _asked(actor, question, reply)
    return reply


@transaction.atomic
def reply_stop(*, actor: User, conversation_id: UUID) -> list[UUID]:
    """Stop what is being written in the conversation; the text so far stays. Returns the replies' keys.

    A queued reply ends at once, a running one as soon as its worker sees the flag. Nothing open: nothing happens.
    Raises NotFoundError, ForbiddenError.
    """
    conversation = _conversation_to_change(actor, conversation_id)
    open_replies = conversation.messages.select_for_update().filter(state__in=Message.OPEN_STATES)
    states = dict(open_replies.values_list("pk", "state"))
    queued = [key for key, state in states.items() if state == Message.State.QUEUED]
    running = [key for key, state in states.items() if state == Message.State.RUNNING]
    if queued:
        Message.objects.filter(pk__in=queued).update(
            state=Message.State.STOPPED, finish_reason="stopped", stop_requested=True, finished_at=timezone.now()
        )
        transaction.on_commit(lambda: replies_end(queued))
    if running:
        Message.objects.filter(pk__in=running).update(stop_requested=True)
        transaction.on_commit(lambda: replies_stop(running))
    return list(states)


def title_from(question: str) -> str:
    """The question's beginning as a title: whole words, about sixty characters, one line."""
    words = " ".join(question.split())
    if len(words) <= TITLE_LENGTH:
        return words
    head, _, _ = words[: TITLE_LENGTH + 1].rpartition(" ")
    return f"{(head or words[:TITLE_LENGTH]).rstrip(' ,;:.-')}…"


def _conversation_to_change(actor: User, conversation_id: UUID) -> Conversation:
    conversation = conversation_require(user=actor, conversation_id=conversation_id)
    permission_require(user=actor, workspace_id=conversation.workspace_id, permission="conversation_write")
    return conversation


def _content_checked(content: str) -> str:
    content = content.replace("\x00", "")
    if not content.strip():
        raise ValidationFailedError(errors={"content": "Write a question first."})
    if len(content) > CONTENT_MAXIMUM:
        raise ValidationFailedError(errors={"content": f"At most {CONTENT_MAXIMUM:,} characters."})
    return content


def _fields_checked(actor: User, workspace_id: UUID, fields: ConversationFields) -> dict[str, Any]:
    """The fields as the model stores them. Documents and collections must be the workspace's."""
    checked: dict[str, Any] = dict(fields)
    if "title" in fields:
        checked["title"] = " ".join(fields["title"].replace("\x00", "").split())[:TITLE_MAXIMUM]
    if "system_prompt" in fields:
        checked["system_prompt"] = fields["system_prompt"].replace("\x00", "")
        if len(checked["system_prompt"]) > CONTENT_MAXIMUM:
            raise ValidationFailedError(errors={"system_prompt": f"At most {CONTENT_MAXIMUM:,} characters."})
    model_id = fields.get("model_id")
    if model_id is not None:
        model_require(user=actor, model_id=model_id)
    if "params" in fields:
        checked["params"] = _params_checked(fields["params"])
    for name in ("document_ids", "collection_ids"):
        if name in fields:
            checked[name] = list(dict.fromkeys(checked[name]))
    for name, visible in (("document_ids", documents_visible_to), ("collection_ids", collections_visible_to)):
        keys = checked.get(name)
        if keys and visible(user=actor).filter(pk__in=keys, workspace_id=workspace_id).count() != len(keys):
            raise NotFoundError
    return checked


def _params_checked(params: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for name, value in params.items():
        if name not in _PARAMS:
            raise ValidationFailedError(errors={"params": f"There is no parameter {name[:40]!r}."})
        if value is None:
            continue
        kind, low, high = _PARAMS[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high or (kind is int and value != int(value)):
            raise ValidationFailedError(errors={"params": f"{name} must be between {low:g} and {high:g}."})
        checked[name] = kind(value)
    return checked


def _closed_check(place: Place | None) -> None:
    if place is not None and place.state in Message.OPEN_STATES:
        raise ReplyOpenError


def _message_before(conversation: AskedConversation, parent_id: UUID | None) -> UUID | None:
    """The key of the message that a new question follows, None at the beginning."""
    parent = conversation.leaf
    _closed_check(parent)
    if parent_id is not None and (parent is None or parent_id != parent.message_id):
        parent = place_require(conversation_id=conversation.conversation_id, message_id=parent_id)
        _closed_check(parent)
    if parent is None:
        return None
    return parent.parent_id if parent.role == Message.Role.USER else parent.message_id


def _model_for(conversation: AskedConversation, model_id: UUID | None) -> ModelProfile:
    """The model asked for, else the conversation's if it is still to be had, else the default.

    The conversation was found, so the person is a member of its workspace.
    """
    if model_id is not None:
        model = model_offered(model_id)
        if model is None:
            raise NotFoundError
        return model
    model = model_offered(conversation.model_id) or model_offered(None)
    if model is None:
        raise NoModelError
    return model


def _reply_new(conversation: AskedConversation, question: Message, model: ModelProfile) -> Message:
    return Message(
        workspace_id=conversation.workspace_id,
        conversation_id=conversation.conversation_id,
        parent=question,
        role=Message.Role.ASSISTANT,
        state=Message.State.QUEUED,
        phase="queued",
        model=model,
        model_name=model.name,
        params=dict(conversation.params),
        enqueued_at=timezone.now(),
    )


def _leaf_move(conversation: AskedConversation, *, leaf: Message, title: str) -> None:
    """Show the new reply, unless another question moved the leaf since it was read: no lock is held meanwhile."""
    before = conversation.leaf.message_id if conversation.leaf else None
    rows = Conversation.objects.filter(pk=conversation.conversation_id, leaf_id=before)
    if not rows.update(leaf_id=leaf.pk, title=title, updated_at=timezone.now()):
        raise ConversationChangedError


def _asked(actor: User, question: Message, reply: Message) -> None:
    """Count and audit the question, and wake a worker for the reply on commit."""
    quota_message_take(user=actor, workspace_id=question.workspace_id)
    event_record(
        action=QUESTION_ASKED,
        actor=actor,
        workspace_id=question.workspace_id,
        target=question,
        data={"conversation_id": question.conversation_id, "reply_id": reply.pk, "model_id": reply.model_id},
    )
    _enqueue_on_commit(reply)


def _enqueue_on_commit(reply: Message) -> None:
    from apps.conversations.tasks import reply_generate

    key = str(reply.pk)
    transaction.on_commit(lambda: task_enqueue(reply_generate, key))
