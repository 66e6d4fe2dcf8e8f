"""The audit log in Django's admin: to read, not to write. The product's own page searches it."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from typing_extensions import override

from apps.audit.models import Checkpoint, Event, SignedHead, Stream, StreamPosition
from chatbot.lib.admin import ReadOnly

# Further back the product's page goes.
_SHOWN_MAXIMUM = 2000


class NewestPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than what it shows."""

    @cached_property
    @override
    def count(self) -> int:
        newest: Any = self.object_list[:_SHOWN_MAXIMUM]
        return int(newest.count())


@admin.register(Event)
class EventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        *("created_at", "action", "result", "actor_label", "role", "target_type", "target_label", "ip_address"),
    )
    ordering = ("-created_at", "-id")
    list_per_page = 50
    # No filters and no search: they would read the whole log.
    paginator = NewestPaginator
    show_full_result_count = False


@admin.register(SignedHead)
class SignedHeadAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("signed_at", "chain", "seq", "key_id")
    ordering = ("-id",)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("signed_at", "chain", "seq", "event_count", "first_at", "last_at", "key_id")
    ordering = ("-id",)


@admin.register(Stream)
class StreamAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("sent_at", "error", "lease_expires_at")


@admin.register(StreamPosition)
class StreamPositionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("chain", "seq")
