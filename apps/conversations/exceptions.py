"""What can go wrong in a conversation."""

from chatbot.lib.errors import AppError


class ReplyOpenError(AppError):
    code = "reply_open"
    status = 409
    title = "The last question is still being answered. Wait for the reply or stop it."


class ConversationChangedError(AppError):
    code = "conversation_changed"
    status = 409
    title = "The conversation changed in another window. Look at it again, then ask."
