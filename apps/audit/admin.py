"""The audit log in Django's admin: to read, not to write."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override

from apps.audit.models import Event


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "action", "result", "actor_label", "target_type", "target_label", "ip_address")
    list_filter = ("action", "result")
    search_fields = ("actor_label", "target_id", "request_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
