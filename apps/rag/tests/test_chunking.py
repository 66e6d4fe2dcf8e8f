import random

import pytest

from apps.rag.chunking import (
    SEPARATOR,
    ChunkDraft,
    ChunkSizes,
    SourceSection,
    chunks_of,
    text_indexed,
    title_of,
    tokens_approximate,
)
from apps.rag.tests.factories import sentences

SIZES = ChunkSizes()


def source(text: str, ordinal: int = 0, **fields) -> SourceSection:
    return SourceSection(ordinal=ordinal, text=text, **fields)


def assert_spans_give_text(chunks: list[ChunkDraft], sections: list[SourceSection]) -> None:
    texts = {section.ordinal: section.text for section in sections}
    for chunk in chunks:
        assert chunk.text == SEPARATOR.join(texts[ordinal][start:end] for ordinal, start, end in chunk.spans)


def words(texts) -> list[str]:
    return " ".join(texts).split()


def test_short_text_is_one_passage_as_it_stands():
    [chunk] = chunks_of([source("  One line.\n\nAnother line. \n", page=3, heading_path=("Part",))])

    assert chunk.text == "One line.\n\nAnother line."
    assert (chunk.page_first, chunk.page_last, chunk.heading_path) == (3, 3, ("Part",))
    assert chunk.spans == ((0, 2, 26),)


@pytest.mark.parametrize("text", ["", "  \n\n ", "\n"])
def test_nothing_gives_nothing(text):
    assert chunks_of([source(text), source(text, 1, is_table=True)]) == []


def test_long_text_is_divided_evenly_at_sentences():
    sections = [source(sentences(120))]

    chunks = chunks_of(sections)

    assert len(chunks) > 4
    assert all(SIZES.minimum <= chunk.tokens <= SIZES.maximum for chunk in chunks)
    assert max(chunk.tokens for chunk in chunks) - min(chunk.tokens for chunk in chunks) < 40
    assert all(chunk.text.startswith("Sentence number") and chunk.text.endswith("parts.") for chunk in chunks)
    assert words(chunk.text for chunk in chunks) == sections[0].text.split()
    assert_spans_give_text(chunks, sections)


def test_passages_run_over_pages_under_one_heading():
    sections = [source(sentences(5, f"page{page}"), page, page=page, heading_path=("A",)) for page in range(1, 9)]

    chunks = chunks_of(sections)

    assert chunks[0].page_first == 1
    assert chunks[-1].page_last == 8
    pages = [(chunk.page_first or 0, chunk.page_last or 0) for chunk in chunks]
    assert any(first < last for first, last in pages)
    assert all(SIZES.minimum <= chunk.tokens <= SIZES.maximum for chunk in chunks)
    for chunk, (first, last) in zip(chunks, pages, strict=True):
        assert {ordinal for ordinal, _, _ in chunk.spans} == set(range(first, last + 1))
    assert_spans_give_text(chunks, sections)


def test_a_page_with_enough_text_has_passages_of_its_own():
    sections = [source(sentences(15, f"page{page}"), page, page=page, heading_path=("A",)) for page in range(1, 5)]

    assert [(chunk.page_first, chunk.page_last) for chunk in chunks_of(sections)] == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_small_texts_under_different_headings_of_a_page_become_one_passage():
    sections = [
        source("One\n\nSmall.", 0, page=1, heading_path=("Part", "One")),
        source("Two\n\nA little larger.", 1, page=1, heading_path=("Part", "Two")),
        source("Three\n\nOn the next page.", 2, page=2, heading_path=("Part", "Three")),
    ]

    assert [(chunk.text, chunk.heading_path, chunk.page_last) for chunk in chunks_of(sections)] == [
        ("One\n\nSmall.\nTwo\n\nA little larger.", ("Part", "Two"), 1),
        ("Three\n\nOn the next page.", ("Part", "Three"), 2),
    ]


