"""The audit log in Django's admin: to read, not to write."""

from django.contrib import admin

from apps.audit.models import Event
from chatbot.lib.admin import ReadOnly


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "action", "result", "actor_label", "target_type", "target_label", "ip_address")
    list_filter = ("action", "result")
    search_fields = ("actor_label", "target_id", "request_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
