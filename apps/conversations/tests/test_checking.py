"""Whether a small model's answer stands in its passages and fits the question."""

import pytest

from apps.conversations.replies.checking import answer_is_doubtful, opposites_of, strangers_of, years_elsewhere
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


@pytest.mark.parametrize(
    ("question", "text", "years"),
    [
        # The sentence that says it names another year.
        (
            "How many beds did the clinic add in 2021?",
            "In 2018 the clinic added 40 beds. In 2021 it was sold.",
            ["2021"],
        ),
        ("How many beds did the clinic add in 2018?", "In 2018 the clinic added 40 beds. In 2021 it was sold.", []),
        # It names no year: the one before may hold on.
        ("How many beds did the clinic add in 2021?", "A wing was built in 2021. The clinic added 40 beds.", []),
        # Both years.
        ("How many beds did the clinic add in 2021?", "From 2018 to 2021 the clinic added 40 beds.", []),
        # A heading dates what stands below it, until the next one.
        ("How many beds were added in 2021?", "Report for 2021\nAfter 12 beds in 2018, 40 beds were added.", []),
        ("How many beds were added in 2021?", "2021\nThe roof.\n2018\nIn 2018, 40 beds were added.", ["2021"]),
        # Rows of a table name their year.
        ("How many beds were there in 2021?", "year | beds\n2018 | 40\n2021 | 52", []),
        # What nobody wrote is for `strangers_of`.
        ("How many beds did the clinic add in 2021?", "In 2018 the clinic added 40 beds.", []),
        ("How many beds did the clinic add?", "In 2018 the clinic added 40 beds.", []),
        ("What does model 2021 cost?", "Model 2021 costs 1.999 and model 2018 costs 2021.50.", []),
    ],
)
def test_years_that_stand_elsewhere(question, text, years):
    assert years_elsewhere(question, [text]) == years


def test_an_answer_for_another_year_is_none():
    text = "In 2018 the clinic added 40 beds. In 2021 it was sold."
    assert doubtful("How many beds did the clinic add in 2021?", "The clinic added 40 beds in 2021.", text)
    assert not doubtful("How many beds did the clinic add in 2018?", "The clinic added 40 beds in 2018.", text)
