"""The websocket of a page: one reply's frames. Nothing is read from the client."""

import asyncio
import logging
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from typing_extensions import override

from apps.accounts.access import Access, access_by_session
from apps.accounts.exceptions import NotAuthenticatedError
from apps.accounts.models import User
from apps.accounts.second_factor.enforcement import second_factor_session_require
from apps.conversations.frames import KEEP_ALIVE, reply_frames
from apps.conversations.guarding import message_guard
from apps.conversations.selectors import message_readable_require
from chatbot.lib.errors import AppError, ForbiddenError, NotFoundError

logger = logging.getLogger(__name__)

NOT_SIGNED_IN = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
TRY_LATER = 4503
DONE = 1000


class ReplyConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Accepts first, so that the page learns from the close code why nothing comes."""

    _sender: asyncio.Task[None] | None = None

    @override
    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        if not isinstance(user, User) or not user.is_active:
            await self.close(NOT_SIGNED_IN)
            return
        self._sender = asyncio.create_task(self._send_frames(user, self.scope["url_route"]["kwargs"]["message_id"]))
        self._sender.add_done_callback(_failure_log)

    @override
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        pass

    @override
    async def disconnect(self, code: int) -> None:
        if self._sender:
            self._sender.cancel()

    async def _send_frames(self, user: User, message_id: UUID) -> None:
        code = TRY_LATER
        try:
            async with message_guard(self._access(user), message_id) as guard:
                await database_sync_to_async(self._readable_require)(user, message_id)
                async for frame in reply_frames(user=user, message_id=message_id, guard=guard):
                    if frame != KEEP_ALIVE:
                        await self.send(frame)
            code = DONE
        except AppError as error:
            code = close_code(error)
        finally:
            await self.close(code)

    def _access(self, user: User) -> Access:
        """Of sockets the session alone: no token and no key opens one."""
        return access_by_session(user=user, session_key=self.scope["session"].session_key)

    def _readable_require(self, user: User, message_id: UUID) -> None:
        second_factor_session_require(self.scope["session"], user=user)
        message_readable_require(user=user, message_id=message_id)


def close_code(error: AppError) -> int:
    match error:
        case NotFoundError():
            return NOT_FOUND
        case NotAuthenticatedError():
            return NOT_SIGNED_IN
        case ForbiddenError():
            return FORBIDDEN
        case _:
            return TRY_LATER


def _failure_log(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled() and task.exception():
        logger.error("A reply's frames broke off.", exc_info=task.exception())
