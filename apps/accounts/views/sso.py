"""Leaving for a sign-in source and coming back. Refusals are pages; what went wrong in detail is for the log.

Departures are links, not forms: Chromium holds every address that a form leads to, through all redirects, against
`form-action`, and an organisation's sign-in may hop over hosts that nobody here can list.
"""

import hashlib
import logging
import secrets
from typing import cast
from uuid import UUID

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.exceptions import SsoRefusedError
from apps.accounts.models import SignInSource, User
from apps.accounts.rate_limit import door_require
from apps.accounts.sso.configuration import button_sources
from apps.accounts.sso.linking import identity_unlink, linked_identities
from apps.accounts.sso.oidc import OidcError, oidc_arrive, oidc_depart
from apps.accounts.sso.pending import Pending, pending_keep, pending_take
from apps.accounts.sso.saml import SamlError, saml_arrive, saml_depart, saml_metadata
from apps.accounts.sso.signing_in import refusal_record, sign_in_apply
from apps.accounts.sso.types import ExternalPerson, external_person
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from chatbot.lib.errors import NotFoundError

logger = logging.getLogger(__name__)

_TICKET_SECONDS = 120
_WRONG = (
    "Your sign-in service and this one did not understand each other. Try again; if it happens again, "
    "tell an administrator."
)
_NOT_BEGUN = "This sign-in was not begun in this browser, or it took too long. Please begin again."
_CANCELLED = "The sign-in was cancelled at your sign-in service."


@never_cache
@require_GET
def oidc_login(request: HttpRequest) -> HttpResponse:
    _require_on(SignInSource.OIDC)
    return _oidc_leave(request, linking="")


@never_cache
@require_GET
def oidc_callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider, with a code or an error."""
    _require_on(SignInSource.OIDC)
    door_require(request=request, door="sign_in")
    pending = pending_take(request, key=request.GET.get("state", ""), source=SignInSource.OIDC)
    if pending is None:
        return _refused(request, source=SignInSource.OIDC, reason="not_begun", text=_NOT_BEGUN)
    if request.GET.get("error") == "access_denied":
        return _refused(request, source=SignInSource.OIDC, reason="cancelled", text=_CANCELLED)
    try:
        # RFC 9207: an answer of another provider must not be taken for this one's.
        if request.GET.get("iss", settings.OIDC_ISSUER).rstrip("/") != settings.OIDC_ISSUER:
            raise OidcError("The answer is another provider's.")
        if "error" in request.GET:
            raise OidcError("The provider sent an error back.")
        external = oidc_arrive(
            code=request.GET.get("code", ""),
            nonce=pending.nonce,
            verifier=pending.verifier,
            return_address=_address(request, "oidc-callback"),
        )
    except OidcError as error:
        return _failed(request, SignInSource.OIDC, error)
    return _arrived(request, external, pending)


@never_cache
@require_GET
def saml_login(request: HttpRequest) -> HttpResponse:
    _require_on(SignInSource.SAML)
    return _saml_leave(request, linking="")


@never_cache
@csrf_exempt
@require_POST
def saml_acs(request: HttpRequest) -> HttpResponse:
    """The identity provider's page posts the answer here; the signature on it stands in for a CSRF token.

    Browsers send no session cookie with a form of another site, so the proved answer waits under a ticket until the
    browser comes for it with its cookie.
    """
    _require_on(SignInSource.SAML)
    door_require(request=request, door="sign_in")
    try:
        arrival = saml_arrive(request)
    except SamlError as error:
        return _failed(request, SignInSource.SAML, error)
    ticket = secrets.token_urlsafe(32)
    person = arrival.person
    waiting = {
        "request_id": arrival.request_id,
        "person": {
            "uid": person.uid,
            "email": person.email,
            "email_is_trusted": person.email_is_trusted,
            "name": person.name,
            "claims": dict(person.claims),
        },
    }
    cache.set(_ticket_key(ticket), waiting, _TICKET_SECONDS)
    response = redirect(f"{reverse('saml-finish')}?ticket={ticket}")
    # The browser has to come by GET, whatever it makes of 302 after POST.
    response.status_code = 303
    return response


@never_cache
@require_GET
def saml_finish(request: HttpRequest) -> HttpResponse:
    """The browser comes for the proved answer to a request that it began itself."""
    _require_on(SignInSource.SAML)
    key = _ticket_key(request.GET.get("ticket", ""))
    waiting = cache.get(key)
    cache.delete(key)
    pending = pending_take(request, key=waiting["request_id"], source=SignInSource.SAML) if waiting else None
    if waiting is None or pending is None:
        return _refused(request, source=SignInSource.SAML, reason="not_begun", text=_NOT_BEGUN)
    return _arrived(request, external_person(source=SignInSource.SAML, **waiting["person"]), pending)


@require_GET
def saml_own_metadata(request: HttpRequest) -> HttpResponse:
    """For the identity provider's administrator; holds nothing secret."""
    _require_on(SignInSource.SAML)
    try:
        return HttpResponse(saml_metadata(request), content_type="application/samlmetadata+xml")
    except SamlError as error:
        return _failed(request, SignInSource.SAML, error)


