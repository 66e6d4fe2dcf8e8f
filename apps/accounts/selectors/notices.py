"""Reads: what a person must still be told."""

from django.db.models import QuerySet

from apps.accounts.models import Notice, User


def notices_unread(*, user: User) -> QuerySet[Notice]:
    """What the person has not yet said they have seen, oldest first."""
    return Notice.objects.filter(user=user, read_at=None).order_by("pk")
