"""What the documents do not answer: by topic for administrators, one's own questions for everybody."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.types import UserRequest
from apps.conversations.forms import key_read
from apps.conversations.gap_charts import Bar, bars_of
from apps.conversations.gaps import WEEKS, gap_report, gaps_count_request, weak_replies_of
from chatbot.lib.errors import NotFoundError
from chatbot.lib.pagination import page_of


@never_cache
@require_http_methods(["GET", "POST"])
def gaps(request: UserRequest) -> HttpResponse:
    """The topics, of all or by `?group=` of one team; by POST they are counted anew."""
    if request.method == "POST":
        gaps_count_request(actor=request.user)
        messages.success(request, "The topics are being counted. Look again in a moment.")
        return redirect("conversations:gaps")
    group_key: UUID | None = None
    if request.GET.get("group"):
        group_key = key_read(request.GET["group"])
        if group_key is None:
            raise NotFoundError
    report = gap_report(actor=request.user, group_key=group_key)
    rows: list[tuple[Any, list[Bar]]] = [(gap, bars_of(gap.weeks)) for gap in report.gaps]
    context = {"report": report, "rows": rows, "weeks": WEEKS, "settings_section": "gaps"}
    return render(request, "conversations/gaps.html", context)


@never_cache
@require_GET
def gaps_mine(request: UserRequest) -> HttpResponse:
    """The person's own questions that were not answered well."""
    page = page_of(weak_replies_of(user=request.user), order="created_at", cursor=request.GET.get("cursor") or None)
    context = {"replies": page.items, "next_cursor": page.next, "settings_section": "gaps-mine"}
    return render(request, "conversations/gaps_mine.html", context)
