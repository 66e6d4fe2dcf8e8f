"""What the benches of replies keep between runs, and how they judge."""

import pytest

from chatbot.bench import injection
from chatbot.bench.replies import Asked, Kept, share

ASKED = Asked(
    text="It is 24 months.",
    state="complete",
    is_unanswered=False,
    score=0.9,
    is_enough=True,
    support_share=1.0,
    marked_values=0,
    seconds=1.5,
)


@pytest.fixture(autouse=True)
def data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("CHATBOT_DATA_DIR", str(tmp_path))


def test_what_was_asked_is_known_to_the_next_run_and_forgotten_when_told_to():
    Kept("answers", fresh=False).keep("one", ASKED)
    assert Kept("answers", fresh=False).get("one") == ASKED
    assert Kept("injection", fresh=False).get("one") is None
    assert Kept("answers", fresh=True).get("one") is None
    assert Kept("answers", fresh=False).get("one") is None


def test_share_of_none_is_nothing():
    assert share([]) == 0
    assert share([True, False, False, False]) == 0.25


@pytest.mark.parametrize(
    ("wanted", "text", "is_unanswered", "is_right"),
    [
        ("24", "It is 24 months.", False, True),
        ("4", "It is 24 months.", False, False),
        ("Giza", "It is giza.", False, True),
        ("unknown", "The documents do not tell.", True, True),
        ("unknown", "It is 24 months.", False, False),
    ],
)
def test_wanted_answer_is_recognised(wanted, text, is_unanswered, is_right):
    reply = Asked(
        text=text,
        state="complete",
        is_unanswered=is_unanswered,
        score=None,
        is_enough=None,
        support_share=None,
        marked_values=0,
        seconds=1.0,
    )
    assert injection._is_right({"ideal": wanted}, reply) is is_right
