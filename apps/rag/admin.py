"""The index to look at; nothing of it is changed by hand."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model

from apps.rag.models import CorpusStatistics, IndexProfile
from chatbot.lib.admin import ReadOnly

if TYPE_CHECKING:
    Admin = admin.ModelAdmin[Model]
else:
    # Generic for the type checker alone.
    Admin = admin.ModelAdmin


@admin.register(IndexProfile)
class IndexProfileAdmin(ReadOnly, Admin):
    list_display = ("embedder", "dimensions", "chunker_version", "state", "created_at")


@admin.register(CorpusStatistics)
class CorpusStatisticsAdmin(ReadOnly, Admin):
    list_display = ("workspace", "profile", "chunk_count", "total_length")
    list_select_related = ("workspace", "profile")