def test_tables_stand_under_the_title_of_their_page():
    sections = [
        source("ACME, INC.\nBALANCE SHEETS\n(in millions)", 0, page=1, heading_path=("Reports",)),
        source(table(9), 1, page=1, heading_path=("Reports", "Assets"), is_table=True),
        source(table(9), 2, page=1, heading_path=("Reports", "Liabilities"), is_table=True),
        source(sentences(15), 3, page=1, heading_path=("Reports", "Remarks")),
        source("and so the page before goes on.", 4, page=2, heading_path=("Reports", "More")),
        source(table(12), 5, page=2, heading_path=("Reports", "More", "Rest"), is_table=True),
    ]

    paths = [chunk.heading_path for chunk in chunks_of(sections)]

    assert paths == [
        ("Reports", "Assets"),
        ("Reports", "ACME, INC. BALANCE SHEETS (in millions)", "Liabilities"),
        ("Reports", "Remarks"),
        ("Reports", "More", "Rest"),
    ]


def test_large_texts_under_different_headings_stay_apart():
    sections = [source(sentences(20), 0, heading_path=("A",)), source(sentences(20), 1, heading_path=("B",))]

    assert [chunk.heading_path for chunk in chunks_of(sections)] == [("A",), ("B",)]


def test_other_sizes_give_other_passages():
    sections = [source(sentences(60))]
    small = ChunkSizes(minimum=40, ideal=80, maximum=100)

    assert len(chunks_of(sections, sizes=small)) > 2 * len(chunks_of(sections))
    assert all(small.minimum <= chunk.tokens <= small.maximum for chunk in chunks_of(sections, sizes=small))
    assert_spans_give_text(chunks_of(sections, sizes=small), sections)


def test_sections_are_taken_in_reading_order():
    assert [chunk.text for chunk in chunks_of([source("second", 1), source("first", 0)])] == ["first\nsecond"]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith and Mr. J. Jones met at 3 p.m. in St. Louis, cf. Fig. 3, e.g. the first one. " * 25,
        "the flow is laminar at mach 3 . the boundary layer separates . the shock is attached . " * 25,
    ],
)
def test_short_forms_end_no_sentence_and_spaced_stops_do(text):
    chunks = chunks_of([source(text)])

    assert len(chunks) > 1
    assert {chunk.text.split()[0] for chunk in chunks} <= {"Dr.", "the"}
    assert all(chunk.text.endswith(("one.", ".")) for chunk in chunks)


def test_list_items_and_paragraphs_are_units():
    items = "\n".join(f"- item {number} without a full stop but with some more words" for number in range(60))

    chunks = chunks_of([source(items)])

    assert len(chunks) > 1
    assert all(chunk.text.startswith("- item") for chunk in chunks)


@pytest.mark.parametrize("text", ["x" * 30_000, "漢字" * 3000, "word " * 5000, "0123456789abcdef" * 900])
def test_text_without_sentences_is_cut_all_the_same(text):
    sections = [source(text)]

    chunks = chunks_of(sections)

    assert all(chunk.tokens <= SIZES.stretched for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks).replace(" ", "").replace("\n", "") == text.replace(" ", "")
    assert_spans_give_text(chunks, sections)


def table(rows: int, columns: int = 4) -> str:
    head = "| " + " | ".join(f"Column {number}" for number in range(columns)) + " |\n" + "|---" * columns + "|"
    body = "\n".join("| " + " | ".join(f"{row}.{n}" for n in range(columns)) + " |" for row in range(rows))
    return f"{head}\n{body}"


def test_table_that_fits_stays_whole_beside_its_text():
    sections = [
        source(sentences(20), 0, heading_path=("A",)),
        source(table(12), 1, heading_path=("A",), is_table=True),
        source(sentences(20), 2, heading_path=("A",)),
    ]

    chunks = chunks_of(sections)

    assert sum(sections[1].text in chunk.text for chunk in chunks) == 1
    assert all(chunk.tokens <= SIZES.maximum for chunk in chunks)
    assert_spans_give_text(chunks, sections)


def test_sentence_before_a_table_stays_with_it():
    sections = [source(sentences(2), 0), source(table(18), 1, is_table=True)]

    [chunk] = chunks_of(sections)

    assert SIZES.maximum < chunk.tokens <= SIZES.stretched
    assert_spans_give_text([chunk], sections)


def test_long_table_is_cut_between_rows_and_repeats_its_head():
    sections = [source(table(200), is_table=True, page=2)]
    lines = sections[0].text.split("\n")

    chunks = chunks_of(sections)

    assert len(chunks) > 5
    assert all(chunk.text.startswith("\n".join(lines[:2]) + "\n") for chunk in chunks)
    assert all(chunk.tokens <= SIZES.maximum for chunk in chunks)
    assert [line for chunk in chunks for line in chunk.text.split("\n")[2:]] == lines[2:]
    assert_spans_give_text(chunks, sections)


