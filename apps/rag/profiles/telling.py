"""Indexes as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.rag.chunking import ChunkSizes
from apps.rag.models import IndexProfile
from apps.rag.profiles.coverage import Coverage, coverages_of, profile_bytes
from apps.rag.profiles.switching import READY_STATES

_State = IndexProfile.State
_BADGES = {
    _State.LIVE: ("live", "badge-good"),
    _State.READY: ("ready", "badge-good"),
    _State.BUILDING: ("being built", "badge-warning"),
    _State.PAUSED: ("paused", ""),
    _State.RETIRED: ("retired", ""),
    _State.FAILED: ("failed", "badge-bad"),
    _State.DROPPING: ("being deleted", "badge-warning"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexTold:
    """An index with how far it has come and what can be done with it. `size_bytes` is an estimate."""

    profile: IndexProfile
    coverage: Coverage
    size_bytes: int = 0

    @property
    def state(self) -> str:
        return _BADGES[_State(self.profile.state)][0]

    @property
    def badge(self) -> str:
        return _BADGES[_State(self.profile.state)][1]

    @property
    def blocked(self) -> list[str]:
        return self.profile.switch_blocked.splitlines()

    @property
    def is_busy(self) -> bool:
        """Whether the page shall look again soon."""
        is_moving = self.profile.state in {_State.BUILDING, _State.DROPPING}
        is_behind = self.coverage.missing > 0 and self.profile.state in IndexProfile.KEPT_STATES
        return is_moving or is_behind or self.profile.switch_wanted_at is not None

    @property
    def can_pause(self) -> bool:
        return self.profile.state == _State.BUILDING

    @property
    def can_resume(self) -> bool:
        return self.profile.state in {_State.PAUSED, _State.FAILED}

    @property
    def can_switch(self) -> bool:
        return self.profile.state in READY_STATES

    @property
    def can_drop(self) -> bool:
        return self.profile.state not in {_State.LIVE, _State.DROPPING}

    @property
    def chunk_words(self) -> str:
        sizes = ChunkSizes(**self.profile.chunking)
        return f"{sizes.minimum} to {sizes.maximum} tokens, ideally {sizes.ideal}"

    @property
    def version(self) -> str:
        """Changes with all that the page shows outside the progress."""
        return f"{self.profile.state}-{bool(self.profile.switch_wanted_at)}-{bool(self.profile.switch_blocked)}"


def indexes_told(profiles: Sequence[IndexProfile]) -> list[IndexTold]:
    """In the order given. Six queries."""
    coverages, sizes = coverages_of(profiles), profile_bytes(profiles)
    return [
        IndexTold(profile=profile, coverage=coverages[profile.pk], size_bytes=sizes[profile.pk]) for profile in profiles
    ]
