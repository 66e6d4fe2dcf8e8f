"""What is noted of the use of a browser session, an API sign-in or an API key."""

from datetime import timedelta
from typing import Any

from chatbot.lib.request_context import request_context

# A write with each request would cost more than the request's own look at the row.
USE_NOTED_EVERY = timedelta(minutes=1)


def use_fields() -> dict[str, Any]:
    """Of the request that is being answered; nothing for a socket, which belongs to a page that made one."""
    context = request_context()
    return {"address": context.ip_address, "user_agent": context.user_agent} if context.request_id else {}
