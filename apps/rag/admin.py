"""The index to look at; nothing of it is changed by hand."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from typing_extensions import override

from apps.rag.models import CorpusStatistics, IndexProfile

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Model]
else:
    # Generic for the type checker alone.
    Admin = admin.ModelAdmin


class _ReadOnlyAdmin(Admin):
    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(IndexProfile)
class IndexProfileAdmin(_ReadOnlyAdmin):
    list_display = ("embedder", "dimensions", "chunker_version", "state", "created_at")


@admin.register(CorpusStatistics)
class CorpusStatisticsAdmin(_ReadOnlyAdmin):
    list_display = ("workspace", "profile", "chunk_count", "total_length")
    list_select_related = ("workspace", "profile")
