"""What a person must be told, above every page."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors.notices import notices_unread
from apps.accounts.services.notices import notice_read
from apps.accounts.types import UserRequest

# More than these at once nobody reads; the next ones come when these are seen.
_SHOWN = 3


@require_GET
@never_cache
def notice_list(request: UserRequest) -> HttpResponse:
    return _page(request)


@require_POST
def notice_seen(request: UserRequest, notice_id: UUID) -> HttpResponse:
    """The rest of the notices for htmx, the start page otherwise."""
    notice_read(actor=request.user, notice_id=notice_id)
    return _page(request) if request.htmx else redirect("/")


def _page(request: UserRequest) -> HttpResponse:
    return render(request, "accounts/_notices.html", {"notices": notices_unread(user=request.user)[:_SHOWN]})
