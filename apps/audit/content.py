"""What an event's SHA-256 is taken over, and how each event's hash follows from its predecessor's.

Both are part of every stored and exported log: changing them makes all earlier logs fail. Standard library only, so
that an export can be verified with this one file.
"""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

# The chain of what belongs to no workspace.
ORGANISATION_CHAIN = UUID(int=0)
# What stands before a chain's first event.
CHAIN_START = bytes(32)
CONTENT_FIELDS = (
    "id", "created_at", "workspace_id", "actor_id", "actor_label", "on_behalf_of_id", "on_behalf_of_label", "role",
    "action", "result", "target_type", "target_id", "target_label", "ip_address", "user_agent", "request_id", "data",
)  # fmt: skip


def content_of(event: object) -> dict[str, Any]:
    """The content of an event by name, each value as JSON has it. `event` has CONTENT_FIELDS as attributes."""
    return {name: content_plain(name, getattr(event, name)) for name in CONTENT_FIELDS}


def content_hash(content: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON: keys sorted, no spaces, UTF-8. `content`: as from `content_of`."""
    wanted = {name: content[name] for name in CONTENT_FIELDS}
    return hashlib.sha256(
        json.dumps(wanted, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    ).digest()


def link_hash(*, previous: bytes, seq: int, content: bytes) -> bytes:
    """The hash of event number `seq` of a chain, from its predecessor's (CHAIN_START for the first)."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + content).digest()


def chain_of(workspace_id: UUID | None) -> UUID:
    return workspace_id or ORGANISATION_CHAIN


def content_plain(name: str, value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if name == "ip_address" and value:
        # Postgres and Python shorten an address differently.
        return str(ipaddress.ip_address(value))
    return value
