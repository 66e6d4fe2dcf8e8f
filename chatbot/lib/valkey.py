"""Connections to Valkey. Nothing in it may not be lost."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

# A dead server must be noticed by a blocked reader within seconds, not minutes.
CONNECT_SECONDS = 2
_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


@cache
def valkey() -> redis.Redis:
    """The process-wide client for synchronous code; thread-safe. Texts in and out are str."""
    return redis.Redis.from_url(
        settings.VALKEY_URL, decode_responses=True, socket_connect_timeout=CONNECT_SECONDS, health_check_interval=15
    )


def valkey_async() -> redis.asyncio.Redis:
    """The client of the running event loop. Texts in and out are str."""
    loop = asyncio.get_running_loop()
    client = _async_clients.get(loop)
    if client is None:
        client = redis.asyncio.Redis.from_url(
            settings.VALKEY_URL, decode_responses=True, socket_connect_timeout=CONNECT_SECONDS, health_check_interval=15
        )
        _async_clients[loop] = client
    return client


async def valkey_async_close() -> None:
    """Close the running event loop's client, before the loop ends; the next call makes a new one."""
    client = _async_clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()
