"""One's own account: name, theme, workspaces."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.forms.profile import ProfileForm
from apps.accounts.selectors.people import memberships_of
from apps.accounts.services.accounts import name_change
from apps.accounts.services.people import member_leave
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from chatbot.lib.errors import NotFoundError
from chatbot.lib.forms import posted


@require_http_methods(["GET", "POST"])
def profile(request: UserRequest) -> HttpResponse:
    form = ProfileForm(posted(request), initial={"name": request.user.name})
    if form.is_valid():
        name_change(actor=request.user, person=request.user, name=form.cleaned_data["name"])
        return redirected(request, "accounts:profile", text="Your name is saved.")
    context = {
        "settings_section": "profile",
        "form": form,
        "memberships": memberships_of(user=request.user),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def workspace_leave(request: UserRequest, workspace_id: UUID) -> HttpResponse:
    """Asks first; by POST leaves."""
    membership = memberships_of(user=request.user).filter(workspace_id=workspace_id).first()
    if membership is None:
        raise NotFoundError
    if request.method == "POST":
        member_leave(actor=request.user, workspace_id=workspace_id)
        return redirected(request, "accounts:profile", text=f"You left {membership.workspace.name}.")
    return asked(
        request,
        section="profile",
        back=reverse("accounts:profile"),
        title=f"Leave {membership.workspace.name}?",
        text="Your conversations and documents there are closed to you until somebody invites you again. "
        "Your API keys of this workspace end.",
        button="Leave",
    )
