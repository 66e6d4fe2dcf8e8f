"""One's API keys."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.forms.keys import KeyForm
from apps.accounts.selectors.keys import key_require, keys_of
from apps.accounts.services.keys import key_create, key_revoke
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import asked, redirected
from chatbot.lib.errors import ValidationFailedError
from chatbot.lib.forms import errors_add, posted

_SECTION = {"settings_section": "api-keys"}


@require_GET
def keys(request: UserRequest) -> HttpResponse:
    context = {**_SECTION, "keys": list(keys_of(user=request.user)), "now": timezone.now()}
    return render(request, "accounts/keys.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@step_up_required
@sensitive_variables()
def key_new(request: UserRequest) -> HttpResponse:
    """The form; the answer to its POST shows the key, which nothing can show again."""
    form = KeyForm(posted(request), user=request.user)
    if form.is_valid():
        try:
            key, text = key_create(actor=request.user, **form.cleaned_data)
        except ValidationFailedError as error:
            errors_add(form, error)
        else:
            return render(request, "accounts/key_made.html", {**_SECTION, "key": key, "text": text})
    return render(request, "accounts/key_new.html", {**_SECTION, "form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def key_end(request: UserRequest, key_id: UUID) -> HttpResponse:
    """Asks first; by POST revokes the key."""
    key = key_require(user=request.user, key_id=key_id)
    if request.method == "POST":
        key_revoke(actor=request.user, key=key)
        return redirected(request, "accounts:api-keys", text=f"The key {key.name} is revoked.")
    return asked(
        request,
        section="api-keys",
        back=reverse("accounts:api-keys"),
        title=f"Revoke the key “{key.name}”?",
        text="Programs that use it are refused at once. It cannot be brought back.",
        button="Revoke",
    )
