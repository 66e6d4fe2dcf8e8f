"""Files that cannot be read end as failed, with a sentence that says what to do, and stay as they were uploaded."""

import io
import zipfile

import pytest

from apps.documents.tests.factories import docx_bytes, file_lose, parsed, pdf_bytes, read, upload, version_of

pytestmark = pytest.mark.django_db

WORD = "word/document.xml"


def archive(**entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


def encrypted_pdf():
    from reportlab.lib.pdfencrypt import StandardEncryption

    return pdf_bytes("Secret", encrypt=StandardEncryption("secret", canPrint=0))


def word_with_entity_bomb():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = f'<!DOCTYPE d [<!ENTITY e0 "lol">{entities}]><d>&e11;</d>'
    original = docx_bytes(lambda document: document.add_paragraph("Hi"))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(out, "w") as copy:
        for entry in source.infolist():
            copy.writestr(entry.filename, body if entry.filename == WORD else source.read(entry))
    return out.getvalue()


CASES = {
    "empty": (b"", "empty.txt", "empty_file", "upload it again"),
    "only spaces": (b" \n\n\t ", "blank.txt", "empty_file", "upload it again"),
    "zeros": (b"\x00" * 5000, "zeros.pdf", "empty_file", "upload it again"),
    "nothing to see": ("\ufeff \n".encode(), "x.md", "empty_file", "upload it again"),
    "program": (b"MZ\x90\x00" + b"\x00\x01" * 400, "report.pdf", "unsupported_type", "Windows program"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "scan.txt", "unsupported_type", "PNG picture"),
    "noise": (bytes(range(1, 256)) * 20, "noise.txt", "unsupported_type", "Upload a PDF"),
    "web page": (b"<!DOCTYPE html><html><body>Hi</body></html>", "page.txt", "unsupported_type", "web page"),
    "workbook": (archive(xl__workbook_xml="<a/>"), "sheet.docx", "unsupported_type", "Excel"),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old.doc", "unsupported_type", ".docx or PDF"),
    "broken zip": (b"PK\x03\x04" + b"\x01" * 500, "broken.docx", "broken_file", "damaged"),
    "hollow Word": (archive(word__document_xml="<a/>"), "hollow.docx", "unreadable", "Save it as a new PDF"),
    "encrypted PDF": (encrypted_pdf(), "secret.pdf", "encrypted", "Remove the password"),
    "encrypted Word": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 99,
        "secret.docx",
        "encrypted",
        "Remove the password",
    ),
    "PDF mark only": (b"%PDF-1.7\n" + b"nothing here" * 40, "fake.pdf", "broken_file", "damaged"),
    "PDF cut short": (pdf_bytes("Hello " * 10)[:300], "cut.pdf", "broken_file", "damaged"),
    "PDF of pictures": (pdf_bytes(""), "scan.pdf", "no_text", "OCR"),
    "zip bomb": (archive(word__document_xml="<a>" + " " * 40_000_000 + "</a>"), "bomb.docx", "too_complex", "Split it"),
    "many entries": (
        archive(word__document_xml="<a/>", **{f"x{n}": "" for n in range(10_050)}),
        "many.docx",
        "too_complex",
        "Split it",
    ),
    "entity bomb": (word_with_entity_bomb(), "entities.docx", "broken_file", "damaged"),
}


@pytest.mark.parametrize("case", CASES)
def test_ends_as_failed_with_advice(ada, case):
    content, filename, code, advice = CASES[case]
    version = read(ada, content, filename)
    assert (version.state, version.error_code) == ("failed", code)
    assert advice in version.error_detail
    assert version.error_detail.endswith(".")
    assert version.finished_at
    assert version.lease_token is None
    assert not version.sections.exists()
    with version.file.open("rb") as kept:
        assert kept.read() == content


def test_a_lost_file_says_so(ada):
    document = upload(ada, b"Hello")
    file_lose(version_of(document))
    assert parsed(document).error_code == "file_lost"
