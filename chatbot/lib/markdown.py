"""Markdown of models as HTML that is safe to show: rendered, then sanitised by an allow-list.

Raw HTML is text, images become links, links lead to http, https and mailto only, show where they lead, and are text
where their address has room for what somebody may want to carry away. Markers like [1] become chips where the index is
known; in code they stay text.
"""

import html
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound
from typing_extensions import override

from chatbot.lib.links import LINK_REL, link_parts

# Longer code is shown without colours: lexers are regular expressions, and a model may write what makes them slow.
HIGHLIGHT_CHARACTERS = 20_000
# Rendered texts kept per process: reading an old conversation again costs no rendering.
CACHED_TEXTS = 256

_MARKER = re.compile(r"\[(\d{1,3})\](?!\()")
_EXTERNAL = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9+#.-]{1,20}")
# What models write most; every further lexer is memory in the web process and one more set of regular expressions.
_LANGUAGE_NAMES = """
bash c c++ cpp c# csharp css console diff docker dockerfile go graphql html ini java javascript js json jsx kotlin latex
lua makefile markdown md nginx perl php plpgsql postgresql powershell protobuf py python r rb rs ruby rust scala sh
shell sql swift terraform toml ts tsx typescript xml yaml yml zsh
"""
_LANGUAGES = frozenset(_LANGUAGE_NAMES.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """What the marker of a source shows. Without `href` it is text only: the source cannot be opened yet.

    `card`: the id of the element in the page that tells more about it.
    """

    label: str
    href: str = ""
    card: str = ""


class _Parser(MarkdownIt):
    @override
    def validateLink(self, url: str) -> bool:
        return bool(_EXTERNAL.match(url))


def _citation_read(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or state.linkLevel:
        return False
    match = _MARKER.match(state.src, state.pos)
    if not match or int(match[1]) not in state.env.get("chips", {}):
        return False
    if not silent:
        # Without the space before it, the chip stays on the line of the words that it proves.
        state.pending = state.pending.rstrip(" ")
        state.push("citation", "a", 0).meta = {"index": int(match[1])}
    state.pos = match.end()
    return True


_Env = MutableMapping[str, Any]


def _citation(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    index = tokens[place].meta["index"]
    chip: Chip = env["chips"][index]
    label = html.escape(f"Source {index}: {chip.label}")
    if not chip.href:
        return f'<span class="citation" title="{label}">{index}</span>'
    href = html.escape(chip.href)
    # A card says more than the browser's own hint, and must not stand below it.
    more = f'aria-describedby="{chip.card}" data-card="{chip.card}"' if chip.card else f'title="{label}"'
    return f'<a class="citation" href="{href}" {more} aria-label="{label}" data-panel-open="">{index}</a>'


def _image(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    token = tokens[place]
    address = str(token.attrs["src"])
    label = renderer.renderInlineAsText(token.children, options, env) if token.children else ""
    before, after = link_parts(address, label or address)
    return f"{before}{html.escape(label or address)}{after}"


def _link(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    end = next(at for at in range(place, len(tokens)) if tokens[at].type == "link_close")
    label = renderer.renderInlineAsText(tokens[place + 1 : end], options, env)
    before, tokens[end].meta["after"] = link_parts(str(tokens[place].attrs["href"]), label)
    return before


def _link_close(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    after: str = tokens[place].meta["after"]
    return after


def _heading(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    # The page's own headings are h1 and h2.
    token = tokens[place]
    token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return renderer.renderToken(tokens, place, options, env)


@cache
def _lexer(language: str) -> Lexer | None:
    if language not in _LANGUAGES:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None


def _code(_: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    token = tokens[place]
    match = _LANGUAGE.match(token.info.strip())
    language = match[0].lower() if match else ""
    lexer = _lexer(language) if len(token.content) <= HIGHLIGHT_CHARACTERS else None
    code = highlight(token.content, lexer, HtmlFormatter(nowrap=True)) if lexer else html.escape(token.content)
    return (
        f'<div class="code-block"><div class="code-block-bar"><span>{html.escape(language) or "text"}</span>'
        '<button type="button" class="code-copy" data-copy="code">Copy</button></div>'
        f'<pre tabindex="0"><code>{code}</code></pre></div>\n'
    )


def _cell(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
    # The content security policy refuses styles in attributes, so alignment is a class.
    token = tokens[place]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrs["class"] = f"cell-{style.partition(':')[2]}"
    return renderer.renderToken(tokens, place, options, env)


def _wrap(before: str, after: str) -> Callable[..., str]:
    def rule(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: _Env) -> str:
        return before + renderer.renderToken(tokens, place, options, env) + after

    return rule


@cache
def _parser() -> MarkdownIt:
    # Models mean their line breaks. Reference definitions are off: "[1]: Handbook" is a list of sources, to be shown.
    parser = _Parser("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"]).disable("reference")
    parser.inline.ruler.before("link", "citation", _citation_read)
    for name, rule in {
        "citation": _citation,
        "image": _image,
        "link_open": _link,
        "link_close": _link_close,
        "heading_open": _heading,
        "heading_close": _heading,
        "th_open": _cell,
        "td_open": _cell,
        "fence": _code,
        "code_block": _code,
        "table_open": _wrap('<div class="table-scroll" tabindex="0">', ""),
        "table_close": _wrap("", "</div>"),
    }.items():
        parser.add_render_rule(name, rule)
    return parser


_TAGS = {"p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5", "h6"}
_TAGS |= {"table", "thead", "tbody", "tr", "th", "td", "a", "span", "div", "button"}
_ALIGNMENTS = {"cell-left", "cell-center", "cell-right"}
_CLASSES = {
    "th": _ALIGNMENTS,
    "td": _ALIGNMENTS,
    "a": {"citation"},
    "span": {"citation", "link-host", *filter(None, STANDARD_TYPES.values())},
    "div": {"code-block", "code-block-bar", "table-scroll"},
    "button": {"code-copy"},
}
_VALUES: dict[str, dict[str, set[str]]] = {
    "a": {"target": {"_blank"}, "rel": {LINK_REL}, "data-panel-open": {""}},
    "button": {"type": {"button"}, "data-copy": {"code"}},
    "div": {"tabindex": {"0"}},
    "pre": {"tabindex": {"0"}},
}
_ATTRIBUTES = {
    "a": {"href", "title", "aria-label", "aria-describedby", "data-card"},
    "span": {"title"},
    "ol": {"start"},
}


def _sanitise(markup: str, chips: Mapping[int, Chip]) -> str:
    own = {chip.href for chip in chips.values()}

    def own_only(url: str) -> str | None:
        return url if url in own else None

    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values=_VALUES,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        url_relative=own_only,
        link_rel=None,
    )


@lru_cache(maxsize=CACHED_TEXTS)
def _rendered(text: str, chips: tuple[tuple[int, Chip], ...]) -> str:
    known = dict(chips)
    return _sanitise(_parser().render(text, {"chips": known}), known)


def render(text: str, *, chips: Mapping[int, Chip] | None = None) -> SafeString:
    """The whole text as sanitised HTML. `chips`: the sources that markers may name, by index."""
    return mark_safe(_rendered(text, tuple(sorted((chips or {}).items(), key=lambda item: item[0]))))  # noqa: S308


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """`finished` follows the finished HTML before it; `open` replaces the open block's HTML. Both are sanitised."""

    finished: SafeString
    open: SafeString


class BlockRenderer:
    """Renders a text while it grows, each finished block once; only the open tail is parsed again."""

    def __init__(self) -> None:
        self._done = 0

    def update(self, text: str, *, chips: Mapping[int, Chip] | None = None) -> Blocks:
        """`text` is everything so far and starts with the text of the call before."""
        known = chips or {}
        text = text.replace("\r", "")
        tail = text[self._done :]
        env: dict[str, Any] = {"chips": known}
        parser = _parser()
        tokens = parser.parse(tail, env)
        cut, offset = _open_block(tokens, tail)
        finished = parser.renderer.render(tokens[:cut], parser.options, env)
        open_ = parser.renderer.render(tokens[cut:], parser.options, env)
        self._done += offset
        return Blocks(finished=_safe(finished, known), open=_safe(open_, known))


def _safe(markup: str, chips: Mapping[int, Chip]) -> SafeString:
    return mark_safe(_sanitise(markup, chips) if markup else "")  # noqa: S308


def _open_block(tokens: Sequence[Token], text: str) -> tuple[int, int]:
    """Where the top-level block begins before which nothing changes any more: its token, its place in the text.

    The last one whose first line is whole: "2" after a list is a paragraph, but "2. b" would go on with the list.
    """
    starts = [place for place, token in enumerate(tokens) if token.level == 0 and token.nesting >= 0 and token.map]
    for place in reversed(starts):
        offset = _offset_of_line(text, (tokens[place].map or [0])[0])
        if text.find("\n", offset) >= 0:
            return place, offset
    return 0, 0


def _offset_of_line(text: str, line: int) -> int:
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset
