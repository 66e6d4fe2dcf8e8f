"""How tests speak to the API."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import AsyncClient, Client

BASE = "/api/v1"


@dataclass
class Api:
    """JSON in, the response out; signed in as the client is."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        if method.upper() in {"POST", "PUT"} and body is None:
            data = {"data": "{}", "content_type": "application/json"}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method.lower())(BASE + path, **data, headers={**self.headers, **names})


@dataclass(frozen=True)
class SseEvent:
    id: str
    event: str
    data: dict[str, Any]

    @property
    def sequence(self) -> int:
        return int(self.id.rpartition(":")[2])


def sse_parse(text: str) -> list[SseEvent]:
    """The events of a stream, comments left out."""
    events = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if lines:
            events.append(SseEvent(id=lines["id"], event=lines["event"], data=json.loads(lines["data"])))
    return events


async def sse_read(response: Any) -> list[SseEvent]:
    """Read a stream to its end."""
    assert response["Content-Type"] == "text/event-stream"
    return sse_parse("".join([piece.decode() async for piece in response.streaming_content]))


async def async_client_of(user: Any) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def problem_assert(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """That the answer is a problem as API.md says, and nothing more."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    wanted = {"type", "title", "status", "detail", "code", "request_id"} | ({"errors"} if status == 422 else set())
    assert set(body) == wanted
    assert body["status"] == status
    assert body["request_id"] == response["X-Request-ID"]
    if code:
        assert body["code"] == code
    return body
