"""The people of a workspace: the list, and what is done to several of them at once."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.forms.people import BulkForm, FilterForm, MemberAddForm, RoleForm
from apps.accounts.models import Membership, Workspace
from apps.accounts.selectors.groups import groups_of
from apps.accounts.selectors.people import members_of, person_rows, workspace_administered
from apps.accounts.services.people import member_add, role_change
from apps.accounts.services.people_bulk import PLAIN_CHANGES, bulk_change_of, people_bulk_apply, people_bulk_plan
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected, told
from chatbot.lib.errors import ForbiddenError, ValidationFailedError
from chatbot.lib.forms import errors_add, posted
from chatbot.lib.pagination import page_of

_PAGE = "accounts/people.html"


@require_GET
def people(request: UserRequest) -> HttpResponse:
    workspace = workspace_administered(user=request.user, permission="people_manage")
    context = _list_context(request, workspace)
    if request.htmx:
        partial = "more" if "cursor" in request.GET else "list"
        return render(request, f"{_PAGE}#{partial}", context)
    page = {"groups": groups_of(workspace_id=workspace.pk), "plain_changes": PLAIN_CHANGES}
    return render(request, _PAGE, context | page | {"settings_section": "people"})


@require_POST
def person_role(request: UserRequest, person_id: UUID) -> HttpResponse:
    """Another role; in the list the row comes back."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise ValidationFailedError(errors={"role": "Choose one of the roles."})
    membership = role_change(
        actor=request.user, workspace_id=workspace.pk, person_id=person_id, role=form.cleaned_data["role"]
    )
    text = f"{membership.user}: the role is {membership.get_role_display().lower()} now."
    if not request.htmx:
        route = ["accounts:people"] if "row" in request.POST else ["accounts:person", person_id]
        return redirected(request, *route, text=text)
    rows = person_rows(workspace_id=workspace.pk, memberships=[membership])
    context = {"row": rows[0], "roles": Membership.Role.choices}
    return told(render(request, "accounts/_person_row.html", context), text=text)


@require_POST
def people_bulk(request: UserRequest) -> HttpResponse:
    """Says what will happen to whom; once that is confirmed, does it."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    form = BulkForm(request.POST)
    if not form.is_valid():
        raise ValidationFailedError(" ".join(str(text) for texts in form.errors.values() for text in texts))
    selected: dict[str, Any] = {
        "actor": request.user,
        "workspace_id": workspace.pk,
        "person_ids": form.cleaned_data["people"],
        "change": bulk_change_of(workspace_id=workspace.pk, code=form.cleaned_data["change"]),
    }
    return _bulk_apply(request, workspace, selected) if "confirmed" in request.POST else _bulk_ask(request, selected)


@require_http_methods(["GET", "POST"])
def person_add(request: UserRequest) -> HttpResponse:
    """Lets an existing account in at once; for super admins."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    if not request.user.is_super_admin:
        raise ForbiddenError
    form = MemberAddForm(posted(request), initial={"role": Membership.Role.USER})
    if form.is_valid():
        try:
            membership = member_add(actor=request.user, workspace_id=workspace.pk, **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            text = f"{membership.user} belongs to {workspace.name} now."
            return redirected(request, "accounts:person", membership.user_id, text=text)
    context = {"settings_section": "people", "form": form, "workspace": workspace}
    return render(request, "accounts/person_add.html", context, status=422 if form.errors else 200)


def _bulk_ask(request: UserRequest, selected: dict[str, Any]) -> HttpResponse:
    template = "accounts/_people_bulk.html" if request.htmx else "accounts/people_bulk.html"
    context = {
        "settings_section": "people",
        "plan": people_bulk_plan(**selected),
        "filters": FilterForm(request.POST).filters(),
    }
    return render(request, template, context)


def _bulk_apply(request: UserRequest, workspace: Workspace, selected: dict[str, Any]) -> HttpResponse:
    result = people_bulk_apply(**selected)
    if not request.htmx:
        kind = messages.WARNING if result.refused else messages.SUCCESS
        return redirected(request, "accounts:people", text=result.sentence, kind=kind)
    # Who took away their own right sees the list no more.
    workspace = workspace_administered(user=request.user, permission="people_manage")
    response = render(request, f"{_PAGE}#list", _list_context(request, workspace))
    return told(response, text=result.sentence, kind="error" if result.refused else "success", closes_dialog=True)


def _list_context(request: UserRequest, workspace: Workspace) -> dict[str, Any]:
    values = request.POST if request.method == "POST" else request.GET
    form = FilterForm(values)
    filters = form.filters()
    page = page_of(
        members_of(workspace_id=workspace.pk, **filters), order="created_at", cursor=values.get("cursor") or None
    )
    return {
        "rows": person_rows(workspace_id=workspace.pk, memberships=page.items),
        "next_cursor": page.next,
        "filters": filters,
        "filter_form": form,
        "workspace": workspace,
        "roles": Membership.Role.choices,
    }
