"""How many requests may come: from a person to the API, and from an address through the doors that need no sign-in."""

import logging
import math
import time
from dataclasses import dataclass
from uuid import UUID

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps.accounts.exceptions import RateLimitedError
from apps.accounts.models import Membership, User
from apps.audit.actions import RATE_LIMITED
from apps.audit.services import event_record
from chatbot.lib.errors import UnavailableError
from chatbot.lib.request_context import address_counted, client_address
from chatbot.lib.response_headers import response_headers_add
from chatbot.lib.valkey import valkey

logger = logging.getLogger(__name__)

_AWAY = (redis.ConnectionError, redis.TimeoutError)
# One row a minute says as much as a thousand about somebody who does not stop.
_TOLD_SECONDS = 60

# Generic cell rate algorithm: one number per subject, the time at which all sent so far is paid for. Atomic in Valkey.
# KEYS[1]; ARGV: now, seconds per request, seconds that may be owed. Returns {allowed, seconds owed, seconds to wait}.
_SCRIPT = """
local now, step, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = paid + step - now - tolerance
if wait > 0 then return {0, tostring(paid - now), tostring(wait)} end
redis.call('SET', KEYS[1], tostring(paid + step), 'PX', math.ceil((paid + step - now) * 1000) + 1000)
return {1, tostring(paid + step - now), '0'}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """State after a request: how many more may come at once, and in how many seconds all may again.

    `retry_after_seconds` is 0 for a request that may pass.
    """

    limit: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


def rate_limit_count(*, user: User) -> RateLimit | None:
    """Count one request; None where the limit is off or Valkey away. One round trip."""
    per_minute, burst = settings.API_RATE_PER_MINUTE, settings.API_RATE_BURST
    if not per_minute:
        return None
    try:
        return _count(key=f"rate:{user.pk}", step=60 / per_minute, burst=burst)
    except _AWAY:
        # People who are signed in go on working; sign-in itself has limits that close instead.
        logger.warning("The request limit is not counted: Valkey does not answer.")
        return None


def door_require(*, request: HttpRequest, door: str) -> None:
    """Count a request from the caller's address through a door that needs no sign-in. One round trip.

    Raises RateLimitedError when too many came, and UnavailableError while they cannot be counted.
    """
    if not settings.DOOR_LIMITS:
        return
    per_minute = settings.DOOR_RATES[door]
    caller = client_address(request)
    address = address_counted(caller) if caller else "unknown"
    try:
        state = _count(key=f"door:{door}:{address}", step=60 / per_minute, burst=per_minute)
    except _AWAY as error:
        logger.warning("The door %s is closed: Valkey does not answer.", door)
        raise UnavailableError from error
    response_headers_add(request, state.headers)
    if state.retry_after_seconds:
        rate_limited_record(subject=f"{door}:{address}", door=door)
        raise RateLimitedError(retry_after=state.retry_after_seconds)


def mail_may_be_asked(*, email: str) -> bool:
    """Whether one more mail may go to a mailbox because somebody typed its address. Counts it. One round trip."""
    if not settings.DOOR_LIMITS:
        return True
    subject = salted_hmac("apps.accounts.rate_limit.mail", email, algorithm="sha256").hexdigest()
    hourly = settings.ASKED_MAILS_PER_HOUR
    try:
        return not _count(key=f"asked-mail:{subject}", step=3600 / hourly, burst=hourly).retry_after_seconds
    except _AWAY as error:
        raise UnavailableError from error


def rate_limited_record(*, subject: str, door: str, user: User | None = None) -> None:
    """Tell the audit log that `subject` sends too much through `door`, at most once a minute."""
    try:
        is_news = valkey().set(f"rate-told:{subject}", "1", nx=True, ex=_TOLD_SECONDS)
    except _AWAY:
        return
    if is_news:
        event_record(
            action=RATE_LIMITED, actor=user, workspace_id=_workspace_of(user), data={"door": door}, result="refused"
        )


def _workspace_of(user: User | None) -> UUID | None:
    """Whose administrators the event is for: where the person works, if they still belong there, else their first."""
    if user is None:
        return None
    mine = list(
        Membership.objects.filter(user=user).order_by("created_at", "pk").values_list("workspace_id", flat=True)
    )
    return user.current_workspace_id if user.current_workspace_id in mine else next(iter(mine), None)


def _count(*, key: str, step: float, burst: int) -> RateLimit:
    allowed, owed, wait = valkey().eval(_SCRIPT, 1, key, str(time.time()), str(step), str(step * burst))
    return RateLimit(
        limit=burst,
        remaining=max(0, math.floor(burst - float(owed) / step + 1e-6)),
        reset_seconds=math.ceil(float(owed)),
        retry_after_seconds=0 if allowed else math.ceil(float(wait)),
    )
