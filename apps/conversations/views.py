"""Pages and fragments of conversations."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.types import UserRequest
from apps.conversations.contexts import (
    composer_context,
    reading_context,
    shared_context,
    sidebar_context,
    starters_for,
)
from apps.conversations.forms import BranchForm, QuestionForm, RenameForm
from apps.conversations.models import Conversation
from apps.conversations.rendering import message_views
from apps.conversations.selectors import branch_of, conversation_readable_require, conversation_require
from apps.conversations.services import (
    branch_select,
    conversation_create,
    conversation_delete,
    conversation_update,
    message_send,
    reply_stop,
)
from chatbot.lib.forms import posted


@require_GET
def conversation_new(request: UserRequest) -> HttpResponse:
    return _new_page(request)


def _new_page(request: UserRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= sidebar_context(user=request.user) | {"starters": starters_for(user=request.user)}
    context |= reading_context(user=request.user, conversation=None)
    context = composer_context(user=request.user, conversation=None) | context
    return render(request, "conversations/conversation_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
def conversation_list(request: UserRequest) -> HttpResponse:
    """The list, or by POST a new conversation that begins with a question."""
    if request.method == "POST":
        return _conversation_begin(request)
    cursor = request.GET.get("cursor") or None
    context = sidebar_context(
        user=request.user,
        query=request.GET.get("q", ""),
        cursor=cursor,
        last_group=request.GET.get("last", ""),
        current_url=request.htmx.current_url_abs_path,
    )
    if not request.htmx:
        return render(request, "conversations/conversation_list.html", context)
    template = "_conversation_groups" if cursor else "_conversation_list"
    return render(request, f"conversations/{template}.html", context)


@require_GET
def conversation_shared(request: UserRequest) -> HttpResponse:
    """All that others share with the person."""
    context = shared_context(user=request.user, cursor=request.GET.get("cursor") or None)
    if request.htmx:
        return render(request, "conversations/_shared_page.html", context)
    context |= sidebar_context(user=request.user)
    return render(request, "conversations/conversation_shared.html", context)


def _conversation_begin(request: UserRequest) -> HttpResponse:
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _refused(request, form) or _new_page(
            request, status=422, content=form.data.get("content", ""), error=_first_error(form)
        )
    conversation = conversation_create(
        actor=request.user,
        model_id=form.cleaned_data["model"],
        use_documents=form.cleaned_data["use_documents"],
    )
    message_send(actor=request.user, conversation_id=conversation.pk, content=form.cleaned_data["content"])
    return go(request, reverse("conversations:conversation-detail", args=[conversation.pk]))


@require_GET
def conversation_detail(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    return _detail_page(request, conversation_id)


def _detail_page(request: UserRequest, conversation_id: UUID, *, status: int = 200, **context: Any) -> HttpResponse:
    conversation = conversation_readable_require(user=request.user, conversation_id=conversation_id)
    context |= sidebar_context(user=request.user, current_id=conversation.pk)
    context |= reading_context(user=request.user, conversation=conversation)
    is_readonly = bool(context["readonly"])
    views = message_views(branch_of(conversation, user=request.user), user=request.user, is_readonly=is_readonly)
    context |= {"conversation": conversation, "views": views, "is_own": conversation.owner_id == request.user.pk}
    context = composer_context(user=request.user, conversation=conversation) | context
    return render(request, "conversations/conversation_detail.html", context, status=status)


@require_POST
def message_create(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _refused(request, form) or _detail_page(
            request,
            conversation_id,
            status=422,
            content=form.data.get("content", ""),
            error=_first_error(form),
        )
    conversation_update(
        actor=request.user,
        conversation_id=conversation_id,
        use_documents=form.cleaned_data["use_documents"],
        model_id=form.cleaned_data["model"],
    )
    sent = message_send(actor=request.user, conversation_id=conversation_id, content=form.cleaned_data["content"])
    if not request.htmx:
        return redirect("conversations:conversation-detail", conversation_id)
    return render(request, "conversations/_sent.html", {"views": message_views(sent, user=request.user)})


def _refused(request: UserRequest, form: QuestionForm) -> HttpResponse | None:
    """For htmx only the sentence below the box: the box itself keeps what was written."""
    if not request.htmx:
        return None
    headers = {"HX-Retarget": "#composer-error", "HX-Reswap": "textContent"}
    return HttpResponse(_first_error(form), status=422, headers=headers, content_type="text/plain")


def _first_error(form: QuestionForm) -> str:
    return next(str(errors[0]) for errors in form.errors.values())


@require_POST
def conversation_stop(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    reply_stop(actor=request.user, conversation_id=conversation_id)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("conversations:conversation-detail", conversation_id)


@require_POST
def branch_choose(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    form = BranchForm(request.POST)
    if form.is_valid():
        message_id = form.cleaned_data["message"]
        branch_select(actor=request.user, conversation_id=conversation_id, message_id=message_id)
    return redirect("conversations:conversation-detail", conversation_id)


@require_GET
def conversation_item(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_require(user=request.user, conversation_id=conversation_id)
    return _item(request, conversation)


def _item(request: UserRequest, conversation: Conversation) -> HttpResponse:
    shown = reverse("conversations:conversation-detail", args=[conversation.pk])
    is_current = request.htmx.current_url_abs_path == shown
    context = {
        "conversation": conversation,
        "current_id": conversation.pk if is_current else None,
        "is_focused": True,
    }
    return render(request, "conversations/_conversation_item.html", context)


@require_http_methods(["GET", "POST"])
def conversation_rename(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    conversation = conversation_require(user=request.user, conversation_id=conversation_id)
    form = RenameForm(posted(request), initial={"title": conversation.title})
    if form.is_valid():
        conversation = conversation_update(
            actor=request.user, conversation_id=conversation_id, title=form.cleaned_data["title"]
        )
        if not request.htmx:
            return redirect("conversations:conversation-detail", conversation_id)
        return _item(request, conversation)
    context: dict[str, Any] = {"conversation": conversation, "form": form}
    template = "conversations/_conversation_rename.html"
    if not request.htmx:
        context |= sidebar_context(user=request.user, current_id=conversation_id)
        template = "conversations/conversation_rename.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def conversation_remove(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    if request.method == "POST":
        conversation_delete(actor=request.user, conversation_id=conversation_id)
        shown = reverse("conversations:conversation-detail", args=[conversation_id])
        if request.htmx and request.htmx.current_url_abs_path != shown:
            return HttpResponse(headers={"HX-Trigger": "dialog-close"})
        return go(request, reverse("conversations:conversation-new"))
    context: dict[str, Any] = {"conversation": conversation_require(user=request.user, conversation_id=conversation_id)}
    template = "conversations/_conversation_delete.html"
    if not request.htmx:
        context |= sidebar_context(user=request.user, current_id=conversation_id)
        template = "conversations/conversation_delete.html"
    return render(request, template, context)


def go(request: UserRequest, url: str) -> HttpResponse:
    """To another page: by redirect, or as htmx wants to be told."""
    return HttpResponse(status=204, headers={"HX-Redirect": url}) if request.htmx else redirect(url)
