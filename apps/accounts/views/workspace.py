"""The settings of a workspace; for super admins also which workspaces there are."""

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.forms.workspace import SecondFactorForm, WorkspaceLimitsForm, WorkspaceNameForm
from apps.accounts.models import Workspace
from apps.accounts.selectors.people import workspace_administered, workspaces_counted
from apps.accounts.services.workspace_settings import workspace_change
from apps.accounts.services.workspaces import workspace_create
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected

_PERMISSION = "workspace_manage"


@require_GET
def workspace(request: UserRequest) -> HttpResponse:
    return _page(request, workspace_administered(user=request.user, permission=_PERMISSION))


@require_POST
def workspace_name(request: UserRequest) -> HttpResponse:
    return _save(request, "name_form", WorkspaceNameForm, "The name is saved.")


@require_POST
def workspace_limits(request: UserRequest) -> HttpResponse:
    return _save(request, "limits_form", WorkspaceLimitsForm, "The limits are saved.")


@require_POST
def workspace_second_factor(request: UserRequest) -> HttpResponse:
    return _save(request, "factor_form", SecondFactorForm, "The rule for second factors is saved.")


@require_POST
def workspace_new(request: UserRequest) -> HttpResponse:
    """Another workspace; for super admins."""
    current = workspace_administered(user=request.user, permission="workspace_create")
    form = WorkspaceNameForm(request.POST, prefix="new")
    if not form.is_valid():
        return _page(request, current, new_form=form)
    made = workspace_create(actor=request.user, name=form.cleaned_data["name"])
    text = f"{made} is there. Switch to it to invite people."
    return redirected(request, "accounts:workspace", text=text)


def _save(request: UserRequest, place: str, form_class: Callable[..., Form], text: str) -> HttpResponse:
    current = workspace_administered(user=request.user, permission=_PERMISSION)
    form = form_class(request.POST)
    if not form.is_valid():
        return _page(request, current, **{place: form})
    workspace_change(actor=request.user, workspace_id=current.pk, **form.cleaned_data)
    return redirected(request, "accounts:workspace", text=text)


def _page(request: UserRequest, current: Workspace, **forms: Form) -> HttpResponse:
    context: dict[str, Any] = {
        "settings_section": "workspace",
        "workspace": current,
        "name_form": WorkspaceNameForm(initial=_initial(current, WorkspaceNameForm)),
        "limits_form": WorkspaceLimitsForm(initial=_initial(current, WorkspaceLimitsForm)),
        "factor_form": SecondFactorForm(initial=_initial(current, SecondFactorForm)),
        **forms,
    }
    if request.user.is_super_admin:
        context["workspaces"] = workspaces_counted()
        context.setdefault("new_form", WorkspaceNameForm(prefix="new"))
    return render(request, "accounts/workspace.html", context, status=422 if forms else 200)


def _initial(current: Workspace, form_class: type[Form]) -> dict[str, Any]:
    return {name: getattr(current, name) for name in form_class.base_fields}
