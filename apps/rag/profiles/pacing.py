"""How many passages a build may embed now: so many a minute, spread over it."""

from datetime import datetime, timedelta

from apps.rag.models import IndexProfile

# What a build that stood still may catch up on; steps come at least this often.
BURST_SECONDS = 20


def allowance_of(profile: IndexProfile, *, now: datetime, most: int) -> int:
    """Passages that may be embedded at once, from 0 to `most`. Only builds are held back."""
    seconds = _seconds_each(profile)
    if seconds is None:
        return most
    return min(most, int((now - _used_until(profile, now, seconds)).total_seconds() / seconds))


def allowance_used(profile: IndexProfile, *, now: datetime, count: int) -> datetime | None:
    """The new `paced_at` after so many passages."""
    seconds = _seconds_each(profile)
    if seconds is None:
        return profile.paced_at
    return _used_until(profile, now, seconds) + timedelta(seconds=count * seconds)


def _seconds_each(profile: IndexProfile) -> float | None:
    if not profile.chunks_per_minute or profile.state != IndexProfile.State.BUILDING:
        return None
    return 60 / profile.chunks_per_minute


def _used_until(profile: IndexProfile, now: datetime, seconds: float) -> datetime:
    # However slow the rate, one passage comes round.
    earliest = now - timedelta(seconds=max(BURST_SECONDS, seconds))
    return max(profile.paced_at or earliest, earliest)
