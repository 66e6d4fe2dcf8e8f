"""Headers that code deep inside wants on whatever the answer will be, an error included."""

from collections.abc import Mapping

from django.http import HttpRequest


def response_headers_add(request: HttpRequest, headers: Mapping[str, str]) -> None:
    response_headers_of(request).update(headers)


def response_headers_of(request: HttpRequest) -> dict[str, str]:
    """What was asked for so far."""
    headers: dict[str, str] = request.__dict__.setdefault("_response_headers", {})
    return headers
