"""How many requests a person may send to the API, counted in Valkey."""

import logging
import math
import time
from dataclasses import dataclass

import redis
from django.conf import settings

from apps.accounts.models import User
from chatbot.lib.valkey import valkey

logger = logging.getLogger(__name__)

# Generic cell rate algorithm: one number per person, the time at which all sent so far is paid for. Atomic in Valkey.
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
    step = 60 / per_minute
    try:
        allowed, owed, wait = valkey().eval(
            _SCRIPT, 1, f"rate:{user.pk}", str(time.time()), str(step), str(step * burst)
        )
    except (redis.ConnectionError, redis.TimeoutError):
        # People who are signed in go on working; sign-in itself has limits that close instead.
        logger.warning("The request limit is not counted: Valkey does not answer.")
        return None
    remaining = max(0, math.floor(burst - float(owed) / step + 1e-6))
    return RateLimit(
        limit=burst,
        remaining=remaining,
        reset_seconds=math.ceil(float(owed)),
        retry_after_seconds=0 if allowed else math.ceil(float(wait)),
    )
