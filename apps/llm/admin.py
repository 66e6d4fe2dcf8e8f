from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override

from apps.audit.actions import MODEL_CHANGED
from apps.audit.services import event_record
from apps.llm.models import Inference, ModelProfile
from chatbot.lib.admin import ReadOnly

if TYPE_CHECKING:
    ProfileAdmin = admin.ModelAdmin[ModelProfile]
    LedgerAdmin = admin.ModelAdmin[Inference]
else:
    # Generic for the type checker alone.
    ProfileAdmin = LedgerAdmin = admin.ModelAdmin


@admin.register(ModelProfile)
class ModelProfileAdmin(ProfileAdmin):
    """What people may change; the rest is found out by models_sync."""

    list_display = ["title", "endpoint", "name", "is_enabled", "is_served", "is_default", "classification", "is_local"]
    list_filter = ["endpoint", "is_enabled", "is_served"]
    readonly_fields = ["endpoint", "name", "abilities", "is_served", "is_local", "created_at"]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What an endpoint still lists would come back by itself; what it no longer lists is not offered."""
        return False

    @override
    def save_model(self, request: HttpRequest, obj: ModelProfile, form: Any, change: bool) -> None:
        """In Django's own transaction of the change."""
        super().save_model(request, obj, form, change)
        if form.changed_data:
            actor: Any = request.user
            data = {name: getattr(obj, name) for name in form.changed_data}
            event_record(action=MODEL_CHANGED, actor=actor, workspace_id=None, target=obj, data=data)


@admin.register(Inference)
class InferenceAdmin(ReadOnly, LedgerAdmin):
    """Read-only: the ledger is written by calls alone."""

    list_display = ["created_at", "purpose", "model_name", "state", "prompt_tokens", "completion_tokens", "cost"]
    list_filter = ["state", "purpose", "model_name"]
    list_select_related = True
    date_hierarchy = "created_at"
