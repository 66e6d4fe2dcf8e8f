"""Sign-ins that have left for a source and are awaited back, kept in the browser's session."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest

_KEY = "sso_pending"
# Long enough for a second factor at the source.
_SECONDS = 900
# Tabs that one browser may have under way.
_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """`next_url`: where to go afterwards, checked to be here. `linking`: key of who links an identity, else empty."""

    source: str
    next_url: str = ""
    linking: str = ""
    nonce: str = ""
    verifier: str = ""
    at: float = 0.0


def pending_keep(request: HttpRequest, *, key: str, pending: Pending) -> None:
    """`key`: what the source gives back, unguessable."""
    rows = _rows(request)
    rows[key] = {**asdict(pending), "at": time.time()}
    newest = sorted(rows, key=lambda name: rows[name]["at"])[-_MOST:]
    request.session[_KEY] = {name: rows[name] for name in newest}


def pending_take(request: HttpRequest, *, key: str, source: str) -> Pending | None:
    """What was kept under the key, once; None if this browser did not begin it, or too long ago."""
    rows = _rows(request)
    found = rows.pop(key, None)
    if found is None:
        return None
    request.session[_KEY] = rows
    # Saved at once: whatever fails later, the key is used up.
    request.session.save()
    pending = Pending(**found)
    return pending if pending.source == source and time.time() - pending.at <= _SECONDS else None


def _rows(request: HttpRequest) -> dict[str, dict[str, Any]]:
    rows = request.session.get(_KEY)
    return dict(rows) if isinstance(rows, dict) else {}
