"""What the asker can learn about a reply and say of it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.types import UserRequest
from apps.conversations.contexts import sidebar_context
from apps.conversations.explaining import explanation_of, passage_explained
from apps.conversations.feedback import feedback_give, feedback_withdraw
from apps.conversations.forms import FeedbackForm
from apps.conversations.selectors import message_require


@never_cache
@require_GET
def message_why(request: UserRequest, message_id: UUID) -> HttpResponse:
    """How the reply came by its passages."""
    explanation = explanation_of(user=request.user, message_id=message_id)
    context: dict[str, Any] = {"explanation": explanation}
    if request.htmx:
        return render(request, "conversations/_why.html", context)
    context |= sidebar_context(user=request.user, current_id=explanation.message.conversation_id)
    return render(request, "conversations/message_why.html", context)


@never_cache
@require_GET
def passage_detail(request: UserRequest, message_id: UUID, rank: int) -> HttpResponse:
    """A passage that was found for the reply, as far as the person may see it now."""
    passage = passage_explained(user=request.user, message_id=message_id, rank=rank)
    context: dict[str, Any] = {"passage": passage}
    if request.htmx:
        return render(request, "conversations/_passage.html", context)
    message = message_require(user=request.user, message_id=message_id)
    context |= sidebar_context(user=request.user, current_id=message.conversation_id) | {"message": message}
    return render(request, "conversations/passage_detail.html", context)


@require_POST
def message_feedback(request: UserRequest, message_id: UUID) -> HttpResponse:
    """Rate the reply; a rating of 0 takes it back."""
    message = message_require(user=request.user, message_id=message_id)
    form = FeedbackForm(request.POST)
    rating, reason = 0, ""
    if form.is_valid():
        rating, reason = form.cleaned_data["rating"], form.cleaned_data["reason"]
        if rating:
            feedback_give(actor=request.user, message_id=message_id, rating=rating, reason=reason)
        else:
            feedback_withdraw(actor=request.user, message_id=message_id)
    if not request.htmx:
        return redirect("conversations:conversation-detail", message.conversation_id)
    context = {"message": message, "rating": rating, "reason": reason, "form": form, "is_new": True}
    context["has_sources"] = message.citations.exists()
    return render(request, "conversations/_feedback.html", context, status=200 if form.is_valid() else 422)
