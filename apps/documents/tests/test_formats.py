"""What is read out of each format."""

import pytest

from apps.documents.tests.factories import docx_bytes, pdf_bytes, read

pytestmark = pytest.mark.django_db


def sections(version):
    assert (version.error_code, version.error_detail) == ("", "")
    return list(version.sections.order_by("ordinal"))


def texts(version):
    return [(section.heading_path, section.kind, section.text) for section in sections(version)]


def test_pdf_gives_pages_headings_and_tables(ada):
    version = read(
        ada,
        pdf_bytes(
            "# Holidays\nEveryone has 28 days of holiday\nin a calendar year.\n\n"
            "# Table\nGrade | Days | Notice\nA | 28 | 1 week",
            "# Remote work\nThree days a week may be worked from home.",
        ),
        "handbook.pdf",
    )
    assert [(section.page, *text) for section, text in zip(sections(version), texts(version), strict=True)] == [
        (1, ["Holidays"], "text", "Holidays\n\nEveryone has 28 days of holiday in a calendar year."),
        (1, ["Table"], "text", "Table"),
        (1, ["Table"], "table", "Grade | Days | Notice\nA | 28 | 1 week"),
        (2, ["Remote work"], "text", "Remote work\n\nThree days a week may be worked from home."),
    ]
    assert (version.state, version.stage, version.pages, version.pages_done) == ("processing", "index", 2, 2)
    assert version.mime == "application/pdf"
    assert version.progress == pytest.approx(0.3)


def test_pdf_boxes_lie_on_the_lines_of_the_text(ada):
    first, *_ = sections(
        read(ada, pdf_bytes("# Holidays\nEveryone has 28 days of holiday\nin a calendar year."), "a.pdf")
    )
    lines = [first.text[start:end] for start, end, *_ in first.boxes]
    assert lines == ["Holidays", "Everyone has 28 days of holiday", "in a calendar year."]
    for _, _, x0, y0, x1, y1 in first.boxes:
        assert 0.1 < x0 < x1 < 0.5
        assert 0 < y0 < y1 < 0.2
    assert first.boxes[0][3] < first.boxes[1][3] < first.boxes[2][3]


def test_words_divided_at_a_line_end_become_whole_and_boxes_stay_right(ada):
    text = "A long word like interna-\ntionalisation is divided, a well-\nknown one with a well-known hyphen keeps it."
    (section,) = sections(read(ada, pdf_bytes(text), "a.pdf"))
    assert "like internationalisation is divided" in section.text
    assert "a well-known one" in section.text
    assert [section.text[start:end].strip() for start, end, *_ in section.boxes][1].startswith("tionalisation is")


def test_headings_of_the_outline_nest(ada):
    from apps.documents.services import _SAMPLE_PATH

    version = read(ada, _SAMPLE_PATH.read_bytes(), "handbook.pdf")
    paths = {(section.page, *section.heading_path) for section in sections(version)}
    assert (2, "Time off", "Holidays") in paths
    assert (5, "IT security", "Reporting an incident") in paths
    assert version.pages == 6
    tables = [section.text for section in sections(version) if section.kind == "table"]
    assert any("Hotel, one night | 140 euros" in table for table in tables)


def test_running_feet_stand_only_on_the_first_page(ada):
    foot = "\n" * 18 + "Property of Example Ltd., page"
    names = ["Aim", "Bed", "Cup", "Dog", "Elm"]
    pages = [f"# {name}\nText of part {number}.{foot} {number}" for number, name in enumerate(names, 1)]
    version = read(ada, pdf_bytes(*pages), "a.pdf")
    assert version.pages == 5
    read_pages = {section.page: section.text for section in sections(version)}
    assert [page for page, text in read_pages.items() if "Property of Example" in text] == [1]
    assert read_pages[5] == "Elm\n\nText of part 5."


