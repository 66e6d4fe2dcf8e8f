"""A POST that is sent twice with the same Idempotency-Key happens once."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.exceptions import IdempotencyMismatchError
from apps.accounts.models import IdempotentRequest, User
from apps.accounts.services.quotas import quota_refusals_recorded
from chatbot.lib.errors import ValidationFailedError

IDEMPOTENCY_KEPT = timedelta(hours=24)
_KEY_MAXIMUM = 200


@quota_refusals_recorded
def idempotent_run(
    *, request: HttpRequest, user: User, work: Callable[[], dict[str, Any]], fingerprint: bytes | None = None
) -> dict[str, Any]:
    """What `work` returned, now or when this key first came; without a key, simply what it returns.

    `work` makes its objects and returns what finds them again, as plain JSON values. Its changes and the key are one
    transaction: of two requests at the same time the second waits for the first and gets its result, and a failure
    leaves no key behind. `fingerprint` stands for the request's content, by default its body. Keys are kept for a day.
    Raises IdempotencyMismatchError for a key that came with other content, ValidationFailedError for a bad key.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    if not key.isascii() or not key.isprintable() or not 1 <= len(key) <= _KEY_MAXIMUM:
        raise ValidationFailedError(errors={"Idempotency-Key": f"1 to {_KEY_MAXIMUM} printable ASCII characters"})
    digest = hashlib.sha256(request.body if fingerprint is None else fingerprint).hexdigest()
    with transaction.atomic():
        IdempotentRequest.objects.filter(user=user, created_at__lt=timezone.now() - IDEMPOTENCY_KEPT).delete()
        # The unique constraint makes a second request wait here until the first one's transaction has ended.
        row, is_first = IdempotentRequest.objects.get_or_create(
            user=user, key=key, route=f"{request.method} {request.path}"[:200], defaults={"request_hash": digest}
        )
        if not is_first:
            if row.request_hash != digest:
                raise IdempotencyMismatchError
            return dict(row.body or {})
        body = work()
        IdempotentRequest.objects.filter(pk=row.pk).update(body=body, status=200)
    return body
