"""Django's admin: for super admins, with our look, its reads in the audit log, and the permission table."""

from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from typing_extensions import override

from apps.accounts.permission_table import ADMIN, PERMISSIONS, SUPER_ADMIN, USER, VIEWER
from apps.audit.actions import ADMIN_READ
from apps.audit.services import event_record
from chatbot.lib.errors import ForbiddenError

_ROLES = (VIEWER, USER, ADMIN, SUPER_ADMIN)
# Parts of pages, which the page itself stands for.
_NOT_PAGES = frozenset({"jsi18n", "autocomplete"})
_OK = 200


class AdminSite(admin.AdminSite):
    site_header = "Administration"
    site_title = "Chatbot"
    index_title = "Everything that is not a person's content"
    enable_nav_sidebar = True

    @override
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only what our own apps show: admins of packages would show secrets and write past services and audit."""
        models = model_or_iterable if isinstance(model_or_iterable, list | tuple) else [model_or_iterable]
        own = [model for model in models if model.__module__.startswith("apps.")]
        super().register(own, admin_class, **options)

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.is_active and user.is_staff and user.is_super_admin)

    @override
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """No form of its own: who gets here is signed in by the product's page, and may come in or not."""
        if not self.has_permission(request):
            raise ForbiddenError
        return redirect("admin:index")

    @override
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def recorded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            response: HttpResponseBase = guarded(request, *arguments, **named)
            if request.method == "GET" and response.status_code == _OK:
                _read_record(request, named)
            return response

        return recorded

    @override
    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path("permissions/", self.admin_view(self.permissions), name="permissions")]
        return [*own, *super().get_urls()]

    def permissions(self, request: HttpRequest) -> TemplateResponse:
        """The table in code, to be read."""
        rows = [(row, [role in row.roles for role in _ROLES]) for row in PERMISSIONS.values()]
        context = {
            **self.each_context(request),
            "title": "What each role may do",
            "roles": [role.replace("_", " ").capitalize() for role in _ROLES],
            "rows": rows,
        }
        return TemplateResponse(request, "admin/permissions.html", context)


def _read_record(request: HttpRequest, named: dict[str, Any]) -> None:
    """Which page was looked at; of what was searched for, nothing."""
    match = request.resolver_match
    user: Any = request.user
    if match is None or match.url_name in _NOT_PAGES:
        return
    data = {"page": match.url_name or ""}
    if "object_id" in named:
        data["object_id"] = str(named["object_id"])[:60]
    event_record(action=ADMIN_READ, actor=user, workspace_id=None, data=data)
