"""Markdown of models: what comes out, what must never come out, and that growing texts end as whole ones do."""

import random
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from chatbot.lib.markdown import BlockRenderer, Chip, render

CHIPS = {1: Chip(label="handbook.pdf, page 3", href="/messages/m/citations/1/"), 2: Chip(label="notes.md")}
ALLOWED_TAGS = {"p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "h3", "h4", "h5"}
ALLOWED_TAGS |= {"h6", "table", "thead", "tbody", "tr", "th", "td", "a", "span", "div", "button"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<style>*{background:url(//evil)}</style>",
    "<form action=//evil><input name=p><button>ok</button></form>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/accounts/logout/)",
    "[x](/messages/m/citations/1/)",
    '[x](https://a.example "t\\" onmouseover=alert(1)")',
    '[x](https://a.example/"onmouseover=alert(1))',
    "![x](https://evil.example/track.png)",
    "![x](javascript:alert(1))",
    '!["onerror=alert(1)](https://evil.example/a.png)',
    '<https://a.example/"onclick=alert(1)>',
    "<javascript:alert(1)>",
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "```python onload=alert(1)\nprint('<b>')\n```",
    "`<script>alert(1)</script>`",
    "| <script> | b |\n|---|---|\n| <img onerror=alert(1)> | c |",
    "# <u onclick=alert(1)>h</u>",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<div hx-get=/accounts/logout/ hx-trigger=load>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\x00<scr\x00ipt>alert(1)</script>",
    "</div></article><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[1](javascript:alert(1)) [1]: javascript:alert(1)",
    "[a]: javascript:alert(1)\n\n[a]",
]


class Tags(HTMLParser):
    def __init__(self, markup):
        super().__init__()
        self.found = []
        self.feed(markup)

    @override
    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def assert_harmless(markup):
    for tag, attributes in Tags(markup).found:
        assert tag in ALLOWED_TAGS
        for name, value in attributes.items():
            assert not name.startswith(("on", "hx-", "style", "id", "src"))
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:", "/messages/m/citations/1/"))
        if attributes.get("target"):
            assert "noopener" in attributes["rel"]
            assert "nofollow" in attributes["rel"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless_whole_and_while_it_grows(text):
    assert_harmless(render(text, chips=CHIPS))
    renderer = BlockRenderer()
    for end in range(1, len(text) + 1):
        blocks = renderer.update(text[:end], chips=CHIPS)
        assert_harmless(blocks.finished + blocks.open)


def test_a_link_of_the_model_cannot_lead_to_our_own_pages():
    assert "href" not in render("[x](/messages/m/citations/1/)", chips=CHIPS)


def test_links_open_elsewhere_and_give_nothing_away():
    html = render("[site](https://a.example) <mailto:a@b.example>")
    assert html.count('rel="noopener noreferrer nofollow"') == 2
    assert html.count('target="_blank"') == 2


def test_images_are_not_loaded():
    html = render("![a cat](https://evil.example/cat.png)")
    assert "<img" not in html
    assert ">a cat</a>" in html


def test_markers_become_chips_only_where_the_source_is_known():
    html = render("Yes [1][2], but [3].", chips=CHIPS)
    assert html.count('class="citation"') == 2
    assert 'href="/messages/m/citations/1/"' in html
    assert "[3]" in html


@pytest.mark.parametrize("text", ["`x[1]`", "```\na[1]\n```", "    a[1]\n", "[1](https://a.example)", r"\[1]"])
def test_markers_stay_text_in_code_and_links(text):
    assert 'class="citation"' not in render(text, chips=CHIPS)


def test_a_list_of_sources_is_shown_not_swallowed():
    assert "Handbook" in render("[1]: Handbook, page 3", chips=CHIPS)


def test_code_has_the_classes_of_its_tokens_and_a_button():
    html = render("```python\ndef f():\n    return '<b>'\n```")
    assert '<span class="k">def</span>' in html
    assert 'data-copy="code"' in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("info", ["", "nonsense", "python" * 20])
def test_code_in_an_unknown_language_is_plain(info):
    assert "<code>x = 1\n</code>" in render(f"```{info}\nx = 1\n```")


def test_alignment_of_cells_is_a_class():
    html = render("| a |\n|--:|\n| 1 |")
    assert '<td class="cell-right">1</td>' in html
    assert "style" not in html


def test_headings_lie_below_those_of_the_page():
    assert render("# a\n\n##### b") == "<h3>a</h3>\n<h6>b</h6>\n"


GROWING = """Two lines
of a paragraph [1]

1. one

2. two
   - inner

   more

3. three

## Heading
under
---
> quote
lazy

```py
x = 1


y = 2
```
| a | b |
|---|--:|
| 1 | 2 |

text
| a | b |
|---|---|
| 3 | [2] |

    indented

    code
end\r
- x


- y
* z

***
last"""


@pytest.mark.parametrize("seed", range(20))
def test_a_growing_text_ends_as_the_whole_one(seed):
    choice = random.Random(seed)
    renderer, finished, last, end = BlockRenderer(), "", "", 0
    while end < len(GROWING):
        end = min(len(GROWING), end + choice.randint(1, 9))
        blocks = renderer.update(GROWING[:end], chips=CHIPS)
        finished, last = finished + blocks.finished, blocks.open
    assert finished + last == render(GROWING.replace("\r", ""), chips=CHIPS)


def test_finished_blocks_are_given_once():
    renderer = BlockRenderer()
    text = "".join(f"Paragraph {number} is here.\n\n" for number in range(300))
    given = "".join(renderer.update(text[:end]).finished for end in range(20, len(text), 20))
    assert given.count("Paragraph 7 is here.") == 1
    assert len(renderer.update(text).open) < 100
