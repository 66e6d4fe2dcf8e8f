"""Markers in a streamed answer: what is shown, what is dropped, what is held back."""

import pytest

from apps.conversations.replies.citations import CitationFilter, Cited, markers_strip
from apps.conversations.tests.passages import passages

FOUR = passages("Alpha is first.", "Beta is second.", "Gamma is third.", "Delta is fourth.")


def shown(*chunks: str, found=FOUR) -> tuple[str, list[tuple[int, int]]]:
    """The text that people see, and (index, number of the passage) for each citation, both in order."""
    marks = CitationFilter(found)
    pieces = [piece for chunk in chunks for piece in marks.feed(chunk)]
    pieces += marks.finish()
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    cited = [(piece.index, found.index(piece.passage) + 1) for piece in pieces if isinstance(piece, Cited)]
    return text, cited


CASES = {
    "none": ("Plain text.", "Plain text.", []),
    "one": ("Yes [1].", "Yes [1].", [(1, 1)]),
    "renumbered in order of appearance": ("A [3]. B [1]. C [3].", "A [1]. B [2]. C [1].", [(1, 3), (2, 1)]),
    "list": ("Yes [1, 2].", "Yes [1][2].", [(1, 1), (2, 2)]),
    "list with semicolon": ("Yes [2; 1].", "Yes [1][2].", [(1, 2), (2, 1)]),
    "range": ("Yes [1-3].", "Yes [1][2][3].", [(1, 1), (2, 2), (3, 3)]),
    "range with dash": ("Yes [2–3].", "Yes [1][2].", [(1, 2), (2, 3)]),
    "side by side": ("Yes [1][2].", "Yes [1][2].", [(1, 1), (2, 2)]),
    "the same twice side by side": ("Yes [2][2].", "Yes [1].", [(1, 2)]),
    "the same in the next sentence": ("A [2]. B [2].", "A [1]. B [1].", [(1, 2)]),
    "wide brackets": ("是【2】。", "是[1]。", [(1, 2)]),
    "wide brackets with a source": ("Yes【2†source】.", "Yes[1].", [(1, 2)]),
    "spaces inside": ("Yes [ 1 ].", "Yes [1].", [(1, 1)]),
    "unknown is dropped with its space": ("Yes [9].", "Yes.", []),
    "zero is dropped": ("Yes [0].", "Yes.", []),
    "unknown in the middle": ("One [9] two.", "One two.", []),
    "unknown in a list": ("Yes [1, 9].", "Yes [1].", [(1, 1)]),
    "all of a list unknown": ("Yes [8, 9].", "Yes.", []),
    "unknown wide": ("Yes【7】.", "Yes.", []),
    "inline code": ("Use `a[1]` here [2].", "Use `a[1]` here [1].", [(1, 2)]),
    "right after inline code": ("Use `x`[2].", "Use `x`[1].", [(1, 2)]),
    "double backticks": ("Use ``a`[1]`` here.", "Use ``a`[1]`` here.", []),
    "fenced code": ("```python\na[1] = b[9]\n```\nSo [2].", "```python\na[1] = b[9]\n```\nSo [1].", [(1, 2)]),
    "fence of tildes": ("~~~\na[1]\n~~~\nSo [2].", "~~~\na[1]\n~~~\nSo [1].", [(1, 2)]),
    "backticks inside a longer fence": ("````\n```\na[1]\n````\n[2]", "````\n```\na[1]\n````\n[1]", [(1, 2)]),
    "stray backtick ends with its paragraph": ("It`s so.\n\nYes [2].", "It`s so.\n\nYes [1].", [(1, 2)]),
    "link": ("See [1](https://example.org).", "See [1](https://example.org).", []),
    "task list": ("- [ ] do\n- [x] done", "- [ ] do\n- [x] done", []),
    "footnote": ("See [^1].", "See [^1].", []),
    "words": ("See [the report] and [a1].", "See [the report] and [a1].", []),
    "year": ("In [2024] it was.", "In [2024] it was.", []),
    "brackets in brackets": ("[[1]]", "[[1]]", [(1, 1)]),
    "at the end": ("Yes [2]", "Yes [1]", [(1, 2)]),
    "cut off at the end": ("Yes [2", "Yes", []),
    "cut off list at the end": ("Yes [1, ", "Yes", []),
    "lone bracket at the end": ("Yes [", "Yes [", []),
    "spaces at the end": ("Yes  ", "Yes  ", []),
    "new line before": ("Yes\n[1]", "Yes\n[1]", [(1, 1)]),
    "only a marker": ("[1]", "[1]", [(1, 1)]),
    "indented list stays": ("- a\n    - b [1]", "- a\n    - b [1]", [(1, 1)]),
    "many spaces stay": ("a" + " " * 20 + "b", "a" + " " * 20 + "b", []),
    "endless list is text": ("[" + "1, " * 30 + "1]", "[" + "1, " * 30 + "1]", []),
    "reversed range": ("Yes [3-1].", "Yes [1][2].", [(1, 3), (2, 1)]),
}


