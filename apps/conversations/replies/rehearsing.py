"""A whole reply that nobody asked for: for evaluations. It goes the way of all replies, but is stored nowhere."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import connection
from typing_extensions import override

from apps.accounts.models import User
from apps.conversations.leases import Lease, Outcome
from apps.conversations.models import Citation, Message
from apps.conversations.replies.answering import Reply
from apps.conversations.replies.preparing import Work, work_prepare
from apps.conversations.types import Turn
from apps.llm.selectors import model_default, model_require
from chatbot.lib.errors import UnavailableError


class Rehearsal(Reply):
    """A reply to one question without history, in the asker's name. Its stream is never opened, so nobody sees it."""

    def __init__(self, lease: Lease, question: str) -> None:
        super().__init__(lease)
        self._question = question

    def outcome(self) -> tuple[Outcome, Sequence[Citation]]:
        """How it ends, with unsaved citations. Blocks; from a task's thread. Raises UnavailableError."""
        ended = self._outcome()
        if ended is None:
            raise UnavailableError
        return ended, self._citations

    @override
    def _prepared(self) -> Work:
        try:
            return work_prepare(self.lease, turns=[Turn(role=Message.Role.USER, content=self._question)])
        finally:
            connection.close()


def lease_made_up(*, user: User, workspace_id: UUID, collection_ids: Sequence[UUID], model_id: UUID | None) -> Lease:
    """As if the person had asked in a new conversation about these collections. Raises NoModelError, NotFoundError."""
    model = model_require(user=user, model_id=model_id) if model_id else model_default(user=user)
    return Lease(
        message_id=uuid4(),
        token=uuid4(),
        attempt=0,
        parent_id=uuid4(),
        model_id=model.pk,
        params={},
        workspace_id=workspace_id,
        conversation_id=uuid4(),
        owner_id=user.pk,
        system_prompt="",
        document_ids=(),
        collection_ids=tuple(collection_ids),
        searches=True,
    )
