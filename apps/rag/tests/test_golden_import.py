"""Files of golden questions: the three forms, importing twice, and what is hostile or wrong."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.audit.models import Event
from apps.documents.models import Document
from apps.rag.models import GoldenQuestion
from apps.rag.tests.golden import shelf

CSV = """question,documents,pages,answer,unanswerable,id
When is lunch?,handbook.pdf,"3, 5-7",At noon,no,q1
Who pays?,handbook.pdf; Rules.docx,2; 4,,no,q2
Who founded it?,,,,yes,q3
"""


@pytest.fixture
def collection(ada):
    made = shelf(ada)
    for name in ("handbook.pdf", "Rules.docx"):
        Document.objects.create(workspace=made.workspace, owner=ada, collection=made, filename=name)
    return made


@pytest.fixture
def upload(client_ada, collection):
    def send(content: str | bytes, name: str = "questions.csv", **fields):
        encoded = content.encode() if isinstance(content, str) else content
        qrels = fields.pop("qrels", None)
        files = {"file": SimpleUploadedFile(name, encoded)}
        if qrels is not None:
            files["qrels"] = SimpleUploadedFile("test.tsv", qrels.encode())
        return client_ada.post(reverse("rag:golden-import", args=[collection.pk]), {**files, **fields})

    return send


def questions(collection):
    return list(GoldenQuestion.objects.filter(collection=collection).order_by("external_id"))


def pages_of(question):
    return {each["filename"]: each["pages"] for each in question.expected}


def test_csv(upload, collection, ada):
    assert upload(CSV).status_code == 302
    first, second, third = questions(collection)
    assert (first.question, first.answer, pages_of(first)) == (
        "When is lunch?", "At noon", {"handbook.pdf": [3, 5, 6, 7]},
    )  # fmt: skip
    assert pages_of(second) == {"handbook.pdf": [2], "Rules.docx": [4]}
    assert third.is_unanswerable
    assert third.expected == []
    assert {each.state for each in (first, second, third)} == {"approved"}
    event = Event.objects.get(action="golden_questions_changed")
    assert event.data == {"change": "imported", "count": 3}
    assert event.actor_id == ada.pk


def test_importing_twice_changes_nothing(upload, collection):
    upload(CSV)
    before = [(each.pk, each.question) for each in questions(collection)]
    page = upload(CSV.replace("At noon", "At one"))
    assert [(each.pk, each.question) for each in questions(collection)] == before
    assert questions(collection)[0].answer == "At noon"
    assert page.status_code == 302


def test_without_ids_the_text_says_what_is_the_same(upload, collection):
    plain = "question;documents\nWhen is lunch?;handbook\n"
    upload(plain)
    upload(plain)
    (only,) = questions(collection)
    assert only.expected[0]["filename"] == "handbook.pdf"


def test_json_lines(upload, collection):
    lines = [
        {"question": "When is lunch?", "documents": ["handbook.pdf"], "pages": [3], "id": 7},
        {"question": "Who pays?", "documents": [{"filename": "RULES.docx", "pages": [1, 2], "relevance": 2}]},
        {"question": "Who founded it?", "unanswerable": True},
    ]
    assert upload("\n".join(map(json.dumps, lines)), "questions.jsonl").status_code == 302
    by_text = {each.question: each for each in questions(collection)}
    assert by_text["When is lunch?"].external_id == "7"
    assert by_text["Who pays?"].expected[0]["relevance"] == 2
    assert by_text["Who founded it?"].is_unanswerable


def test_beir_form_takes_the_judged_queries_by_file_name_or_title(upload, collection):
    queries = '{"_id": "1", "text": "When is lunch?"}\n{"_id": "2", "text": "Not judged"}\n'
    qrels = "query-id\tcorpus-id\tscore\n1\thandbook\t2\n1\tRules.docx\t1\n1\tnowhere\t0\n"
    assert upload(queries, "queries.jsonl", qrels=qrels).status_code == 302
    (only,) = questions(collection)
    assert {each["filename"]: each["relevance"] for each in only.expected} == {"handbook.pdf": 2, "Rules.docx": 1}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",handbook.pdf,,,", "The question is missing"),
        ("Why?,nowhere.pdf,,,", "No document of this collection is called “nowhere.pdf”"),
        ("Why?,handbook.pdf,x,,", "“x” is no page"),
        ("Why?,handbook.pdf,0,,", "is no page"),
        ("Why?,handbook.pdf,9-3,,", "is no page"),
        ("Why?,handbook.pdf,1-9999999,,", "is no page"),
        ("Why?,handbook.pdf,1;2,,", "pages for 2 documents"),
        ("Why?,handbook.pdf,,,perhaps", "yes or no"),
        ("Why?,handbook.pdf,,,yes", "cannot name documents"),
        ("Why?,,,,no", "Name at least one document"),
        ("Why?,,3,,no", "Pages are named, but no document"),
        ("W" * 2001 + ",handbook.pdf,,,", "longer than 2000"),
        ("W" * 100_001 + ",handbook.pdf,,,", "longer than 100000"),
        ("Why?,handbook.pdf,,,no,extra,more", "7 columns"),
        ("Why\x00?,handbook.pdf,,,", "zero character"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_nothing_is_kept(upload, collection, row, told):
    page = upload(f"question,documents,pages,answer,unanswerable\nWhen?,handbook.pdf,,,\n{row}\n")
    assert page.status_code == 422
    assert told in page.content.decode()
    assert "Line 3" in page.content.decode()
    assert questions(collection) == []


def test_valid_lines_are_kept_if_asked(upload, collection):
    page = upload("question,documents\nWhen?,handbook.pdf\nWhy?,nowhere.pdf\n", is_valid_kept="on")
    assert page.status_code == 422
    assert "1 imported" in page.content.decode()
    assert [each.question for each in questions(collection)] == ["When?"]


def test_an_open_quotation_mark_ends_the_reading_with_a_sentence(upload, collection):
    page = upload('question,documents\nWhen?,handbook.pdf\n"Why?,handbook.pdf\n' + "x" * 200_000)
    assert page.status_code == 422
    assert "From here on this is no CSV" in page.content.decode()
    assert questions(collection) == []


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "a.csv", "empty"),
        (b"\xff\xfe\x00\xd8", "a.csv", "not UTF-8"),
        ("question,documents\nCaf\xe9?,a\n".encode("latin-1"), "a.csv", "not UTF-8"),
        (b"words,documents\nWhy?,a\n", "a.csv", "question"),
        (b"%PDF-1.7\n\x93\x8c", "a.pdf", "not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_said_so(upload, collection, content, name, told):
    page = upload(content, name)
    assert page.status_code == 422
    assert told in page.content.decode()


@pytest.mark.parametrize(
    "line",
    ["[]", "1", '"x"', "{", '{"question": ["x"]}', '{"question": "x", "documents": 3}', "[" * 50_000,
     '{"question": "x", "documents": [{"filename": {}}]}', '{"question": "x", "documents": [null]}',
     '{"question": "x", "documents": [{"filename": "handbook.pdf", "relevance": NaN}]}',
     '{"question": "x", "documents": ["handbook.pdf"], "pages": {"a": 1}}'],
)  # fmt: skip
def test_json_that_is_no_question(upload, collection, line):
    page = upload(line + "\n", "questions.jsonl")
    assert page.status_code == 422
    assert "Line 1" in page.content.decode()


def test_spreadsheet_encodings(upload, collection):
    upload(CSV.encode("utf-8-sig"))
    upload("question\tdocuments\nWarum?\thandbook.pdf\n".encode("utf-16"))
    assert len(questions(collection)) == 4


def test_a_formula_stays_the_text_it_is_and_is_shown_as_text(upload, collection, client_ada):
    upload('question,documents\n"=HYPERLINK(""http://x"",""<b>y</b>"")",handbook.pdf\n')
    (only,) = questions(collection)
    assert only.question == '=HYPERLINK("http://x","<b>y</b>")'
    page = client_ada.get(reverse("rag:golden-list", args=[collection.pk])).content.decode()
    assert "<b>y</b>" not in page
    assert "=HYPERLINK(&quot;http://x&quot;,&quot;&lt;b&gt;y&lt;/b&gt;&quot;)" in page


def test_two_documents_of_one_name_are_not_guessed_between(upload, collection, ada):
    Document.objects.create(workspace=collection.workspace, owner=ada, collection=collection, filename="handbook.pdf")
    page = upload("question,documents\nWhen?,handbook.pdf\n")
    assert "2 documents of this collection are called" in page.content.decode()


def test_by_command(collection, tmp_path, capsys):
    file = tmp_path / "questions.csv"
    file.write_text(CSV)
    call_command("rag_evaluate", "--collection", str(collection.pk), "--import", str(file))
    assert "3 imported, 0 were there already" in capsys.readouterr().out
    call_command("rag_evaluate", "--collection", "Handbook", "--import", str(file))
    assert "0 imported, 3 were there already" in capsys.readouterr().out
    file.write_text("question,documents\nWhy?,nowhere.pdf\n")
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("rag_evaluate", "--collection", "Handbook", "--import", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("rag_evaluate", "--collection", "Handbook", "--import", str(tmp_path / "none.csv"))
