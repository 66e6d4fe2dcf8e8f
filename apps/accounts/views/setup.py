"""The set-up page of the first administrator. allauth has the other pages of sign-in."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.forms.setup import SetupForm
from apps.accounts.rate_limit import door_require
from apps.accounts.services.first_run import setup_complete, setup_token_require
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Works once, and only while there is no administrator."""
    door_require(request=request, door="setup")
    setup_token_require(token=token)
    form = SetupForm(posted(request))
    if form.is_valid():
        try:
            user = setup_complete(token=token, **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("/")
    return render(request, "accounts/setup.html", {"form": form}, status=422 if form.errors else 200)
