"""How much of one's allowance is used. Here, because only the topmost app sees all that is counted."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts.selectors.quotas import messages_today, quota_limits
from apps.accounts.selectors.workspaces import workspace_current
from apps.accounts.types import UserRequest
from apps.documents.selectors import stored_amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One allowance; without `limit` there is only a figure. `words` says it without the bar."""

    title: str
    used: int
    limit: int | None
    words: str


@require_GET
@never_cache
def usage(request: UserRequest) -> HttpResponse:
    workspace = workspace_current(user=request.user)
    limits = quota_limits(user=request.user, workspace_id=workspace.pk)
    asked, asked_all = messages_today(user=request.user, workspace=workspace)
    stored = stored_amounts(user=request.user, workspace_id=workspace.pk)
    mine = [
        _meter("Questions today", asked, limits.messages_user),
        _meter("Documents", stored.documents_user, limits.documents_user),
        _meter("Size of documents", stored.bytes_user, limits.bytes_user, is_bytes=True),
    ]
    everybody = [
        _meter("Questions today", asked_all, limits.messages_workspace),
        _meter("Documents", stored.documents_workspace, limits.documents_workspace),
        _meter("Size of documents", stored.bytes_workspace, limits.bytes_workspace, is_bytes=True),
    ]
    context = {"mine": mine, "everybody": everybody, "workspace": workspace, "settings_section": "usage"}
    return render(request, "conversations/usage.html", context)


def _meter(title: str, used: int, limit: int | None, *, is_bytes: bool = False) -> Meter:
    def figure(value: int) -> str:
        return filesizeformat(value) if is_bytes else f"{value:,}"

    words = f"{figure(used)} of {figure(limit)}" if limit is not None else f"{figure(used)}, no limit"
    return Meter(title=title, used=used, limit=limit, words=words)
