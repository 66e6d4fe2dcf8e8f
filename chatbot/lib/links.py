"""Links that a model or a document wrote, as people may meet them."""

import html
import re
from urllib.parse import SplitResult, urlsplit

LINK_REL = "noopener noreferrer nofollow"
# A person who follows a link tells its address. What stands behind "?" and "#", or in one part of the path, is as long
# as this in ordinary links; with more room, somebody may have had the model write what it knows into it.
QUERY_MAXIMUM = 60
PART_MAXIMUM = 80
# A name, or an address of four or six parts.
_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+")


def link_parts(address: str, label: str) -> tuple[str, str]:
    """HTML for before and behind the label: a link that names its host, or the plain address where it is not live.

    Behind a label that names the host already there is nothing more.
    """
    host = link_host(address)
    if host is None:
        return "", f" (<code>{html.escape(address)}</code>)"
    after = "" if host in label.casefold() else f' <span class="link-host">({html.escape(host)})</span>'
    return f'<a href="{html.escape(address)}" target="_blank" rel="{LINK_REL}">', f"</a>{after}"


def link_host(address: str) -> str | None:
    """Where the link leads, in lower case; None for an address that shall not be followed by a click.

    Such are those that could carry data away, and those that hide their host behind a user's name.
    """
    try:
        parts = urlsplit(address)
        host = parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname
    except ValueError:
        return None
    if not host or not _HOST.fullmatch(host) or "@" in parts.netloc or _has_room(parts):
        return None
    return host.casefold()


def _has_room(parts: SplitResult) -> bool:
    if parts.scheme == "mailto":
        return bool(parts.query)
    is_long = any(len(part) > PART_MAXIMUM for part in [*parts.path.split("/"), *(parts.hostname or "").split(".")])
    return is_long or len(parts.query) + len(parts.fragment) > QUERY_MAXIMUM
