"""What may come to a websocket before anything is known about it."""

from urllib.parse import urlsplit

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

FORBIDDEN, NOT_FOUND = 4403, 4404


async def socket_unknown(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Stands behind the last address: without it the router fails at whatever it does not know."""
    await _close(receive, send, NOT_FOUND)


class OriginReadable:
    """Refuses an origin that is no address, at which the check of origins further in would fail."""

    def __init__(self, application: ASGI3Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if all(_is_readable(value) for name, value in scope["headers"] if name == b"origin"):  # type: ignore[typeddict-item]
            await self.application(scope, receive, send)
        else:
            await _close(receive, send, FORBIDDEN)


def _is_readable(origin: bytes) -> bool:
    try:
        _ = urlsplit(origin.decode("latin-1")).port
    except ValueError:
        return False
    return True


async def _close(receive: ASGIReceiveCallable, send: ASGISendCallable, code: int) -> None:
    await receive()
    await send({"type": "websocket.close", "code": code, "reason": None})
