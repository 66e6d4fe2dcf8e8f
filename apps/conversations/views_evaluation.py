"""A golden question out of a reply, with one click where it is plain into which collection it goes."""

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected
from apps.conversations.evaluation import collections_for_message, golden_from_message
from chatbot.lib.forms import posted


class GoldenCollectionForm(forms.Form):
    collection = forms.TypedChoiceField(coerce=UUID)


@require_http_methods(["GET", "POST"])
def golden_new(request: UserRequest, message_id: UUID) -> HttpResponse:
    """By POST the question is proposed; without a collection, in the one that the reply cites most."""
    found = collections_for_message(user=request.user, message_id=message_id)
    data = posted(request)
    if data is not None and "collection" not in data and found and found[0][1]:
        data = data.copy()
        data["collection"] = str(found[0][0].pk)
    form = GoldenCollectionForm(data, initial={"collection": str(found[0][0].pk)} if found else None)
    form.fields["collection"].choices = [(str(row.pk), row.name) for row, _ in found]  # type: ignore[attr-defined]
    if form.is_valid():
        question = golden_from_message(
            user=request.user, message_id=message_id, collection_id=form.cleaned_data["collection"]
        )
        text = "Say what the right answer is; then the question is asked in every evaluation."
        return redirected(request, "rag:golden-edit", question.pk, text=text)
    context = {"form": form, "collections": found, "section": "", "settings_section": "evaluation"}
    return render(request, "conversations/golden_new.html", context, status=422 if form.errors else 200)
