"""Makes rows of this app for tests."""

from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.conversations.models import Conversation, Message


def conversation_make(owner: User, **fields: Any) -> Conversation:
    workspace = owner.workspaces.get()
    return Conversation.objects.create(
        workspace=workspace, owner=owner, **{"updated_at": timezone.now(), "use_documents": False, **fields}
    )


def message_make(conversation: Conversation, parent: Message | None = None, **fields: Any) -> Message:
    """A message at the end of the shown branch, or after `parent`."""
    message = Message.objects.create(
        workspace_id=conversation.workspace_id,
        conversation=conversation,
        parent=parent or conversation.leaf,
        **{"role": Message.Role.USER, "content": "Why?", **fields},
    )
    conversation.leaf = message
    conversation.save(update_fields=["leaf"])
    return message


def reply_make(conversation: Conversation, **fields: Any) -> Message:
    """A question and a queued reply to it."""
    question = message_make(conversation)
    return message_make(
        conversation,
        question,
        **{
            "role": Message.Role.ASSISTANT,
            "content": "",
            "state": Message.State.QUEUED,
            "phase": "queued",
            "model": conversation.model,
            "enqueued_at": timezone.now(),
            **fields,
        },
    )
