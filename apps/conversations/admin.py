"""Administration: what there is and how it went, never what was said."""

from django.contrib import admin

from apps.conversations.models import Conversation, Message
from chatbot.lib.admin import ReadOnly


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "workspace", "owner", "model", "updated_at")
    list_select_related = ("workspace", "owner", "model")
    fields = (
        "id",
        "workspace",
        "owner",
        "model",
        "use_documents",
        "is_pinned",
        "is_archived",
        "created_at",
        "updated_at",
    )
    ordering = ("-updated_at",)


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "role", "state", "model_name", "attempt", "error_code", "created_at", "finished_at")
    list_filter = ("role", "state")
    fields = (
        *("id", "workspace", "conversation", "role", "state", "phase", "attempt", "lease_expires_at", "enqueued_at"),
        *("stop_requested", "model_name", "usage", "finish_reason", "error_code", "created_at", "finished_at"),
    )
    ordering = ("-id",)
