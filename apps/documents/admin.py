"""Documents in Django's admin: to look at, not to change. Texts and files are not shown here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from typing_extensions import override

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
    search_fields = ("pk", "owner__email")
    date_hierarchy = "created_at"
    inlines = (VersionInline,)
    # The file's name may tell what an operator need not know.
    fields = ("workspace", "owner", "collection", "created_at")

    @admin.display(description="state")
    def state(self, document: Document) -> str:
        version = document.versions.filter(is_current=True).first()
        return version.get_state_display() if version else ""


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "workspace", "owner", "visibility", "classification", "created_at")
    list_filter = ("workspace", "visibility", "classification")
    search_fields = ("name",)
    readonly_fields = ("workspace", "owner", "created_at")

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
