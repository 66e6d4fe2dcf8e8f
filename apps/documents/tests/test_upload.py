"""Uploading: who may, what is kept, what is written down."""

import hashlib
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile

from apps.audit.models import Event
from apps.documents.exceptions import UploadTooLargeError
from apps.documents.models import Collection, Document
from apps.documents.services import document_upload
from apps.documents.tests.factories import file_key, upload, version_of
from chatbot.lib.errors import ForbiddenError, NotFoundError

pytestmark = pytest.mark.django_db


def shelf(owner, workspace, visibility="workspace"):
    return Collection.objects.create(owner=owner, workspace=workspace, name="Shelf", visibility=visibility)


def test_upload_keeps_the_file_under_a_random_key(ada, workspace):
    document = upload(ada, b"Hello", "my secret plan.txt")
    version = version_of(document)
    assert (document.owner, document.workspace, document.filename) == (ada, workspace, "my secret plan.txt")
    assert (version.state, version.stage, version.progress, version.size_bytes) == ("uploaded", "parse", 0, 5)
    assert version.sha256 == hashlib.sha256(b"Hello").hexdigest()
    assert file_key(version).startswith(f"documents/{workspace.pk}/")
    assert "secret" not in file_key(version)
    with version.file.open("rb") as file:
        assert file.read() == b"Hello"


def test_upload_from_disk_is_hashed_whole(ada):
    content = b"0123456789abcdef" * 200_000
    with TemporaryUploadedFile("big.bin", "application/octet-stream", len(content), None) as file:
        file.write(content)
        file.seek(0)
        version = version_of(document_upload(actor=ada, file=file, filename="big.bin"))
        assert version.sha256 == hashlib.sha256(content).hexdigest()
        with version.file.open("rb") as kept:
            assert kept.read() == content


def test_upload_is_audited_and_enqueued_with_the_row(ada, workspace, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        document = upload(ada, b"Hello")
    event = Event.objects.get(action="document_uploaded")
    assert (event.actor_id, event.workspace_id, event.target_id) == (ada.pk, workspace.pk, str(document.pk))
    assert event.data["size_bytes"] == 5
    assert len(callbacks) == 1


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\report.pdf", "report.pdf"),
        ("nul\x00byte\n.pdf", "nulbyte .pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("half\ud800.txt", "half.txt"),
        ("..", "document"),
        ("", "document"),
        ("  spaced   out .md ", "spaced out .md"),
        (".gitignore", ".gitignore"),
        ("日本語の文書.pdf", "日本語の文書.pdf"),
        ("x" * 400 + ".docx", "x" * 250 + ".docx"),
        ("<script>alert(1)</script>.txt", "script>.txt"),
    ],
)
def test_the_file_name_is_only_a_label(ada, given, label):
    assert upload(ada, b"Hello", given).filename == label


def test_a_file_above_the_limit_is_refused_with_the_limit(ada, settings):
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    with pytest.raises(UploadTooLargeError, match="at most 1 MB"):
        upload(ada, b"x" * (1024 * 1024 + 1))
    assert not Document.objects.exists()


def test_a_viewer_may_not_upload(vera):
    with pytest.raises(ForbiddenError):
        upload(vera, b"Hello")


def test_upload_to_a_shelf_of_the_workspace(ben, ada, workspace):
    assert upload(ben, b"Hello", collection=shelf(ada, workspace)).collection_id


def test_upload_to_what_one_may_not_see_is_not_found(ada, ben, cleo, workspace, other_workspace):
    for actor, collection in (
        (cleo, shelf(ada, workspace)),
        (ben, shelf(ada, workspace, "private")),
        (ada, shelf(ada, other_workspace)),
    ):
        with pytest.raises(NotFoundError):
            upload(actor, b"Hello", collection=collection)
    with pytest.raises(NotFoundError):
        document_upload(actor=ada, file=version_of(upload(ada, b"x")).file, filename="x", collection_id=uuid4())


def test_nothing_is_left_of_an_upload_that_fails(ada, workspace, monkeypatch):
    from django.core.files.storage import default_storage

    # A label that the database refuses makes the transaction fail after the file was stored.
    monkeypatch.setattr(Document._meta.get_field("filename"), "db_column", "missing")
    monkeypatch.setattr(Document._meta.get_field("filename"), "column", "missing")
    with pytest.raises(Exception, match="missing"):
        upload(ada, b"Hello")
    assert not default_storage.exists(f"documents/{workspace.pk}") or default_storage.listdir(
        f"documents/{workspace.pk}"
    ) == ([], [])
