"""Pages and fragments of single messages and of what they cite."""

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.access import access_of
from apps.accounts.access_guard import AccessGuard
from apps.accounts.exceptions import NotAuthenticatedError
from apps.accounts.models import User
from apps.accounts.types import UserRequest
from apps.conversations.cited import citations_prefetch
from apps.conversations.contexts import sidebar_context
from apps.conversations.forms import QuestionEditForm
from apps.conversations.frames import KEEP_ALIVE, reply_frames
from apps.conversations.guarding import message_guard
from apps.conversations.rendering import message_html, message_views
from apps.conversations.selectors import message_readable_require, message_require
from apps.conversations.services import message_send, reply_regenerate
from apps.conversations.views import go
from chatbot.lib.errors import ForbiddenError
from chatbot.lib.forms import posted


@never_cache
@require_GET
def message_detail(request: UserRequest, message_id: UUID) -> HttpResponse:
    """The message as it is now: for pages that can neither hold a websocket nor an event stream, and after editing."""
    if not request.htmx:
        message = message_readable_require(user=request.user, message_id=message_id)
        return redirect("conversations:conversation-detail", message.conversation_id)
    is_frame = "oob" in request.GET
    return HttpResponse(message_html(user=request.user, message_id=message_id, oob=is_frame))


@never_cache
@require_GET
def message_frames(request: UserRequest, message_id: UUID) -> StreamingHttpResponse:
    """What the websocket sends, as an event stream."""
    message_readable_require(user=request.user, message_id=message_id)
    guard = message_guard(access_of(request, user=request.user), message_id)
    response = StreamingHttpResponse(_events(request.user, message_id, guard), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(user: User, message_id: UUID, guard: AccessGuard) -> AsyncIterator[str]:
    """Ends where the access does; the page then asks again, and is told."""
    with suppress(NotAuthenticatedError, ForbiddenError):
        async with guard:
            async for frame in reply_frames(user=user, message_id=message_id, guard=guard):
                if frame == KEEP_ALIVE:
                    yield ": still here\n\n"
                else:
                    yield "".join(f"data: {line}\n" for line in frame.splitlines()) + "\n"


@require_http_methods(["GET", "POST"])
def message_edit(request: UserRequest, message_id: UUID) -> HttpResponse:
    """Ask otherwise: the new question stands beside the old one."""
    message = message_require(user=request.user, message_id=message_id)
    form = QuestionEditForm(posted(request), initial={"content": message.content})
    if form.is_valid():
        message_send(
            actor=request.user,
            conversation_id=message.conversation_id,
            parent_id=message_id,
            content=form.cleaned_data["content"],
        )
        return go(request, reverse("conversations:conversation-detail", args=[message.conversation_id]))
    citations_prefetch([message], user=request.user)
    (view,) = message_views([message], user=request.user)
    context = {"form": form, "view": view}
    template = "conversations/_question_edit.html"
    if not request.htmx:
        context |= sidebar_context(user=request.user, current_id=message.conversation_id)
        template = "conversations/question_edit.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
def message_regenerate(request: UserRequest, message_id: UUID) -> HttpResponse:
    message = message_require(user=request.user, message_id=message_id)
    reply = reply_regenerate(actor=request.user, conversation_id=message.conversation_id, message_id=message_id)
    if not request.htmx:
        return redirect("conversations:conversation-detail", message.conversation_id)
    return render(request, "conversations/_sent.html", {"views": message_views([reply], user=request.user)})


@require_POST
def message_plain(request: UserRequest, message_id: UUID) -> HttpResponse:
    """The same question again, answered without documents; those that follow have them as before."""
    message = message_require(user=request.user, message_id=message_id)
    reply = reply_regenerate(
        actor=request.user, conversation_id=message.conversation_id, message_id=message_id, use_documents=False
    )
    if not request.htmx:
        return redirect("conversations:conversation-detail", message.conversation_id)
    return render(request, "conversations/_sent.html", {"views": message_views([reply], user=request.user)})
