"""One person of a workspace: facts, and what an administrator can do about them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.forms.people import LimitsForm
from apps.accounts.models import Membership
from apps.accounts.selectors.people import (
    account_manage_refusal,
    member_administered,
    memberships_of,
    person_rows,
)
from apps.accounts.selectors.sessions import families_of, sessions_of
from apps.accounts.services.people import member_limits_change, member_remove
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from apps.accounts.views.person_actions import actions_for

_LIMITS = ("messages_per_day", "documents_limit", "bytes_limit")


@require_GET
def person(request: UserRequest, person_id: UUID) -> HttpResponse:
    membership = member_administered(user=request.user, person_id=person_id)
    return render(request, "accounts/person.html", _context(request, membership))


@require_POST
def person_limits(request: UserRequest, person_id: UUID) -> HttpResponse:
    membership = member_administered(user=request.user, person_id=person_id)
    form = LimitsForm(request.POST, workspace=membership.workspace)
    if not form.is_valid():
        return render(request, "accounts/person.html", _context(request, membership, limits=form), status=422)
    member_limits_change(
        actor=request.user, workspace_id=membership.workspace_id, person_id=person_id, **form.cleaned_data
    )
    return redirected(request, "accounts:person", person_id, text=f"The limits of {membership.user} are saved.")


@require_http_methods(["GET", "POST"])
def person_remove(request: UserRequest, person_id: UUID) -> HttpResponse:
    """Asks first; by POST takes the person out of the workspace."""
    membership = member_administered(user=request.user, person_id=person_id)
    workspace = membership.workspace
    if request.method == "POST":
        member_remove(actor=request.user, workspace_id=workspace.pk, person_id=person_id)
        return redirected(request, "accounts:people", text=f"{membership.user} no longer belongs to {workspace.name}.")
    return asked(
        request,
        section="people",
        back=reverse("accounts:person", args=[person_id]),
        title=f"Remove {membership.user} from {workspace.name}?",
        text="What is shared with them here closes at once, and their API keys of this workspace end. "
        "Their account, conversations and documents stay.",
        button="Remove",
    )


def _context(request: UserRequest, membership: Membership, limits: LimitsForm | None = None) -> dict[str, Any]:
    subject = membership.user
    row = person_rows(workspace_id=membership.workspace_id, memberships=[membership])[0]
    refusal = account_manage_refusal(actor=request.user, person=subject)
    is_self = subject.pk == request.user.pk
    return {
        "settings_section": "people",
        "row": row,
        "membership": membership,
        "person": subject,
        "workspace": membership.workspace,
        "roles": Membership.Role.choices,
        "limits": limits or _limits(membership),
        "elsewhere": memberships_of(user=subject).exclude(pk=membership.pk) if request.user.is_super_admin else [],
        "refusal": refusal,
        "actions": [] if refusal else actions_for(row, is_self=is_self),
        "is_self": is_self,
        # What lets them into other workspaces too is not this administrator's to see.
        "sign_ins": None if refusal else sessions_of(user=subject).count() + families_of(user=subject).count(),
        "is_above": subject.is_super_admin and not request.user.is_super_admin,
    }


def _limits(membership: Membership) -> LimitsForm:
    initial = {name: getattr(membership, name) for name in _LIMITS}
    return LimitsForm(initial=initial, workspace=membership.workspace)
