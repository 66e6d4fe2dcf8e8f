"""Deleting what lets nobody in any more."""

from django.utils import timezone

from apps.accounts.idempotency import IDEMPOTENCY_KEPT
from apps.accounts.models import IdempotentRequest, RefreshToken, SetupToken
from apps.accounts.selectors.sessions import sessions_dead


def expired_delete() -> dict[str, int]:
    """Delete dead sessions, expired refresh tokens, used set-up tokens, and answers kept for repeated requests.

    Gives how many rows of each kind went. Takes seconds after a day of a large site; each kind is a transaction.
    """
    now = timezone.now()
    return {
        "sessions": sessions_dead().delete()[0],
        "refresh_tokens": RefreshToken.objects.filter(expires_at__lt=now).delete()[0],
        "setup_tokens": SetupToken.objects.exclude(used_at=None).delete()[0],
        "idempotent_requests": IdempotentRequest.objects.filter(created_at__lt=now - IDEMPOTENCY_KEPT).delete()[0],
    }
