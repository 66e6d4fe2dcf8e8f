"""Documents in Django's admin: to look at, not to change. Texts and files are not shown here."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from typing_extensions import override

from apps.audit.actions import COLLECTION_CHANGED
from apps.audit.services import event_record
from apps.documents.models import Collection, Document, DocumentVersion
from chatbot.lib.admin import ReadOnly


class VersionInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DocumentVersion
    extra = 0
    fields = ("number", "is_current", "state", "stage", "progress", "pages", "chunk_count", "error_code", "attempts")


@admin.register(Document)
class DocumentAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("pk", "workspace", "owner", "collection", "state", "created_at")
    list_filter = ("workspace", "versions__state")
    list_select_related = ("workspace", "owner", "collection")
    search_fields = ("pk", "owner__email")
    date_hierarchy = "created_at"
    inlines = (VersionInline,)
    # The file's name may tell what an operator need not know.
    fields = ("workspace", "owner", "collection", "created_at")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        current = DocumentVersion.objects.filter(document=OuterRef("pk"), is_current=True)
        rows: QuerySet[Document] = super().get_queryset(request)
        return rows.annotate(current_state=Subquery(current.values("state")[:1]))

    @admin.display(description="state")
    def state(self, document: Any) -> str:
        return str(DocumentVersion.State(document.current_state).label) if document.current_state else ""


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "workspace", "owner", "visibility", "classification", "created_at")
    list_filter = ("workspace", "visibility", "classification")
    search_fields = ("name",)
    list_select_related = ("workspace", "owner")
    # Whom it is open to is its owner's to say: being above opens no content.
    fields = ("name", "workspace", "owner", "visibility", "classification", "created_at")
    readonly_fields = ("name", "workspace", "owner", "visibility", "created_at")

    @override
    def save_model(self, request: HttpRequest, obj: Collection, form: Any, change: bool) -> None:
        """In Django's own transaction of the change."""
        super().save_model(request, obj, form, change)
        if form.changed_data:
            actor: Any = request.user
            event_record(
                action=COLLECTION_CHANGED,
                actor=actor,
                workspace_id=obj.workspace_id,
                target=obj,
                data={"changed": ",".join(sorted(form.changed_data)), "classification": obj.classification},
            )

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
