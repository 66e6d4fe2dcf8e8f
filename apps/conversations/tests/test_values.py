"""Numbers, dates, names and addresses that stand in no passage."""

from itertools import pairwise

import pytest

from apps.conversations.replies.values import values_unsupported

PASSAGE = (
    "The warranty is 24 months from 3 March 2024 and costs 1.250,50 EUR, five working days. Revenue was 1.5 million, "
    "up 5 %. Anna Schmidt leads sales. Write to help@acme.org or see https://www.acme.org/terms/, 660 Mission Street."
)


def marked(answer, question="How long?", passage=PASSAGE):
    values = values_unsupported(answer, question=question, passages=[passage])
    return [(answer[value.start : value.end], value.kind) for value in values]


@pytest.mark.parametrize(
    "answer",
    [
        "It costs 1,250.50 euros and 1 250.50 euros.",
        "It starts on 03.03.2024, on March 3, 2024, on 2024-03-03, in March 2024, in 2024.",
        "Revenue was 1,500,000, up 5 percent, or 1.5 million.",
        "It takes 5 days.",
        "See acme.org/terms or write to help@acme.org.",
        "Anna Schmidt's office is at 660 Mission Street [1].",
        "1. First\n2. Second\n\n`x = 99`",
        "According to the context, it is so.",
    ],
)
def test_the_same_in_other_words_is_known(answer):
    assert marked(answer) == []


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        ("It is 36 months [12].", [("36", "number")]),
        ("It costs $1,250.", [("$1,250", "number")]),
        ("It starts on 4 March 2024.", [("4 March 2024", "date")]),
        ("It starts on 3 March 2025.", [("3 March 2025", "date")]),
        ("In 2024 and 2025.", [("2025", "number")]),
        ("You may ask Peter Miller of Oslo.", [("Peter Miller of Oslo", "name")]),
        ("You may ask Anna Miller.", [("Miller", "name")]),
        ("Write to info@acme.com.", [("info@acme.com", "address")]),
        ("See https://evil.example/x.", [("https://evil.example/x", "address")]),
        ("It is at 12 Main Street.", [("12 Main Street", "address")]),
    ],
)
def test_what_stands_nowhere_is_found(answer, values):
    assert marked(answer) == values


def test_what_the_question_says_is_known():
    assert marked("Contoso pays 99 euros.", question="Does Contoso pay 99 euros?") == []


def test_german_nouns_are_no_names():
    assert marked("Die Lieferung ist im Preis nicht enthalten.", passage="Der Versand kostet extra.") == []


def test_places_are_in_order_and_apart():
    values = values_unsupported("7 x 8 y Peter Miller", question="", passages=[""])
    assert [value.start for value in values] == sorted(value.start for value in values)
    assert all(first.end <= second.start for first, second in pairwise(values))
