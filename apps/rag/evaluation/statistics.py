"""How a collection's documents served in replies to people: told by the app above, which knows the replies."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyStatistics:
    """Of replies of the last `days` days that cite the collection's documents, or that looked there and abstained.

    `support_share`: mean share of supported sentences; None where none was measured.
    """

    days: int
    replies: int = 0
    support_share: float | None = None
    abstained: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0


_tellers: list[Callable[[UUID], ReplyStatistics]] = []


def statistics_register(teller: Callable[[UUID], ReplyStatistics]) -> None:
    """Have a collection's key answered by this one. The last one registered counts."""
    _tellers[:] = [teller]


def reply_statistics(collection_id: UUID) -> ReplyStatistics | None:
    """None where nothing tells. The caller has checked who may know."""
    return _tellers[0](collection_id) if _tellers else None
