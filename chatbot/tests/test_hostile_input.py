"""Hostile text through every door: no 500, nothing of the inside, nothing that runs, no way off the site.

Here each door gets its share of the product's own list; `bench hostile` sends all of it, and thousands of lines more.
"""

import logging

import pytest
from django.http import HttpResponse, HttpResponseRedirect

from chatbot.bench.hostile import MAIN
from chatbot.testing.hostile.doors import DOORS
from chatbot.testing.hostile.flaws import answer_flaws, leads_away
from chatbot.testing.hostile.payloads import KINDS, PAYLOADS, REDIRECT
from chatbot.testing.hostile.searching import passages_flaws, passages_of
from chatbot.testing.hostile.types import Door
from chatbot.testing.hostile.world import World, doors_open, world_make

pytestmark = pytest.mark.django_db

# One in so many texts goes through a door, another one at the next door.
TURNS, TURNS_NEXT = 80, 16


@pytest.fixture
def world():
    # Refused hosts and addresses fill the log with what is expected here.
    logging.disable(logging.CRITICAL)
    with doors_open():
        yield world_make()
    logging.disable(logging.NOTSET)


def test_no_door_gives_way(world: World):
    closed = {door.name: (status, door.expects) for door in DOORS if (status := world.learn(door)) != door.expects}
    assert closed == {}, "doors that no longer lead where they led"
    wrong = []
    for place, door in enumerate(DOORS):
        for text in _share(place, door):
            _, flaws = world.visit(door, text)
            wrong += [f"{door.name}: {flaw} ({text[:60]!a})" for flaw in flaws]
    assert "\n".join(wrong) == ""


def _share(place: int, door: Door) -> list[str]:
    texts = [payload.text for payload in PAYLOADS if not door.kinds or payload.kind in door.kinds]
    turns = TURNS_NEXT if door.group == "next" else TURNS
    return texts[place % turns :: turns]


def test_every_text_and_door_takes_part():
    sent = {text for place, door in enumerate(DOORS) for text in _share(place, door)}
    assert sent == {payload.text for payload in PAYLOADS}
    assert {payload.kind for payload in PAYLOADS} == set(KINDS)
    names = [door.name for door in DOORS]
    assert len(names) == len(set(names))
    assert set(names) >= MAIN


def test_passages_are_looked_for_by_any_text(world: World):
    texts = [payload.text for payload in PAYLOADS if payload.kind != REDIRECT]
    with passages_of(world.ada):
        assert [flaw for text in texts for flaw in passages_flaws(world.ada, text)] == []


@pytest.mark.parametrize(
    "target", ["/", "", "x", "?q=1", "/documents/?next=//evil.example", "http://testserver/x", "=", "#"]
)
def test_what_stays_here(target):
    assert not leads_away(target)


# Not a way off the site are those that a browser reads as paths.
_PATHS = {
    "/%2f%2fevil.example", "/%5cevil.example", "%2f%2fevil.example", "/.//evil.example", "/..//evil.example/..",
    ".//evil.example", "/%2e%2e//evil.example", "/\u2044evil.example", "\uff0f\uff0fevil.example",
    "\u3000//evil.example",
}  # fmt: skip


@pytest.mark.parametrize("text", [p.text for p in PAYLOADS if p.kind == REDIRECT and p.text not in _PATHS], ids=ascii)
def test_ways_off_the_site_are_seen(text):
    """The judge itself: what it does not see would pass everywhere."""
    assert leads_away(text)
    assert any("leads away" in flaw for flaw in answer_flaws(_page(f'<a href="{text}">x</a>'), text="x"))


def _page(body: str) -> HttpResponse:
    return HttpResponse(f"<!doctype html><p>{body}</p>")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<b>bold</b>", "<b>bold</b>"),
        ('<input value="" onfocus=alert(1)>', "x"),
        ("<script>alert(1)</script>", "x"),
        ("<iframe src=/x></iframe>", "x"),
        ("<script src='//evil.example/a.js'></script>", "x"),
        ('<meta http-equiv="refresh" content="0;url=/">', "x"),
        ("psycopg.errors.SyntaxError", "x"),
        ('syntax error at or near "OR"', "' OR"),
        ("root:x:0:0:root:/root", "/etc/passwd"),
    ],
)
def test_what_must_not_stand_in_a_page_is_seen(body, text):
    assert answer_flaws(_page(body), text=text)


def test_forged_heads_and_failures_are_seen():
    answer = HttpResponseRedirect("/")
    answer.headers["X-Forged"] = "yes"
    answer.headers["HX-Redirect"] = "//evil.example"
    answer.set_cookie("forged", "yes")
    assert len(answer_flaws(answer, text="x")) == 3
    assert answer_flaws(HttpResponse(status=503), text="x")


def test_what_is_escaped_is_let_pass():
    text = '"><img src=x onerror=alert(1)>'
    body = '<input value="&quot;&gt;&lt;img src=x onerror=alert(1)&gt;"><script nonce="n" src="/static/a.js"></script>'
    assert answer_flaws(_page(body), text=text) == []
