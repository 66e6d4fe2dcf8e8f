"""The life of a profile as a job: one worker at a time brings it up to date, and a killed one loses nothing."""

from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.rag.models import IndexProfile

# Longer than a slice with the loading of large weights before it.
LEASE_SECONDS = 120


class Step(StrEnum):
    """How a step ended. `more`: work is left, call again at once. `later`: something else comes first.

    `graph`: all passages of a build stand, its graph is next. `done`: there is nothing to do, or it is not ours.
    """

    MORE = "more"
    LATER = "later"
    GRAPH = "graph"
    DONE = "done"


def profile_lease_take(*, profile_id: UUID) -> IndexProfile | None:
    """The profile under a lease of ours; None if it has gone, is paused, failed or dropped, or another worker has it.

    Two queries.
    """
    token = uuid4()
    taken = (
        IndexProfile.objects.filter(pk=profile_id, state__in=IndexProfile.KEPT_STATES)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now()))
        .update(lease_token=token, lease_expires_at=_lease_end())
    )
    return IndexProfile.objects.filter(pk=profile_id, lease_token=token).first() if taken else None


def profile_lease_hold(profile: IndexProfile, **values: Any) -> bool:
    """Renew the lease and write the values. False if the profile is not this worker's any more: stop. One query."""
    return bool(_held(profile).update(lease_expires_at=_lease_end(), **values))


def profile_lease_release(profile: IndexProfile, step: Step, *, error_detail: str = "", **values: Any) -> None:
    """Give the lease back. Unless more is to be done at once, the reconciler looks at the profile next. One query.

    Without effect if it is not this worker's any more.
    """
    _held(profile).update(
        lease_token=None,
        lease_expires_at=None,
        enqueued_at=Now() if step is Step.MORE else None,
        error_detail=error_detail,
        **values,
    )


def _held(profile: IndexProfile) -> QuerySet[IndexProfile]:
    return IndexProfile.objects.filter(
        pk=profile.pk, lease_token=profile.lease_token, state__in=IndexProfile.KEPT_STATES
    )


def _lease_end() -> Any:
    return Now() + timedelta(seconds=LEASE_SECONDS)
