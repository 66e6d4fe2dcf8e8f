"""Events as messages of syslog (RFC 5424)."""

import re
import socket
from collections.abc import Mapping
from typing import Any

_AUDIT_FACILITY = 13
_WARNING, _INFORMATIONAL = 4, 6
# The number that RFC 5612 gives for such use; this product has none of its own.
_ELEMENT = "chatbot@32473"
_PARAMETERS = (
    "id", "chain", "seq", "action", "result", "actor_id", "actor_label", "on_behalf_of_id", "workspace_id",
    "target_type", "target_id", "ip_address", "request_id",
)  # fmt: skip
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def syslog_message(row: Mapping[str, Any], *, text: str) -> bytes:
    """The event with `text` as what it says, without framing. `row` as from `export.row_of`."""
    severity = _WARNING if row["result"] == "refused" else _INFORMATIONAL
    time = row["created_at"].replace("+00:00", "Z")
    head = f"<{_AUDIT_FACILITY * 8 + severity}>1 {time} {_name(socket.gethostname(), 255)} chatbot - "
    return f"{head}{_name(row['action'], 32)} [{_ELEMENT}{_parameters(row)}] {text}".encode()


def octets_counted(message: bytes) -> bytes:
    """Framing on a connection: the length before the message (RFC 6587, RFC 5425)."""
    return b"%d %b" % (len(message), message)


def _parameters(row: Mapping[str, Any]) -> str:
    return "".join(f' {name}="{_escaped(str(row[name]))}"' for name in _PARAMETERS if row[name] not in {None, ""})


def _escaped(value: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", _CONTROL.sub(" ", value))


def _name(text: str, length: int) -> str:
    return _NOT_PRINTABLE.sub("_", text)[:length] or "-"
