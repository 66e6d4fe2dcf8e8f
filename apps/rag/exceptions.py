"""What can go wrong with an index, for people."""

from collections.abc import Sequence

from typing_extensions import override

from chatbot.lib.errors import AppError


class IndexStateError(AppError):
    code = "index_state"
    status = 409
    title = "This cannot be done with the index as it stands now."


class SwitchBlockedError(AppError):
    """`reasons`: sentences for people."""

    code = "switch_blocked"
    status = 409
    title = "The search index was not switched."

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return (SwitchBlockedError, (self.reasons,))