def test_each_piece_of_a_long_table_begins_with_its_caption_and_head():
    sections = [
        source(f"{sentences(30)}\n\nStatement of income\n\n(in millions)", 0, page=2),
        source(table(120), 1, is_table=True, page=2),
    ]
    head = "\n".join(sections[1].text.split("\n")[:2])

    tables = [chunk for chunk in chunks_of(sections) if "|" in chunk.text]

    assert len(tables) > 3
    for chunk in tables[1:]:
        caption, rest = chunk.text.split(head)
        assert "Statement of income" in caption
        assert "(in millions)" in caption
        assert "Sentence number 3 " not in caption
        assert rest.startswith("\n| ")
    assert all(chunk.tokens <= SIZES.maximum for chunk in tables)
    assert_spans_give_text(tables, sections)


@pytest.mark.parametrize(
    ("first", "is_repeated"),
    [
        ("Item | 2023 | 2022", True),
        ("Occasion | Days off", True),
        ("Depreciation and amortization | 241,372 | (268,460)", False),
        ("Cash | $ 12.5 | —", False),
        ("Cosmetics | 40% | 41%", False),
    ],
)
def test_only_a_row_that_names_columns_is_a_head(first, is_repeated):
    rows = "\n".join(f"row {number} | {number}.5 | {number},000" for number in range(150))
    sections = [source(f"{first}\n{rows}", is_table=True)]

    chunks = chunks_of(sections)

    assert len(chunks) > 3
    assert [chunk.text.startswith(first) for chunk in chunks] == [True, *[is_repeated] * (len(chunks) - 1)]
    assert_spans_give_text(chunks, sections)


def test_table_of_one_endless_row_is_cut():
    chunks = chunks_of([source("cell " * 2000, is_table=True)])

    assert all(chunk.tokens <= SIZES.maximum for chunk in chunks)
    assert words(chunk.text for chunk in chunks) == ["cell"] * 2000


def test_whatever_comes_spans_give_the_text_and_no_word_is_lost():
    randomness = random.Random(7)
    pieces = ["Word. ", "word ", "\n", "\n\n", "- ", "1. ", "e.g. ", "! ", "“Quoted.” ", "漢字。", "x" * 60, "\t", "|"]
    for _ in range(60):
        sections = [
            source(
                "".join(randomness.choices(pieces, k=randomness.randrange(900))),
                ordinal,
                page=ordinal // 2,
                heading_path=("H",) * randomness.randrange(2),
                is_table=randomness.random() < 0.3,
            )
            for ordinal in range(randomness.randrange(6))
        ]
        chunks = chunks_of(sections)
        assert chunks == chunks_of(reversed(sections))
        assert_spans_give_text(chunks, sections)
        covered = {
            (ordinal, position)
            for chunk in chunks
            for ordinal, start, end in chunk.spans
            for position in range(start, end)
        }
        for section in sections:
            bare = [n for n, letter in enumerate(section.text) if not letter.isspace()]
            assert all((section.ordinal, position) in covered for position in bare)


def test_indexed_text_says_where_it_stands():
    assert text_indexed(title="Report 2024", heading_path=("Costs", "Fuel"), text="Up.") == (
        "Report 2024 > Costs > Fuel\nUp."
    )
    assert text_indexed(title="Wings", heading_path=("Wings", "Drag"), text="Wings.") == "Wings > Drag\nWings."
    assert text_indexed(title="", heading_path=(), text="Text") == "Text"
    assert len(text_indexed(title="t" * 999, heading_path=(), text="Text")) < 300
    assert text_indexed(title="Report", heading_path=("x" * 200, "y" * 30, "Fuel"), text="Up.") == (
        f"Report > {'y' * 30} > Fuel\nUp."
    )


@pytest.mark.parametrize(
    ("filename", "title"),
    [("AMCOR_2022-10K.pdf", "AMCOR 2022 10K"), ("notes.txt", "notes"), ("v1.5", "v1.5"), ("a.b.docx", "a.b")],
)
def test_title_of_file_name(filename, title):
    assert title_of(filename) == title


def test_tokens_are_about_right():
    assert tokens_approximate("The quick brown fox jumps over the lazy dog.") == 10
    assert tokens_approximate("") == 0
    assert tokens_approximate("漢字漢字") == 4
