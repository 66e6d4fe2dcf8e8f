"""Whether a small model's answer stands in its passages and fits the question."""

import pytest

from apps.conversations.replies.checking import answer_is_doubtful, opposites_of, strangers_of
from apps.conversations.tests.passages import passages

TEXT = (
    "Céloron led the expedition of 1749 down the Ohio. Most traders were invited to Montreal, and 12 refused. "
    "The governor approved the largest fort."
)


def doubtful(question, answer, text=TEXT):
    return answer_is_doubtful(question=question, answer=answer, passages=passages(text))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who led the expedition?", "Céloron led the expedition."),
        ("Who led Celeron's expedition?", "Céloron led the expedition down the Ohio."),
        ("Which traders were not invited?", "12 traders were not invited, they refused."),
        ("Was the largest fort approved or refused?", "The largest fort was approved."),
        ("Did the governor approve the fort?", "The governor did approve the fort."),
        ("Name the 3 main facts.", "Céloron led the expedition down the Ohio."),
        ("How long was the expedition?", "The expedition of 1749 went down the Ohio."),
    ],
)
def test_answers_that_fit(question, answer):
    assert not doubtful(question, answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who led the expedition of 1755?", "Céloron led the expedition."),
        ("Who led the expedition for Wellington?", "Céloron led the expedition."),
        ("Who led the expedition?", "The expedition was led by George Washington."),
        ("How many refused?", "43 traders refused."),
        ("Which traders were not invited?", "Most traders were invited to Montreal."),
        ("Which traders were uninvited?", "Most traders went to Montreal."),
        ("What was the smallest fort?", "The governor approved it."),
        ("Who led the expedition?", "The expedition led."),
        ("Where is it?", "Quantum chromodynamics explains gluon confinement perfectly."),
    ],
)
def test_answers_that_do_not(question, answer):
    assert doubtful(question, answer)


def test_german_nouns_are_no_strangers():
    assert strangers_of("Wie hoch ist die Vergütung?", ["Der Lohn beträgt 12 Euro."]) == []
    assert strangers_of("Wie hoch war die Vergütung 1987?", ["Der Lohn beträgt 12 Euro."]) == ["1987"]


def test_words_that_only_look_like_opposites():
    assert opposites_of("What did they discover?", ["They cover it."]) == []
    assert opposites_of("How longer will it take?", ["It is shorter."]) == []
