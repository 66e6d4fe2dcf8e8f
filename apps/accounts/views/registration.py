"""Registration by oneself and by invitation."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.forms.passwords import InvitationForm, RegistrationConfirmForm, RegistrationForm
from apps.accounts.mail import public_base
from apps.accounts.models import Invitation, User
from apps.accounts.rate_limit import door_require
from apps.accounts.selectors.invitations import invitation_account_exists, invitation_require
from apps.accounts.services.invitations import invitation_complete, invitation_join
from apps.accounts.services.registration import (
    registration_ask,
    registration_complete,
    registration_read,
    registration_require_open,
)
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted
from chatbot.lib.request_context import client_address

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """Leads to the same page whether somebody has the address or not."""
    registration_require_open()
    if request.user.is_authenticated:
        return redirect("/")
    form = RegistrationForm(posted(request))
    if request.method == "POST":
        door_require(request=request, door="register")
        if form.is_valid():
            try:
                registration_ask(base_url=public_base(request), **form.cleaned_data)
            except ValidationFailedError as error:
                errors_add(form, error)
            else:
                return redirect("accounts:registration-asked")
    return render(request, "account/signup.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
def register_asked(request: HttpRequest) -> HttpResponse:
    registration_require_open()
    return render(request, "account/signup_asked.html")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def register_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Behind the mailed link."""
    door_require(request=request, door="register")
    email = registration_read(token=token)
    form = RegistrationConfirmForm(posted(request))
    if form.is_valid():
        try:
            user = registration_complete(token=token, address=client_address(request), **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            login(request, user, backend=_BACKEND)
            return redirect("/")
    context = {"form": form, "email": email}
    return render(request, "account/signup_confirm.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """A new person sets name and password; who has an account signs in with it and joins."""
    door_require(request=request, door="invitation")
    invited = invitation_require(token=token)
    if isinstance(request.user, User):
        return _invitation_member(request, token, invited, request.user)
    if invitation_account_exists(invitation=invited):
        return render(request, "accounts/invitation.html", {"invitation": invited, "state": "sign_in"})
    return _invitation_stranger(request, token, invited)


def _invitation_member(request: HttpRequest, token: str, invited: Invitation, user: User) -> HttpResponse:
    if request.method == "POST":
        membership = invitation_join(token=token, user=user)
        messages.success(request, f"You are now in {membership.workspace.name}.")
        return redirect("/")
    state = "join" if user.email == invited.email else "other"
    return render(request, "accounts/invitation.html", {"invitation": invited, "state": state})


def _invitation_stranger(request: HttpRequest, token: str, invited: Invitation) -> HttpResponse:
    form = InvitationForm(posted(request))
    if form.is_valid():
        try:
            user = invitation_complete(token=token, mailbox=request.GET.get("mailbox", ""), **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            login(request, user, backend=_BACKEND)
            return redirect("/")
    context = {"invitation": invited, "state": "new", "form": form}
    return render(request, "accounts/invitation.html", context, status=422 if form.errors else 200)
