"""Outbound HTTP, against a server in this process."""

import asyncio

import httpx
import pytest

from apps.llm.testing import FakeModelServer
from chatbot.lib.net import loop_resource, probe_client, stream_client, url_is_local


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081",
        "http://[::1]:8081/v1",
        "http://localhost:11434",
        "http://ollama:11434",
        "http://10.0.0.5/v1",
        "http://192.168.1.7:8000",
        "http://models.internal/v1",
        "http://gpu-box.local",
    ],
)
def test_addresses_inside_are_local(url):
    assert url_is_local(url)


@pytest.mark.parametrize("url", ["https://openrouter.ai/api/v1", "https://8.8.8.8", "https://internal.example.org"])
def test_addresses_outside_are_not(url):
    assert not url_is_local(url)


def test_proxies_of_the_environment_are_not_used_for_loopback(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with FakeModelServer() as server, probe_client() as client:
        assert client.get(f"{server.url}/v1/models").status_code == 200
        with pytest.raises(httpx.ConnectError):
            client.get("http://example.org/")


async def test_one_client_for_an_event_loop():
    assert await stream_client() is await stream_client()


def test_each_event_loop_has_its_own_client_and_closes_it():
    first, second = asyncio.run(stream_client()), asyncio.run(stream_client())
    assert first is not second
    assert first.is_closed
    assert second.is_closed


def test_a_resource_is_made_once_and_closed_with_its_loop():
    made: list[str] = []
    closed: list[str] = []

    def make() -> str:
        made.append("made")
        return "resource"

    async def close(resource: str) -> None:
        closed.append(resource)

    async def use_twice() -> None:
        assert await loop_resource("test", make=make, close=close) == "resource"
        assert await loop_resource("test", make=make, close=close) == "resource"
        assert not closed

    asyncio.run(use_twice())
    assert (made, closed) == (["made"], ["resource"])


async def test_redirects_are_not_followed():
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        response = await (await stream_client()).get(f"http://127.0.0.1:{port}/")
    assert response.status_code == 302
