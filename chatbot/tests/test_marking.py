"""Marks carried through Markdown: around the words meant, and never at the cost of the page."""

import random
import re

import pytest

from chatbot.lib.markdown import Chip, render
from chatbot.lib.marking import Mark, render_marked

CHIPS = {1: Chip(label="a.pdf, page 1", href="/x/1/"), 2: Chip(label="b.pdf", href="/x/2/")}
OPEN = '<mark class="doubt" title="Said">'
SAID = '<span class="visually-hidden"> (Said)</span>'
PIECES = (
    "word ", "**b** ", "[1] ", "\n", "\n\n", "- ", "1. ", "`c` ", "```python\nx = 1\n```\n", "<b>", "&amp; ", "> ",
    "# ", "| a | b |\n|--|--|\n| 1 | 2 |\n", "[l](http://e.org/x) ", "_i_ ", "~~s~~ ", "12.5 ",
    "![i](http://x/y.png) ",
)  # fmt: skip


def marked(text: str, words: str) -> str:
    start = text.index(words)
    return render_marked(text, chips=CHIPS, marks=[Mark(start, start + len(words), "doubt", "Said")])


def test_a_sentence_is_marked_between_all_tags():
    page = marked("First. The **limit** is 12 [1]. Last.", "The **limit** is 12 [1].")
    assert f"First. {OPEN}The </mark><strong>{OPEN}limit</mark></strong>{OPEN} is 12</mark><a class" in page
    assert f"{OPEN}.</mark>{SAID} Last." in page


def test_markers_behind_a_sentence_stay_outside():
    assert f"{OPEN}It is so</mark>{SAID}<a class" in marked("It is so [1]\n", "It is so [1]")


@pytest.mark.parametrize("begin", ["- ", "1. ", "## ", "> ", "- **", "* [ ] "])
def test_what_begins_a_line_keeps_its_meaning(begin):
    text = f"{begin}word twelve"
    page = marked(text, text)
    assert "<mark" in page
    assert re.sub(r"<mark [^>]*>|</mark>", "", page).replace(SAID, "") == render(text)


def test_code_is_never_marked():
    text = "Run\n\n```python\nlimit = 12\n```\n\nnow"
    assert marked(text, "limit = 12") == render(text)


def test_a_mark_in_an_address_is_dropped_and_others_stay():
    text = "See [here](https://example.org/12/) for 12 days."
    at = text.index("12/")
    days = text.index("12 days")
    marks = [Mark(at, at + 2, "doubt", "Said"), Mark(days, days + 2, "doubt", "Said")]
    page = render_marked(text, marks=marks)
    assert 'href="https://example.org/12/"' in page
    assert page.count("<mark") == 1


def test_places_outside_the_text_are_no_marks():
    marks = [Mark(-1, 3, "doubt", "Said"), Mark(2, 99, "doubt", "Said"), Mark(3, 3, "doubt", "Said")]
    assert render_marked("Hello", marks=marks) == render("Hello")


def test_words_of_models_stay_text_in_marks():
    assert "<img" not in marked("It is <img src=x onerror=y> so", "<img src=x onerror=y>")


def test_any_marks_in_any_text_change_nothing_else():
    chance = random.Random(7)
    for _ in range(400):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(3, 25)))
        marks = []
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text))
            marks.append(Mark(start, chance.randint(start, len(text)), "doubt", "Said"))
        page = render_marked(text, chips=CHIPS, marks=marks)
        assert re.sub(r"<mark [^>]*>|</mark>", "", page).replace(SAID, "") == render(text, chips=CHIPS), (text, marks)
