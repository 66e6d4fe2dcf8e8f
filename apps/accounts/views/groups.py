"""Groups of a workspace: the list, and one group with its people."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.forms.groups import GroupForm, GroupMemberForm
from apps.accounts.models import Group, User
from apps.accounts.selectors.groups import group_members, group_require, groups_of
from apps.accounts.selectors.people import member_by_email, workspace_administered
from apps.accounts.services.groups import (
    group_create,
    group_delete,
    group_member_add,
    group_member_remove,
    group_rename,
)
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.forms import errors_add, posted

# Suggestions under the field; whoever is not among them can be typed.
_CANDIDATES_SHOWN = 100


@require_http_methods(["GET", "POST"])
def groups(request: UserRequest) -> HttpResponse:
    """The groups, and by POST a new one."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    form = GroupForm(posted(request))
    if form.is_valid():
        try:
            group = group_create(actor=request.user, workspace_id=workspace.pk, title=form.cleaned_data["title"])
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            return redirected(request, "accounts:group", group.key, text=f"The group {group} is there. Add people.")
    context = {
        "settings_section": "groups",
        "workspace": workspace,
        "groups": groups_of(workspace_id=workspace.pk),
        "form": form,
    }
    return render(request, "accounts/groups.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def group(request: UserRequest, group_id: UUID) -> HttpResponse:
    """One group, and by POST another name for it."""
    found = _group(request, group_id)
    form = GroupForm(posted(request), initial={"title": found.title})
    if form.is_valid():
        try:
            group_rename(actor=request.user, group_id=group_id, title=form.cleaned_data["title"])
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            return redirected(request, "accounts:group", group_id, text="The name is saved.")
    return _page(request, found, form=form)


@require_POST
def group_add(request: UserRequest, group_id: UUID) -> HttpResponse:
    """A member of the workspace joins the group."""
    found = _group(request, group_id)
    form = GroupMemberForm(request.POST)
    if form.is_valid():
        person = member_by_email(workspace_id=found.workspace_id, email=form.cleaned_data["email"])
        if person is not None:
            group_member_add(actor=request.user, group_id=group_id, user_id=person.pk)
            return redirected(request, "accounts:group", group_id, text=f"{person} is in the group now.")
        form.add_error("email", "Nobody in this workspace has this address.")
    return _page(request, found, add=form)


@require_POST
def group_remove(request: UserRequest, group_id: UUID, person_id: UUID) -> HttpResponse:
    _group(request, group_id)
    group_member_remove(actor=request.user, group_id=group_id, user_id=person_id)
    return redirected(request, "accounts:group", group_id, text="Taken out of the group.")


@require_http_methods(["GET", "POST"])
def group_end(request: UserRequest, group_id: UUID) -> HttpResponse:
    """Asks first; by POST deletes the group."""
    found = _group(request, group_id)
    if request.method == "POST":
        group_delete(actor=request.user, group_id=group_id)
        return redirected(request, "accounts:groups", text=f"The group {found} is deleted.")
    return asked(
        request,
        section="groups",
        back=reverse("accounts:group", args=[group_id]),
        title=f"Delete the group “{found}”?",
        text="Its people lose what was shared with the group. They stay in the workspace.",
        button="Delete",
    )


def _group(request: UserRequest, group_id: UUID) -> Group:
    """Of the workspace that the pages are about, so that nothing happens in another by an old address."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    found = group_require(user=request.user, group_id=group_id)
    if found.workspace_id != workspace.pk:
        raise NotFoundError
    return found


def _page(
    request: UserRequest, found: Group, *, form: GroupForm | None = None, add: GroupMemberForm | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "settings_section": "groups",
        "group": found,
        "members": group_members(group=found),
        "form": form or GroupForm(initial={"title": found.title}),
        "add": add or GroupMemberForm(),
        "candidates": _candidates(found),
    }
    is_wrong = bool(context["form"].errors or context["add"].errors)
    return render(request, "accounts/group.html", context, status=422 if is_wrong else 200)


def _candidates(found: Group) -> list[User]:
    people = User.objects.filter(memberships__workspace_id=found.workspace_id, is_active=True)
    return list(people.exclude(groups=found).order_by("name", "email")[:_CANDIDATES_SHOWN])
