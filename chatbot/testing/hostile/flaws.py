"""What an answer to hostile text must not be."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.http import HttpResponseBase
from typing_extensions import override

from chatbot.dev.layout import ROOT
from chatbot.testing.hostile.payloads import FORGED

HOST = "testserver"
# What only the inside of the program says.
_TRACES = tuple(
    text.lower()
    for text in (
        "Traceback (most recent", "psycopg", "django.db.", "site-packages", "syntax error at or near",
        "ProgrammingError", "DataError", "IntegrityError", "OperationalError", "unterminated quoted",
        "invalid input syntax", "invalid byte sequence", "SELECT \"", "root:x:0:0", "PATH=/", str(ROOT),
    )
)  # fmt: skip
_TARGET_HEADERS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Refresh")
_LINK = re.compile(
    r"\s(?:href|src|action|formaction|data|poster|xlink:href|hx-(?:get|post|put|delete))\s*=\s*[\"']([^\"']*)", re.I
)
_ACTIVE = re.compile(r"<[a-z][^<>]*[\s/\"'](?:on\w+|srcdoc)\s*=|<(?:script|iframe|object|embed|base|meta)\b", re.I)
_PLAIN_SCRIPTS = {"application/json", "importmap"}
_MARKUP = re.compile(r"[<>\"'&]")
_SHORTEST = 4


def answer_flaws(answer: HttpResponseBase, *, text: str, usual: str = "", leaves_for: str = "") -> list[str]:
    """What is wrong with an answer to `text`, in words. `usual`: the body that harmless text gets in its place."""
    return [
        *_status(answer),
        *_headers(answer),
        *_targets(answer, leaves_for),
        *_body(answer, text, usual, leaves_for),
    ]


def leads_away(target: str, *, leaves_for: str = "") -> bool:
    """Whether a browser would leave this site or run something, read as browsers read addresses."""
    seen = re.sub(r"[\t\n\r]", "", target.strip("".join(map(chr, range(0x21))))).replace("\\", "/")
    try:
        # Of a special scheme any number of slashes, even none, stands before the host.
        seen = re.sub(r"^(https?):/*", r"\1://", seen, flags=re.I)
        seen = re.sub(r"^/{2,}", "//", seen)
        read = urlsplit(urljoin(f"http://{HOST}/page/", seen))
        return read.scheme not in {"http", "https"} or read.netloc not in {HOST, leaves_for or HOST}
    except ValueError:
        return True


def body_of(answer: HttpResponseBase) -> str:
    if answer.streaming:
        return b"".join(answer).decode("utf-8", "replace")
    return answer.content.decode("utf-8", "replace")  # type: ignore[attr-defined,no-any-return]


def _status(answer: HttpResponseBase) -> Iterator[str]:
    if answer.status_code >= 500:
        caught = getattr(answer, "exc_info", None)
        yield f"status {answer.status_code}: {caught[0].__name__}: {caught[1]}"[:300] if caught else "status 500"


def _headers(answer: HttpResponseBase) -> Iterator[str]:
    for name, value in answer.items():
        if re.search(r"[\r\n\0]", name + value):
            yield f"a line break in {name}"
        if name.lower() == FORGED.lower():
            yield f"the header {name}"
    for name in set(answer.cookies) - {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "messages"}:
        yield f"the cookie {name}"


def _targets(answer: HttpResponseBase, leaves_for: str) -> Iterator[str]:
    for name in _TARGET_HEADERS:
        if name in answer.headers and leads_away(answer.headers[name], leaves_for=leaves_for):
            yield f"{name} leads away: {answer.headers[name][:200]!r}"


def _body(answer: HttpResponseBase, text: str, usual: str, leaves_for: str) -> Iterator[str]:
    body = body_of(answer)
    if not body:
        return
    lowered, sent = body.lower(), text.lower()
    for trace in _TRACES:
        if trace in lowered and trace not in sent and trace not in usual.lower():
            yield f"shows {trace!r}"
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        yield from _page(body, text, usual, leaves_for)


def _page(body: str, text: str, usual: str, leaves_for: str) -> Iterator[str]:
    plain = text.strip()
    if len(plain) >= _SHORTEST and html.escape(plain) != plain and plain in body and plain not in usual:
        yield "stands in the page as it was sent"
    for link in _LINK.findall(body):
        target = html.unescape(link)
        if leads_away(target, leaves_for=leaves_for) and not target.startswith("data:image/") and link not in usual:
            yield f"a link leads away: {target[:200]!r}"
    if _ACTIVE.search(body):
        reader = _Reader()
        reader.feed(body)
        yield from reader.found


class _Reader(HTMLParser):
    """Finds what runs by itself: handlers, scripts without a nonce, frames."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [f"the handler {name} of <{tag}>" for name in values if name.startswith("on")]
        if tag in {"iframe", "object", "embed", "base"} or "srcdoc" in values:
            self.found.append(f"the element <{tag}>")
        if tag == "meta" and "http-equiv" in values:
            self.found.append("a <meta http-equiv>")
        # Where a script comes from is looked at with the other links.
        if tag == "script" and not {"nonce", "src"} & values.keys() and values.get("type") not in _PLAIN_SCRIPTS:
            self.found.append("a script without a nonce")
