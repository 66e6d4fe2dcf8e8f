"""The page on which people change their password. allauth has the pages of a forgotten one."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.forms.passwords import PasswordChangeForm
from apps.accounts.services.passwords import password_change
from apps.accounts.types import UserRequest
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted
from chatbot.lib.request_context import client_address


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def change(request: UserRequest) -> HttpResponse:
    form = PasswordChangeForm(posted(request))
    if form.is_valid():
        try:
            password_change(user=request.user, address=client_address(request), **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, "Your password is changed. You are signed out everywhere else.")
            return redirect("account_change_password")
    context = {"form": form, "settings_section": "security"}
    return render(request, "account/password_change.html", context, status=422 if form.errors else 200)
