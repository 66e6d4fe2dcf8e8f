"""How a log line looks, whatever texts of strangers are in it."""

import logging
from types import TracebackType
from typing import TypeAlias

from typing_extensions import override

_ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# Control characters, and what else ends a line or turns the reading direction of what follows.
_ESCAPED = {
    number: chr(number).encode("unicode_escape").decode("ascii")
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_INDENT = "    "


class LineFormatter(logging.Formatter):
    """One line a record; below it, indented, what it was called with or how it came to the error.

    Nothing that somebody sends can look like a line of its own or reach the terminal as a command.
    """

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).translate(_ESCAPED)

    @override
    def formatException(self, ei: _ExceptionInfo) -> str:
        return _indented(super().formatException(ei))

    @override
    def formatStack(self, stack_info: str) -> str:
        return _indented(super().formatStack(stack_info))


def _indented(text: str) -> str:
    return "\n".join(_INDENT + line.translate(_ESCAPED) for line in text.splitlines())
