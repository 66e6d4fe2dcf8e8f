"""A request with hostile text in it, sent as a browser or a program could send it: nothing is refused on this side."""

import json
import re
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import quote, quote_plus

from django.http import HttpResponse
from django.test import Client

from chatbot.testing.hostile.types import HOSTILE, Step

_BOUNDARY = "hostile-boundary"
_FORM = "application/x-www-form-urlencoded"
_THING = re.compile(r"\{(\w+)\}")
# Each request from an address of its own, so that counts by address stop nobody.
_addresses = count(1)


def step_send(client: Client, step: Step, text: str, things: Mapping[str, str]) -> HttpResponse:
    """The answer to the step with `text` in the places for it. An error inside becomes a 500, as for a browser."""
    path = quote(_filled(step.path, "\0", things), safe="/?=&").replace("%00", _escaped(text))
    if step.query:
        path = f"{path}?{_form(step.query, text, things)}"
    data, content_type = _body(step, text, things)
    environment: dict[str, Any] = {"REMOTE_ADDR": _address()}
    if step.is_exact:
        environment |= {"PATH_INFO": _latin(_filled(step.path, text, things)), "QUERY_STRING": ""}
        path = "/"
    for name, value in step.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environment[key] = _latin(_filled(value, text, things))
    return client.generic(step.verb, path, data, content_type, **environment)  # type: ignore[return-value]


def _body(step: Step, text: str, things: Mapping[str, str]) -> tuple[bytes, str]:
    if step.filename:
        name = _bytes(_filled(step.filename, text, things)).replace(b'"', b"%22")
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="'.encode()
        tail = f'"\r\nContent-Type: text/plain\r\n\r\nNoon.\r\n--{_BOUNDARY}--\r\n'.encode()
        return head + name + tail, f"multipart/form-data; boundary={_BOUNDARY}"
    if step.json is not None:
        return json.dumps(_replaced(step.json, text, things)).encode(), "application/json"
    if step.form is not None:
        return _form(step.form, text, things).encode(), _FORM
    return b"", _FORM


def _form(values: Mapping[str, str], text: str, things: Mapping[str, str]) -> str:
    names = {_filled(name, text, things): _filled(value, text, things) for name, value in values.items()}
    return "&".join(f"{quote_plus(_bytes(name))}={quote_plus(_bytes(value))}" for name, value in names.items())


def _replaced(value: Any, text: str, things: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_filled(key, text, things): _replaced(item, text, things) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, text, things) for item in value]
    return _filled(value, text, things) if isinstance(value, str) else value


def _filled(value: str, text: str, things: Mapping[str, str]) -> str:
    return _THING.sub(lambda found: things[found.group(1)], value).replace(HOSTILE, text)


def _escaped(text: str) -> str:
    return quote(_bytes(text), safe="")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _latin(text: str) -> str:
    """Bytes as servers hand them to WSGI applications."""
    return _bytes(text).decode("latin-1")


def _address() -> str:
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
