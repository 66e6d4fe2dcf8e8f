"""Dropping a profile: what is large goes in slices, so that nobody waits for locks; the row goes last."""

from functools import partial
from time import monotonic
from uuid import UUID

from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.actions import INDEX_DROPPED
from apps.audit.services import event_record
from apps.rag.exceptions import IndexStateError
from apps.rag.models import CorpusStatistics, IndexedVersion, IndexProfile, Lexeme
from apps.rag.profiles import tasks
from apps.rag.profiles.changing import profile_locked
from apps.rag.profiles.coverage import coverage_of
from apps.rag.profiles.graphs import graph_drop
from chatbot.lib.queue import task_enqueue

SLICE_SECONDS = 8
# Some hundred milliseconds of work.
DELETE_BATCH = 1000

# Rows that somebody else holds, an embedder writing its last vectors, come round in a later batch.
_DELETE = """
DELETE FROM rag_chunk WHERE id IN (
    SELECT id FROM rag_chunk WHERE profile_id = %s LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


@transaction.atomic
def index_drop(*, actor: User | None, profile_id: UUID, actor_label: str = "") -> None:
    """Give the profile up: it is gone for everybody at once, and its passages are deleted in the background.

    Raises IndexStateError for the live one, NotFoundError.
    """
    profile = profile_locked(actor=actor, profile_id=profile_id)
    if profile.state == IndexProfile.State.LIVE:
        raise IndexStateError("The live index cannot be dropped. Switch to another one first.")
    if profile.state == IndexProfile.State.DROPPING:
        return
    chunks = coverage_of(profile).chunks
    event_record(
        action=INDEX_DROPPED,
        actor=actor,
        actor_label=actor_label,
        workspace_id=None,
        target=profile,
        data={"chunks": chunks},
    )
    profile.state, profile.name, profile.switch_wanted_at = IndexProfile.State.DROPPING, "", None
    profile.lease_token = profile.lease_expires_at = profile.enqueued_at = None
    profile.save()
    transaction.on_commit(partial(task_enqueue, tasks.index_drop, str(profile.pk)))


def index_drop_step(*, profile_id: UUID) -> bool:
    """Delete for one slice of time. True: some is left, call again. May run twice, also at once."""
    deadline = monotonic() + SLICE_SECONDS
    profile = IndexProfile.objects.filter(pk=profile_id, state=IndexProfile.State.DROPPING).first()
    if profile is None:
        return False
    # Without the graph and without words to count down, deleting a passage costs a tenth.
    graph_drop(profile)
    _statistics_delete(profile)
    while _chunks_delete(profile):
        if monotonic() > deadline:
            return True
    if profile.chunks.exists():
        return True
    IndexedVersion.objects.filter(profile=profile).delete()
    _statistics_delete(profile)
    profile.delete()
    return False


def _chunks_delete(profile: IndexProfile) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [profile.pk, DELETE_BATCH])
        return int(cursor.rowcount)


def _statistics_delete(profile: IndexProfile) -> None:
    Lexeme.objects.filter(profile=profile).delete()
    CorpusStatistics.objects.filter(profile=profile).delete()
