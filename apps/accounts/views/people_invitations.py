"""Inviting people, and the invitations that are open."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.forms.people import InvitationForm
from apps.accounts.mail import public_base
from apps.accounts.models import Membership, Workspace
from apps.accounts.selectors.invitations import invitations_open
from apps.accounts.selectors.people import workspace_administered
from apps.accounts.services.invitations import InvitationSent, invitation_revoke, invitation_send
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected
from chatbot.lib.errors import NotFoundError, ValidationFailedError
from chatbot.lib.forms import errors_add, posted


@never_cache
@require_http_methods(["GET", "POST"])
def invitations(request: UserRequest) -> HttpResponse:
    """The form and what is open. The answer to the POST shows the link; nothing can show it again."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    form = InvitationForm(posted(request), initial={"role": Membership.Role.USER})
    sent = None
    if form.is_valid():
        try:
            sent = _send(request, workspace, **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            form = InvitationForm(initial={"role": Membership.Role.USER})
    return _page(request, workspace, form, sent)


@never_cache
@require_POST
def invitation_again(request: UserRequest, invitation_id: UUID) -> HttpResponse:
    """A new link for the same person; the one before ends."""
    workspace = workspace_administered(user=request.user, permission="people_manage")
    invitation = invitations_open(workspace=workspace).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFoundError
    sent = _send(request, workspace, email=invitation.email, role=invitation.role)
    return _page(request, workspace, InvitationForm(initial={"role": Membership.Role.USER}), sent)


@require_POST
def invitation_withdraw(request: UserRequest, invitation_id: UUID) -> HttpResponse:
    workspace = workspace_administered(user=request.user, permission="people_manage")
    invitation_revoke(actor=request.user, workspace=workspace, invitation_id=invitation_id)
    return redirected(request, "accounts:invitations", text="The invitation is taken back.")


def _send(request: UserRequest, workspace: Workspace, *, email: str, role: str) -> InvitationSent:
    return invitation_send(
        actor=request.user, workspace=workspace, email=email, role=role, base_url=public_base(request)
    )


def _page(
    request: UserRequest, workspace: Workspace, form: InvitationForm, sent: InvitationSent | None
) -> HttpResponse:
    context = {
        "settings_section": "people",
        "workspace": workspace,
        "form": form,
        "sent": sent,
        "invitations": invitations_open(workspace=workspace),
    }
    return render(request, "accounts/people_invitations.html", context, status=422 if form.errors else 200)
