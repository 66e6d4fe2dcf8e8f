"""What the API's endpoints share: texts that can be stored, lists, and the shape of a problem."""

from typing import Annotated, Any, Generic, TypeVar

from django.http import HttpRequest
from ninja import Schema
from pydantic import AfterValidator

from chatbot.lib.pagination import DEFAULT_LIMIT

ItemT = TypeVar("ItemT")


def _storable(text: str) -> str:
    """JSON can spell two things that Postgres cannot hold: NUL and halves of surrogate pairs."""
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not contain half a surrogate pair") from error
    return text


Text = Annotated[str, AfterValidator(_storable)]


class PageQuery(Schema):
    """Which part of a list. `cursor` is the `next` of the page before."""

    limit: int = DEFAULT_LIMIT
    cursor: Text | None = None


class PageOut(Schema, Generic[ItemT]):
    """`next` is null on the last page."""

    items: list[ItemT]
    next: str | None


class FieldProblem(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """RFC 9457. `errors` stands only beside status 422."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


def accepts_json_only(request: HttpRequest) -> bool:
    """Whether the caller named JSON and no event stream: the answer is then at once and whole."""
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/event-stream" not in accept


def content_description(media_type: str) -> dict[str, Any]:
    """What the description of the API says of an answer that is no JSON."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "OK", "content": content}}}
