"""Asking for, and ending, a look into another person's conversations."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.forms.break_glass import BreakGlassForm
from apps.accounts.permissions import permission_require
from apps.accounts.selectors.break_glass import break_glass_open_of
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.services.break_glass import break_glass_end, break_glass_open, break_glass_owner_require
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted


@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required(second_factor=True)
def break_glass_ask(request: UserRequest, user_id: UUID) -> HttpResponse:
    """The reason for a look into this person's conversations in the current workspace."""
    workspace = workspace_current(user=request.user)
    owner = break_glass_owner_require(actor=request.user, owner_id=user_id, workspace_id=workspace.pk)
    form = BreakGlassForm(posted(request))
    if form.is_valid():
        try:
            access = break_glass_open(
                actor=request.user, owner_id=owner.pk, workspace_id=workspace.pk, reason=form.cleaned_data["reason"]
            )
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            return redirect("conversations:break-glass-list", access.pk)
    context = {"form": form, "owner": owner, "workspace": workspace, "settings_section": "people"}
    return render(request, "accounts/break_glass_ask.html", context, status=422 if form.errors else 200)


@never_cache
@require_GET
def break_glass_mine(request: UserRequest) -> HttpResponse:
    """The accesses that I hold now."""
    workspace = workspace_current(user=request.user)
    permission_require(user=request.user, workspace_id=workspace.pk, permission="break_glass")
    context = {"accesses": break_glass_open_of(user=request.user), "settings_section": "people"}
    return render(request, "accounts/break_glass_list.html", context)


@require_POST
def break_glass_close(request: UserRequest, access_id: UUID) -> HttpResponse:
    break_glass_end(actor=request.user, access_id=access_id)
    messages.success(request, "The access has ended.")
    return redirect("accounts:break-glass-list")