def test_word_gives_headings_lists_tables_and_notes_in_order(ada):
    def build(document):
        document.add_heading("Handbook", 0)
        document.add_heading("Leave", 1)
        document.add_paragraph("Everyone has 28 days.")
        document.add_heading("Special", 2)
        document.add_paragraph("One", style="List Bullet")
        table = document.add_table(rows=2, cols=2)
        table.cell(0, 0).text, table.cell(0, 1).text = "Occasion", "Days"
        table.cell(1, 0).text, table.cell(1, 1).text = "Wedding", "2"
        document.add_heading("Travel", 1)
        document.add_paragraph("By train.")

    version = read(ada, docx_bytes(build), "handbook.docx")
    assert texts(version) == [
        (["Handbook", "Leave"], "text", "Handbook\n\nLeave\n\nEveryone has 28 days."),
        (["Handbook", "Leave", "Special"], "text", "Special\n\n- One"),
        (
            ["Handbook", "Leave", "Special"],
            "table",
            "| Occasion | Days |\n| --- | --- |\n| Wedding | 2 |",
        ),
        (["Handbook", "Travel"], "text", "Travel\n\nBy train."),
    ]
    assert (version.pages, version.pages_done, version.stage) == (None, 0, "index")
    assert {section.page for section in sections(version)} == {None}


def test_word_keeps_tracked_insertions_and_content_controls_but_not_deletions(ada):
    def build(document):
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        for inner in (
            "<w:ins><w:r><w:t>inserted</w:t></w:r></w:ins><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>",
            "<w:sdt><w:sdtContent><w:r><w:t>controlled</w:t></w:r></w:sdtContent></w:sdt>",
        ):
            document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{inner}</w:p>"))

    assert texts(read(ada, docx_bytes(build), "a.docx")) == [([], "text", "controlled\n\ninserted")]


def test_markdown_gives_headings_and_tables(ada):
    source = (
        "# Handbook\n\nHello *there*.\n\n## Leave\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\nAfter.\n\n"
        "```\n# not a heading\n```\n\nTravel\n------\nBy train.\n"
    )
    assert texts(read(ada, source.encode(), "handbook.md")) == [
        (["Handbook"], "text", "Handbook\n\nHello *there*."),
        (["Handbook", "Leave"], "text", "Leave"),
        (["Handbook", "Leave"], "table", "| A | B |\n|---|---|\n| 1 | 2 |"),
        (["Handbook", "Leave"], "text", "After.\n\n```\n# not a heading\n```"),
        (["Handbook", "Travel"], "text", "Travel\n\nBy train."),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "Café au lait – naïve".encode(),
        b"\xef\xbb\xbf" + "Café au lait – naïve".encode(),
        "Café au lait – naïve".encode("utf-16"),
        "Café au lait – naïve".encode("cp1252"),
    ],
)
def test_text_is_read_in_its_encoding(ada, content):
    version = read(ada, content)
    assert version.mime == "text/plain"
    assert texts(version) == [([], "text", "Café au lait – naïve")]


def test_nul_and_control_characters_do_not_reach_the_text(ada):
    assert texts(read(ada, b"one\x00two\x07 three\r\nfour" + b" word" * 100))[0][2].startswith("onetwo three\nfour")


def test_long_text_is_cut_between_paragraphs(ada):
    paragraph = "A sentence about fish farms. " * 40
    version = read(ada, "\n\n".join([paragraph] * 30).encode())
    cut = sections(version)
    assert len(cut) > 3
    assert max(len(section.text) for section in cut) <= 8_100
    assert "".join(section.text for section in cut).count("sentence") == 1200


def test_a_file_is_read_as_what_it_is_whatever_its_name(ada):
    assert read(ada, pdf_bytes("Hello there"), "hello.txt").mime == "application/pdf"
    assert read(ada, b"# Title\n\n- [ ] open", "notes").mime == "text/markdown"
    assert read(ada, b"Just words.", "words.pdf").mime == "text/plain"
    assert read(ada, docx_bytes(lambda document: document.add_paragraph("Hi")), "x.pdf").mime.endswith("document")
