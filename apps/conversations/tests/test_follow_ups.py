"""Questions that go on from what was said: which they are, and what is searched for them."""

import pytest

from apps.conversations.replies.follow_ups import (
    formulations_carried,
    keywords_of,
    needs_conversation,
    question_carried,
)
from apps.llm.types import ChatMessage

FIRST = "How long is the warranty period of the Norda heat pump?"


def talk(*texts: str) -> list[ChatMessage]:
    return [ChatMessage(role="assistant" if number % 2 else "user", content=text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    "question",
    [
        "And for batteries?",
        "What about the larger model that is sold in Spain and Portugal?",
        "Why?",
        "Does the manufacturer of the compressor also service them in winter?",
        "How much would the yearly maintenance contract for it cost?",
        "Which of these conditions apply to customers outside the country?",
        "Und wie lange gilt die Garantie für gewerbliche Kunden in Österreich?",
        "Et pour les clients professionnels de la région parisienne ?",
        "¿Y para los clientes profesionales de la península?",
        "Wie lange dauert seine Amtszeit als Vorsitzender des Aufsichtsrats?",
    ],
)
def test_follow_ups_are_known(question):
    assert needs_conversation(question)


@pytest.mark.parametrize(
    "question",
    [
        FIRST,
        "How long does it take to ship a parcel to Norway?",
        "Is it possible to return unopened spare parts within a month?",
        "Which refrigerant does the Norda heat pump use?",
        "What is the tax that applies to imported steel?",
        "Wie viele Urlaubstage haben Vollzeitkräfte im ersten Jahr?",
        "Combien de jours de congé les salariés obtiennent-ils par année ?",
    ],
)
def test_questions_that_stand_alone_are_left_as_they_are(question):
    assert not needs_conversation(question)


def test_a_follow_up_is_carried_by_the_question_before():
    history = talk(FIRST, "Five years.", "And the compressor?", "Seven years.")
    assert question_carried("And batteries?", history) == "And the compressor?\nAnd batteries?"
    assert question_carried("And batteries?", []) == "And batteries?"


def test_names_in_the_last_answer_are_searched_with_the_questions_that_led_to_it():
    history = talk(FIRST, "Five years.", "Who makes it?", "It is made by Nordwerk AG in Kiel.")
    (text,) = formulations_carried("Where was she born?", history)
    assert text.splitlines()[:2] == [FIRST, "Who makes it?"]
    assert "Nordwerk AG" in text
    assert text.endswith("Where was she born?")
    assert formulations_carried("And then?", talk("what?", "nothing in capitals")) == ()


@pytest.mark.parametrize(
    ("question", "keywords"),
    [
        ("What is the notice period for tenants?", "notice period tenants"),
        ("Wie lang ist die Kündigungsfrist für Mieter?", "lang Kündigungsfrist Mieter"),
        ("Quel est le délai de préavis ?", "délai préavis"),
        ("notice period", ""),
        ("What is it?", ""),
    ],
)
def test_keywords_are_what_is_left_without_the_words_of_asking(question, keywords):
    assert keywords_of(question) == keywords
