"""Pages of documents: what the owner, a member, a viewer and a stranger get; with htmx and without a script."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.documents.models import Document, DocumentVersion
from apps.documents.tests.factories import upload, version_of

HTMX = {"HX-Request": "true"}


def url(name, *args):
    return reverse(f"documents:{name}", args=args)


def file(name="notes.txt", content=b"Some words."):
    return SimpleUploadedFile(name, content)


@pytest.fixture
def document(ada):
    return upload(ada, b"Some words.", "notes.txt")


def set_state(document, **fields):
    DocumentVersion.objects.filter(document=document).update(**fields)


def test_limits_are_told_before_the_upload(client_ada):
    page = client_ada.get(url("document-list")).content.decode()
    assert "PDF, Word (.docx), text and Markdown, up to 100 MB each" in page
    assert 'accept=".pdf,.docx,.txt,.md"' in page
    assert "No documents yet." in page


def test_upload_by_htmx_gives_the_rows_and_goes_on_watching(client_ada, ada):
    fragment = client_ada.post(url("document-list"), {"files": [file()]}, headers=HTMX).content.decode()
    document = Document.objects.get(owner=ada)
    assert f'id="document-{document.pk}"' in fragment
    assert f"?ids={document.pk}" in fragment
    assert "<html" not in fragment


def test_upload_without_a_script_takes_several_files(client_ada, ada):
    response = client_ada.post(url("document-list"), {"files": [file("a.txt"), file("b.txt")]}, follow=True)
    assert Document.objects.filter(owner=ada).count() == 2
    assert "Your files were uploaded" in response.content.decode()


def test_upload_from_a_chat_gives_chips(client_ada):
    headers = {**HTMX, "HX-Target": "attachments"}
    fragment = client_ada.post(url("document-list"), {"files": [file()]}, headers=headers).content.decode()
    assert 'class="attachment attachment-uploaded"' in fragment
    assert url("document-chip", Document.objects.get().pk) in fragment


def test_upload_of_nothing_is_refused_with_a_sentence(client_ada):
    assert "Choose a file first." in client_ada.post(url("document-list")).content.decode()
    fragment = client_ada.post(url("document-list"), headers=HTMX)
    assert fragment.status_code == 422
    assert "field-error" in fragment.content.decode()


def test_a_file_that_is_too_large_is_a_sentence(client_ada, settings):
    settings.UPLOAD_MAX_BYTES = 4
    response = client_ada.post(url("document-list"), {"files": [file()]}, headers=HTMX)
    assert response.status_code == 413
    assert 'class="toast' in response.content.decode()
    assert not Document.objects.exists()


def test_viewers_may_not_upload(client_vera):
    assert client_vera.post(url("document-list"), {"files": [file()]}).status_code == 403
    assert not Document.objects.exists()


def test_states_show_progress_until_the_end(client_ada, document):
    set_state(document, state="processing", pages=9, pages_done=4, progress=0.4)
    fragment = client_ada.get(url("document-states"), {"ids": document.pk}, headers=HTMX).content.decode()
    assert "Reading 4 / 9" in fragment
    assert '<progress class="document-progress" max="100" value="40"' in fragment
    assert "hx-trigger" in fragment
    set_state(document, state="indexed", pages_done=9, progress=1)
    fragment = client_ada.get(url("document-states"), {"ids": document.pk}, headers=HTMX).content.decode()
    assert "Ready" in fragment
    assert "hx-trigger" not in fragment
    assert "hx-trigger" not in client_ada.get(url("document-chip", document.pk), headers=HTMX).content.decode()


def test_a_failed_document_says_what_to_do(client_ada, document):
    set_state(document, state="failed", error_code="encrypted", error_detail="Remove the password.")
    assert "Remove the password." in client_ada.get(url("document-list")).content.decode()


def test_filters_and_search(client_ada, ada, document):
    other = upload(ada, b"Other words.", "report.txt")
    set_state(other, state="failed", error_code="broken", error_detail="Broken.")
    for query, expected in (
        ({"q": "REP"}, "report.txt"),
        ({"state": "failed"}, "report.txt"),
        ({"state": "open"}, "notes.txt"),
    ):
        fragment = client_ada.get(url("document-list"), query, headers=HTMX).content.decode()
        names = {name for name in ("notes.txt", "report.txt") if f'title="Download {name}"' in fragment}
        assert names == {expected}
        assert "<html" not in fragment
    assert "No document matches." in client_ada.get(url("document-list"), {"q": "zzz"}).content.decode()


def test_more_documents_come_page_by_page(client_ada, ada):
    for number in range(31):
        upload(ada, b"Words %d" % number, f"file-{number}.txt")
    page = client_ada.get(url("document-list"))
    assert page.content.decode().count('class="document-name"') == 30
    more = client_ada.get(url("document-list"), {"cursor": page.context["next_cursor"]}, headers=HTMX).content.decode()
    assert more.count('class="document-name"') == 1
    assert 'id="document-list"' not in more


def test_queries_do_not_grow_with_the_list(client_ada, ada, django_assert_num_queries):
    for number in range(5):
        upload(ada, b"Words %d" % number, f"file-{number}.txt")
    # What is remembered for a while is remembered now.
    client_ada.get(url("document-list"))
    # Session, user, rows, open documents, workspaces with roles, collections.
    with django_assert_num_queries(6):
        client_ada.get(url("document-list"))


def test_delete_asks_first(client_ada, document):
    target = url("document-delete", document.pk)
    assert "notes.txt" in client_ada.get(target, headers=HTMX).content.decode()
    assert "<html" in client_ada.get(target).content.decode()
    assert client_ada.post(target, headers=HTMX)["HX-Trigger"] == "dialog-close"
    assert not Document.objects.exists()


def test_download_cannot_run_in_the_browser(client_ada, document):
    response = client_ada.get(url("document-content", document.pk))
    assert b"".join(response.streaming_content) == b"Some words."
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.txt", '"><script>.txt'])
def test_file_names_are_text(client_ada, ada, name):
    upload(ada, b"Words", name)
    page = client_ada.get(url("document-list")).content.decode()
    assert "<img" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_nobody_else_gets_in(client_ben, client_vera, client_cleo, document, headers):
    for client in (client_ben, client_vera, client_cleo):
        for method, target in (
            ("get", url("document-content", document.pk)),
            ("get", url("document-chip", document.pk)),
            ("get", url("document-delete", document.pk)),
            ("post", url("document-delete", document.pk)),
            ("get", reverse("conversations:document-page", args=[document.pk, 1])),
        ):
            assert getattr(client, method)(target, headers=headers).status_code == 404, target
        states = client.get(url("document-states"), {"ids": document.pk}, headers=headers)
        assert b"notes.txt" not in states.content
        assert b"notes.txt" not in client.get(url("document-list"), headers=headers).content
    assert version_of(document)


def test_keys_that_are_none_are_ignored(client_ada):
    assert client_ada.get(url("document-states"), {"ids": "a,b"}, headers=HTMX).status_code == 200
