"""Brings in again what no worker has: profiles with missing documents, switches asked for, half-dropped ones."""

from datetime import timedelta

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from apps.documents.models import DocumentVersion
from apps.rag.models import IndexedVersion, IndexProfile
from apps.rag.profiles import tasks
from apps.rag.profiles.coverage import versions_missing
from chatbot.lib.queue import task_enqueue

# A row that waits longer may have lost its message.
PATIENCE_SECONDS = 30
# Rows of one statement that brings passage counts in line after a switch.
COUNTS_BATCH = 5000


def indexes_reconcile() -> int:
    """Enqueue what waits; gives how many messages were sent. Some queries for each profile, of which there are few."""
    sent = 0
    patience = Now() - timedelta(seconds=PATIENCE_SECONDS)
    unheld = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())
    lost = Q(enqueued_at=None) | Q(enqueued_at__lt=patience)
    for profile in IndexProfile.objects.filter(unheld, lost).exclude(state=IndexProfile.State.PAUSED):
        if _enqueue(profile):
            IndexProfile.objects.filter(pk=profile.pk).update(enqueued_at=Now())
            sent += 1
    for profile in IndexProfile.objects.exclude(switch_wanted_at=None):
        task_enqueue(tasks.index_switch_check, str(profile.pk), expires_seconds=PATIENCE_SECONDS)
        sent += 1
    chunk_counts_align()
    return sent


def _enqueue(profile: IndexProfile) -> bool:
    if profile.state == IndexProfile.State.DROPPING:
        return task_enqueue(tasks.index_drop, str(profile.pk), expires_seconds=tasks.EXPIRES_SECONDS)
    has_work = profile.state == IndexProfile.State.BUILDING or (
        profile.state in IndexProfile.KEPT_STATES and versions_missing(profile).exists()
    )
    if has_work:
        tasks.step_enqueue(profile.pk)
    return has_work


def chunk_counts_align() -> int:
    """After a switch, let versions say how many passages they have under the live profile. Gives how many were changed.

    Searches choose their plan by these numbers, and people see them; nothing breaks while they are those of before.
    """
    recent = Now() - timedelta(hours=1)
    live = IndexProfile.objects.filter(live_at__gt=recent, state=IndexProfile.State.LIVE).first()
    if live is None:
        return 0
    rows = IndexedVersion.objects.filter(
        profile=live, state=IndexedVersion.State.DONE, version__is_current=True
    ).exclude(version__chunk_count=F("chunk_count"))
    version_ids = list(rows.order_by("version_id").values_list("version_id", flat=True)[:COUNTS_BATCH])
    count = IndexedVersion.objects.filter(profile=live, version=OuterRef("pk")).values("chunk_count")
    indexed = DocumentVersion.objects.filter(pk__in=version_ids, state=DocumentVersion.State.INDEXED)
    return indexed.update(chunk_count=Subquery(count)) if version_ids else 0