@never_cache
@require_GET
def connections(request: UserRequest) -> HttpResponse:
    """Which outside identities open my account."""
    linked = linked_identities(user=request.user)
    context = {
        "settings_section": "security",
        "linked": linked,
        "others": [source for source in button_sources() if source.code not in {row.source for row in linked}],
    }
    return render(request, "accounts/connections.html", context)


@never_cache
@require_POST
@step_up_required
def connection_add(request: UserRequest, source: str) -> HttpResponse:
    """Begin linking. The form ends in a page of ours that leads on: see the module's word on `form-action`."""
    if source not in {known.code for known in button_sources()}:
        raise NotFoundError
    leave = _oidc_leave if source == SignInSource.OIDC else _saml_leave
    response = leave(request, linking=str(request.user.pk))
    if "Location" not in response:
        return response
    name = next(known.name for known in button_sources() if known.code == source)
    return render(request, "accounts/connection_leave.html", {"address": response["Location"], "name": name})


@require_POST
@step_up_required
def connection_remove(request: UserRequest, identity_id: int) -> HttpResponse:
    identity_unlink(actor=request.user, identity_id=identity_id)
    messages.success(request, "The link is ended.")
    return redirect("accounts:connections")


def _oidc_leave(request: HttpRequest, *, linking: str) -> HttpResponse:
    door_require(request=request, door="sign_in")
    try:
        departure = oidc_depart(return_address=_address(request, "oidc-callback"))
    except OidcError as error:
        return _failed(request, SignInSource.OIDC, error)
    pending = Pending(
        source=SignInSource.OIDC,
        next_url=_next(request),
        linking=linking,
        nonce=departure.nonce,
        verifier=departure.verifier,
    )
    pending_keep(request, key=departure.state, pending=pending)
    return redirect(departure.address)


def _saml_leave(request: HttpRequest, *, linking: str) -> HttpResponse:
    door_require(request=request, door="sign_in")
    try:
        address, request_id = saml_depart(request)
    except SamlError as error:
        return _failed(request, SignInSource.SAML, error)
    pending_keep(
        request, key=request_id, pending=Pending(source=SignInSource.SAML, next_url=_next(request), linking=linking)
    )
    return redirect(address)


def _arrived(request: HttpRequest, external: ExternalPerson, pending: Pending) -> HttpResponse:
    """Sign the person in, or link the identity to who began that; then where they wanted to go."""
    try:
        if pending.linking:
            return _linked(request, external, pending)
        person = sign_in_apply(external)
    except SsoRefusedError as error:
        return _page(request, error.detail, status=error.status)
    if request.user.is_authenticated and request.user.pk != person.pk:
        logout(request)
    record_authentication(request, person, "socialaccount", provider=external.source, uid=external.uid)
    # From here on as with a password: second factor, session, messages.
    return cast("HttpResponse", perform_login(request, Login(user=person, redirect_url=pending.next_url or None)))


def _linked(request: HttpRequest, external: ExternalPerson, pending: Pending) -> HttpResponse:
    user = request.user
    if not isinstance(user, User) or user.pk != UUID(pending.linking):
        return _refused(request, source=external.source, reason="not_begun", text=_NOT_BEGUN)
    sign_in_apply(external, linking=user)
    messages.success(request, "The identity is linked. From now on it opens your account.")
    return redirect("accounts:connections")


def _failed(request: HttpRequest, source: str, error: Exception) -> HttpResponse:
    logger.warning("Sign-in by %s failed: %s", source, error, extra={"action": "sso_failed"})
    return _refused(request, source=source, reason="not_valid", text=_WRONG)


def _refused(request: HttpRequest, *, source: str, reason: str, text: str) -> HttpResponse:
    refusal_record(source=source, reason=reason)
    return _page(request, text, status=403)


def _page(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    return render(request, "socialaccount/authentication_error.html", {"text": text}, status=status)


def _require_on(source: str) -> None:
    if source not in {known.code for known in button_sources()}:
        raise NotFoundError


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: here only."""
    target = request.GET.get("next", "")
    is_here = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if target and is_here else ""


def _address(request: HttpRequest, route: str) -> str:
    return request.build_absolute_uri(reverse(route))


def _ticket_key(ticket: str) -> str:
    # What comes in an address may be long and hold anything; keys of a cache may not.
    return f"saml-ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"
