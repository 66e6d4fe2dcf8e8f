"""The one module for outbound HTTP.

All addresses in use today come from the operator's configuration, so loopback and private ones are meant. Addresses
that people type in do not exist yet; when they come, their client (resolve once, check every address, connect to the
checked one, re-check each redirect) belongs here too.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

if TYPE_CHECKING:
    import aiohttp

# A server that is there accepts at once; waiting longer only delays the fallback.
CONNECT_SECONDS = 3.0
# Between two pieces of an answer: a long prompt on a slow machine, or a place in the server's queue.
READ_SECONDS = 300.0
WRITE_SECONDS = 30.0
# llama.cpp drops idle connections after 5 seconds; letting go of them first avoids writing into a closing one.
KEEPALIVE_SECONDS = 4.0
# Few idle ones: each request asks every one of them whether it has gone, 0.1 ms a piece.
LIMITS = httpx.Limits(max_connections=512, max_keepalive_connections=8, keepalive_expiry=KEEPALIVE_SECONDS)
# Questions such as "which models do you have" must never hold up a start or a page.
PROBE_SECONDS = 2.0
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ResourceT = TypeVar("ResourceT")
_resources: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, tuple[Any, AsyncGenerator[None, None]]]] = (
    WeakKeyDictionary()
)


@cache
def _tls() -> ssl.SSLContext:
    """One for the process: reading the certificates takes tens of milliseconds."""
    return httpx.create_ssl_context()


def client_options(*, read_seconds: float = READ_SECONDS) -> dict[str, Any]:
    """Arguments for an httpx client, also one that an SDK makes: short connect, no redirects, no proxy to loopback."""
    return {
        "timeout": httpx.Timeout(connect=CONNECT_SECONDS, read=read_seconds, write=WRITE_SECONDS, pool=WRITE_SECONDS),
        "limits": LIMITS,
        "verify": _tls(),
        "follow_redirects": False,
        "mounts": {f"all://{host}": None for host in _LOOPBACK},
    }


def probe_client() -> httpx.Client:
    """A client for short questions from synchronous code; use it in a `with`."""
    options = client_options(read_seconds=PROBE_SECONDS)
    return httpx.Client(**{**options, "timeout": httpx.Timeout(PROBE_SECONDS)})


async def stream_client() -> httpx.AsyncClient:
    """The client of the running event loop, shared so that connections are kept alive."""
    return await loop_resource(
        "stream client", make=lambda: httpx.AsyncClient(**client_options()), close=lambda made: made.aclose()
    )


async def stream_session(url: str) -> "aiohttp.ClientSession":
    """As `stream_client`, for answers in very many small pieces: a twentieth of httpx's cost per request, a fifth per
    piece. A proxy of the environment is used for what is not on this machine or network.
    """
    import aiohttp

    is_local = url_is_local(url)

    def make() -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
        connector = aiohttp.TCPConnector(ssl=_tls(), limit=512, keepalive_timeout=KEEPALIVE_SECONDS)
        return aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=not is_local, cookie_jar=aiohttp.DummyCookieJar()
        )

    name = "local stream session" if is_local else "stream session"
    return await loop_resource(name, make=make, close=lambda made: made.close())


async def loop_resource(
    name: str, *, make: Callable[[], ResourceT], close: Callable[[ResourceT], Awaitable[None]]
) -> ResourceT:
    """What `make` gave for this name on the running event loop, made once; closed when the loop ends.

    Connections belong to the loop they were opened on.
    """
    resources = _resources.setdefault(asyncio.get_running_loop(), {})
    if name not in resources:
        made = make()
        keeper = _close_with_loop(made, close)
        # Loops close the async generators that were started on them; nothing else tells of a loop's end.
        await anext(keeper)
        resources[name] = (made, keeper)
    resource: ResourceT = resources[name][0]
    return resource


async def _close_with_loop(
    resource: ResourceT, close: Callable[[ResourceT], Awaitable[None]]
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close(resource)


def url_is_local(url: str) -> bool:
    """Whether the address is on this machine or a private network, so that nothing leaves the organisation."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))
    return address.is_loopback or address.is_private
