"""Going to another workspace."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.accounts.forms.workspaces import SwitchForm
from apps.accounts.services.workspaces import workspace_switch
from apps.accounts.types import UserRequest
from chatbot.lib.errors import NotFoundError


@require_POST
def switch(request: UserRequest) -> HttpResponse:
    """To the workspace's beginning: what was open belongs to the one before."""
    form = SwitchForm(request.POST)
    if not form.is_valid():
        raise NotFoundError
    workspace = workspace_switch(actor=request.user, workspace_id=form.cleaned_data["workspace"])
    messages.success(request, f"You now work in {workspace.name}.")
    return redirect("/")
