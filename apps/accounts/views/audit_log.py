"""The audit log as a page: search, what is new, one event, export."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.audit_rows import event_details, event_rows
from apps.accounts.audit_search import Search, audit_form, search_export, search_made, search_of
from apps.accounts.forms.audit_log import AuditForm
from apps.accounts.selectors.audit_log import Reader, audit_reader
from apps.accounts.step_up import step_up_required
from apps.accounts.types import UserRequest
from apps.audit.selectors import event_require, events_newer, events_page
from chatbot.lib.errors import ValidationFailedError

_PAGE = "audit/audit_log.html"
# Parts of an address that are no part of the search.
_NOT_SEARCHED = ("cursor", "seen", "format")


@never_cache
@require_GET
def audit_log(request: UserRequest) -> HttpResponse:
    """The search and what it finds; by htmx only the list, with a cursor its next page."""
    reader = audit_reader(user=request.user)
    form = audit_form(reader=reader, values=request.GET)
    if not form.is_valid():
        return render(request, _PAGE, _page_context(request, reader, form), status=422)
    search = search_made(user=request.user, reader=reader, form=form)
    cursor = request.GET.get("cursor") or None
    context = _list_context(request, search, cursor)
    if cursor is None:
        search.opened()
    if request.htmx:
        return render(request, f"{_PAGE}#{'more' if cursor else 'list'}", context)
    return render(request, _PAGE, _page_context(request, reader, form) | context)


@never_cache
@require_GET
def audit_log_newer(request: UserRequest) -> HttpResponse:
    """Rows that came since the one the page has seen last; a few of them it may have already."""
    search = search_of(user=request.user, values=request.GET)
    try:
        seen = parse_datetime(request.GET.get("seen", ""))
    except ValueError:
        seen = None
    if seen is None or seen.tzinfo is None or seen.year < timezone.now().year - 1:
        raise ValidationFailedError(errors={"seen": "must be a time with a zone, of these days"})
    events, is_cut = events_newer(scope=search.scope, wanted=search.wanted, after=seen)
    return render(request, "audit/_newer.html", {"rows": event_rows(events), "is_cut": is_cut})


@never_cache
@require_GET
def audit_event(request: UserRequest, event_id: UUID) -> HttpResponse:
    """Everything about one event: in the dialog, or as a page."""
    reader = audit_reader(user=request.user)
    details = event_details(event_require(scope=reader.scope, event_id=event_id))
    template = "audit/_event.html" if request.htmx else "audit/event_detail.html"
    return render(request, template, {"details": details, "settings_section": "audit-log"})


@never_cache
@require_GET
def audit_export(request: UserRequest) -> HttpResponseBase:
    """All that the search finds, as a file. Who may not have it is told so and asked for nothing."""
    audit_reader(user=request.user)
    response: HttpResponseBase = _export(request)
    return response


@step_up_required
def _export(request: UserRequest) -> HttpResponseBase:
    search = search_of(user=request.user, values=request.GET)
    return search_export(request, search, file_format=request.GET.get("format", ""))


def _page_context(request: UserRequest, reader: Reader, form: AuditForm) -> dict[str, Any]:
    return {
        "settings_section": "audit-log",
        "reader": reader,
        "form": form,
        "query": _query(request),
        "opened_at": timezone.now(),
    }


def _list_context(request: UserRequest, search: Search, cursor: str | None) -> dict[str, Any]:
    opened_at = timezone.now()
    page = events_page(scope=search.scope, wanted=search.wanted, cursor=cursor)
    return {
        "rows": event_rows(page.items),
        "next_cursor": page.next,
        "wanted": search.wanted,
        "is_windowed": search.wanted.since is not None and not search.form.cleaned_data["after"],
        "query": _query(request),
        "opened_at": opened_at,
    }


def _query(request: UserRequest) -> str:
    """The search as the end of an address, without what is empty in it."""
    values = request.GET.copy()
    for name in list(values):
        kept = [value for value in values.getlist(name) if value]
        if name in _NOT_SEARCHED or not kept:
            del values[name]
        else:
            values.setlist(name, kept)
    return values.urlencode()
