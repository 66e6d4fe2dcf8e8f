"""The dialog in which a person shares a conversation."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.forms.sharing import ShareForm
from apps.accounts.sharing import share_context
from apps.accounts.types import UserRequest
from apps.conversations.contexts import sidebar_context
from apps.conversations.sharing import conversation_share as share
from apps.conversations.sharing import conversation_shareable, conversation_unshare


@require_http_methods(["GET", "POST"])
def conversation_share(request: UserRequest, conversation_id: UUID) -> HttpResponse:
    """Who reads it, and by POST one more or one less."""
    form = ShareForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        added, removed = form.cleaned_data["add"], form.cleaned_data["remove"]
        if added:
            share(actor=request.user, conversation_id=conversation_id, grantee_id=added)
        else:
            conversation_unshare(actor=request.user, conversation_id=conversation_id, grantee_id=removed)
        if not request.htmx:
            return redirect("conversations:conversation-share", conversation_id)
    conversation = conversation_shareable(user=request.user, conversation_id=conversation_id)
    address = reverse("conversations:conversation-share", args=[conversation_id])
    context: dict[str, Any] = share_context(
        user=request.user, target=conversation, query=request.GET.get("q", ""), address=address
    )
    context |= {"conversation": conversation, "status": 422 if form is not None and form.errors else 200}
    if request.htmx.target == "share-found":
        return render(request, "components/_share_found.html", context)
    if request.htmx:
        return render(request, "conversations/_conversation_share.html", context, status=context["status"])
    context |= sidebar_context(user=request.user, current_id=conversation_id)
    return render(request, "conversations/conversation_share.html", context, status=context["status"])