@pytest.mark.parametrize(("answer", "text", "cited"), CASES.values(), ids=CASES.keys())
def test_marker(answer, text, cited):
    assert shown(answer) == (text, cited)


@pytest.mark.parametrize(("answer", "text", "cited"), CASES.values(), ids=CASES.keys())
def test_marker_in_single_characters(answer, text, cited):
    assert shown(*answer) == (text, cited)


@pytest.mark.parametrize("size", [2, 3, 5, 7])
def test_any_cut_gives_the_same(size):
    for answer, text, cited in CASES.values():
        assert shown(*(answer[at : at + size] for at in range(0, len(answer), size))) == (text, cited)


def test_unfinished_marker_is_held_back():
    marks = CitationFilter(FOUR)
    assert list(marks.feed("Yes [1")) == ["Yes"]
    assert list(marks.feed("2")) == []
    assert list(marks.feed("].")) == ["."]


def test_text_without_brackets_is_never_held_back():
    marks = CitationFilter(FOUR)
    assert list(marks.feed("Hello")) == ["Hello"]
    assert list(marks.feed(" world")) == [" world"]
    assert list(marks.feed("!\n")) == ["!\n"]


def test_citation_comes_before_the_text_that_carries_it():
    pieces = list(CitationFilter(FOUR).feed("Alpha is first [1]."))
    assert isinstance(pieces[1], Cited)
    assert "".join(piece for piece in pieces[:1] if isinstance(piece, str)) == "Alpha is first"
    assert pieces[2] == " [1]."


def test_quote_is_the_sentence_that_carries_the_claim():
    found = passages("Nothing here. The warranty lasts 24 months for all parts. Shipping takes a week.")
    pieces = list(CitationFilter(found).feed("Hello. The warranty is 24 months [1]."))
    (cited,) = [piece for piece in pieces if isinstance(piece, Cited)]
    assert cited.quote == "The warranty lasts 24 months for all parts."


def attributed(answer: str, question: str, *texts: str) -> tuple[str, list[int]]:
    marks = CitationFilter(passages(*texts))
    list(marks.feed(answer))
    list(marks.finish())
    pieces = list(marks.attribute(answer=answer, question=question))
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    return text, [piece.passage.chunk_id.int for piece in pieces if isinstance(piece, Cited)]


WARRANTY = "The warranty period is 24 months from delivery. Batteries are excluded."
SHIPPING = "Shipping takes five working days within the country."
RETURNS = "Goods can be returned within 30 days in their original packaging."


def test_attribution_names_the_passage_that_was_used():
    answer = "The warranty period is 24 months from delivery."
    assert attributed(answer, "How long is the warranty?", SHIPPING, WARRANTY, RETURNS) == (" [1]", [2])


def test_attribution_names_two_where_the_answer_needs_two():
    answer = "Shipping takes five working days, and goods can be returned within 30 days."
    text, cited = attributed(answer, "Shipping and returns?", SHIPPING, WARRANTY, RETURNS)
    assert text == " [1][2]"
    assert sorted(cited) == [1, 3]


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know.",
        "I don’t know.",
        "The context does not mention the warranty period of 24 months from delivery.",
        "There is no information about that.",
        "The price is not specified in the documents.",
    ],
)
def test_no_attribution_where_the_answer_has_none(answer):
    assert attributed(answer, "How long is the warranty?", WARRANTY, SHIPPING) == ("", [])


def test_no_attribution_for_what_no_passage_says():
    answer = "The capital of France is Paris, a city on the Seine."
    assert attributed(answer, "What is the capital of France?", WARRANTY, SHIPPING) == ("", [])


def test_repeating_the_question_is_no_support():
    answer = "The warranty period costs extra money every single year."
    assert attributed(answer, "What does the warranty period cost?", WARRANTY, SHIPPING) == ("", [])


def test_no_attribution_where_the_model_cited():
    marks = CitationFilter(passages(WARRANTY))
    answer = "".join(piece for piece in marks.feed("24 months from delivery [1].") if isinstance(piece, str))
    assert list(marks.attribute(answer=answer, question="How long?")) == []


def test_old_markers_are_taken_out_of_the_history():
    assert markers_strip("A [1]. B [2][3].") == "A. B."
