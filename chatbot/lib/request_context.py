"""Who asks: the request's id, address and browser, for audit events and log lines."""

import ipaddress
import logging
import re
from contextvars import ContextVar, Token
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from typing_extensions import override

from chatbot.lib.keys import uuid7

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_USER_AGENT_LENGTH = 300
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """Empty outside a request: in workers and commands."""

    request_id: str = ""
    ip_address: str | None = None
    user_agent: str = ""


_NOBODY = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("request_context", default=_NOBODY)


def request_context() -> RequestContext:
    """The context of the request that is being answered."""
    return _current.get()


def request_context_set(context: RequestContext) -> Token[RequestContext]:
    return _current.set(context)


def request_context_reset(token: Token[RequestContext]) -> None:
    _current.reset(token)


def request_context_of(request: HttpRequest) -> RequestContext:
    """Read from the headers. A request id that is not plain and short is replaced by one of ours."""
    given = request.headers.get("X-Request-ID", "")
    return RequestContext(
        request_id=given if _REQUEST_ID.fullmatch(given) else uuid7().hex,
        ip_address=client_address(request),
        user_agent=request.headers.get("User-Agent", "")[:_USER_AGENT_LENGTH].replace("\x00", ""),
    )


def client_address(request: HttpRequest) -> str | None:
    """The address of the person's machine; None where it is not known, as behind a Unix socket.

    Each trusted proxy appends the address it was called from, so the n-th from the right is what the outermost
    of n trusted proxies saw; everything left of it can be made up by the caller.
    """
    address = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        address = hops[-min(proxies, len(hops))] if hops else address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def address_counted(address: str) -> str:
    """What limits count for a valid address: itself; of IPv6 its network, as a customer has a whole one."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False).network_address
    return str(ip)


class RequestIdFilter(logging.Filter):
    """Gives each log record the id of the request it belongs to, `-` where there is none."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get().request_id or "-"
        return True
