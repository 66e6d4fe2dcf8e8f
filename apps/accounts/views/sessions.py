"""Where one is signed in, and ending it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors.sessions import sign_ins_of
from apps.accounts.services.sessions import session_end, sessions_end_others
from apps.accounts.types import UserRequest
from apps.accounts.views.answers import redirected


@never_cache
@require_GET
def sessions(request: UserRequest) -> HttpResponse:
    found = sign_ins_of(user=request.user, session_key=request.session.session_key)
    context = {
        "settings_section": "sessions",
        "browsers": [one for one in found if one.kind == "browser"],
        "programs": [one for one in found if one.kind == "api"],
        "has_others": any(not one.is_current for one in found),
    }
    return render(request, "accounts/sessions.html", context)


@require_POST
def session_revoke(request: UserRequest, sign_in_id: UUID) -> HttpResponse:
    session_end(actor=request.user, sign_in_id=sign_in_id)
    return redirected(request, "accounts:sessions", text="Signed out there.")


@require_POST
def sessions_revoke(request: UserRequest) -> HttpResponse:
    ended = sessions_end_others(actor=request.user, session_key=request.session.session_key)
    count = ended.sessions + ended.api_sign_ins
    places = "1 other place" if count == 1 else f"{count} other places"
    return redirected(request, "accounts:sessions", text=f"Signed out in {places}.")
