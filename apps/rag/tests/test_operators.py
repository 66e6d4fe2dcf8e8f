"""Operators in questions: what is taken out, what it means, and that nothing odd breaks it."""

from datetime import UTC, datetime

import pytest

from apps.rag.questions.operators import OPERATORS_MAXIMUM, question_parse
from apps.rag.types import SearchFilters


def filters_of(text):
    return question_parse(text).filters


def text_of(text):
    return question_parse(text).text


@pytest.mark.parametrize(
    ("question", "filters"),
    [
        ("holidays file:handbook", {"filename": "handbook"}),
        ('file:"annual report" revenue', {"filename": "annual report"}),
        ("FILE:“annual report” revenue", {"filename": "annual report"}),
        ("revenue (file:report.pdf)", {"filename": "report.pdf"}),
        ("revenue in file:report(1).pdf?", {"filename": "report(1).pdf"}),
        ("costs type:pdf", {"mime": "application/pdf"}),
        ("costs type:.MD", {"mime": "text/markdown"}),
        ("costs type:text/plain.", {"mime": "text/plain"}),
        ("costs after:2024-03-31", {"after": datetime(2024, 3, 31, tzinfo=UTC)}),
        (
            "costs after:2023 before:2024-02",
            {"after": datetime(2023, 1, 1, tzinfo=UTC), "before": datetime(2024, 2, 1, tzinfo=UTC)},
        ),
        ("costs tag:HR tag:hr tag:law", {"tags": ("hr", "law")}),
        ('the "force majeure" clause', {"phrases": ("force majeure",)}),
        ("„höhere Gewalt“ im Vertrag", {"phrases": ("höhere Gewalt",)}),
        ("la « force majeure » du contrat", {"phrases": ("force majeure",)}),
        ('he said "a\\"b" to "them".', {"phrases": ('a"b', "them")}),
    ],
)
def test_operators_say_where_to_look(question, filters):
    parsed = question_parse(question)
    assert parsed.filters == SearchFilters(**filters)
    assert parsed.problems == ()


def test_collections_are_named():
    parsed = question_parse('pay collection:Legal collection:"HR docs" collection:Legal')
    assert parsed.collection_names == ("Legal", "HR docs")
    assert parsed.filters == SearchFilters()


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("holidays file:handbook", "holidays"),
        ("What does file:handbook.pdf say about holidays?", "What does handbook.pdf say about holidays?"),
        ("revenue in file:report.pdf?", "revenue in report.pdf?"),
        ("summary, file:a, tag:b.", "summary."),
        ('the "force majeure" clause', "the force majeure clause"),
        ("(file:report) costs", "costs"),
        ("collection:Legal", "Legal"),
        ("first line\n\nsecond file:x", "first line\n\nsecond"),
    ],
)
def test_the_words_that_are_left_make_a_question(question, text):
    assert text_of(question) == text


@pytest.mark.parametrize(
    "question",
    [
        "How long is the warranty?",
        "the week before: what happened?",
        '5" and 6" pipes',
        'print("hello")',
        "see http://example.org/type:pdf and C:\\files",
        "profile:x is no operator, nor is datatype:pdf",
        "    def f():\n        return 1",
        '```\nx = "a" + "b"\n```',
        "",
        '"',
        '""',
        "?",
    ],
)
def test_other_texts_stay_as_they_are(question):
    parsed = question_parse(question)
    assert parsed.text == question
    assert (parsed.filters, parsed.collection_names) == (SearchFilters(), ())
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("x after:2024-13", "“after:2024-13” was taken as words: a date looks like"),
        ("x before:yesterday", "a date looks like"),
        ("x after:0000", "a date looks like"),
        ("x after:٢٠٢٤", "a date looks like"),
        ("x type:xyz", "types are pdf"),
        ("x type:pdf type:docx", "only once"),
        ("x file:a file:b", "only once"),
        ('x file:"open', "not closed"),
        ('x file:""', "no value"),
        ("x -file:y", "minus"),
        (f"x tag:{'y' * 51}", "at most 50"),
        (f'"{"word " * 13}"', "more than 12 words"),
    ],
)
def test_what_is_not_understood_is_told_and_taken_as_words(question, problem):
    parsed = question_parse(question)
    (said,) = parsed.problems
    assert problem in said
    assert question.split()[-1].strip('"') in parsed.text
    assert len(said) < 200


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("\\file:x y", "file:x y"),
        ('\\"plain\\" words', '"plain" words'),
    ],
)
def test_a_backslash_takes_the_meaning_away(question, text):
    parsed = question_parse(question)
    assert parsed.text == text
    assert (parsed.filters, parsed.collection_names) == (SearchFilters(), ())


def test_odd_input_is_safe():
    parsed = question_parse('file:"a\x00b" x')
    assert parsed.filters.filename == "a b"
    for odd in ('"' * 5000, "“ " * 5000, 'file:" ' * 3000, "(file:" * 3000, "«a " * 5000, '\\"' * 5000):
        question_parse(odd)


def test_more_operators_than_anybody_writes_stay_words():
    parsed = question_parse(" ".join(f"tag:t{number}" for number in range(OPERATORS_MAXIMUM + 5)))
    assert len(parsed.filters.tags) == OPERATORS_MAXIMUM
    assert "tag:t24" in parsed.text
