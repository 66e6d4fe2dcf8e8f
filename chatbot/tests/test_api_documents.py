"""The API of documents, search and models: shapes, who may what, bad input."""

import hashlib
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.tests.factories import upload, version_of
from chatbot.tests.api import Api, async_client_of, problem_assert

STATUS = {"status", "progress", "pages_done", "pages", "chunk_count", "error"}
DOCUMENT = STATUS | {"id", "filename", "collection_id", "mime", "size", "tags", "created_at"}
TEXT = b"# Engines\n\nThe difference engine computes tables.\n"


@pytest.fixture
def ada_api(client_ada):
    return Api(client_ada)


@pytest.fixture
def private(ada):
    return upload(ada, TEXT, "engines.md")


@pytest.fixture
def shelf(workspace, ada):
    return Collection.objects.create(workspace=workspace, owner=ada, name="All", visibility="workspace")


@pytest.fixture
def shared(ada, shelf):
    return upload(ada, TEXT, "shared.md", shelf)


def send(client, *files, key=None, **fields):
    headers = {"Idempotency-Key": key} if key else {}
    data = {"files": [SimpleUploadedFile(name, content) for name, content in files], **fields}
    return client.post("/api/v1/documents/upload", data, headers=headers)


def test_files_are_uploaded_and_answered_at_once(client_ada, ada):
    answer = send(client_ada, ("a.md", TEXT), ("b.txt", b"plain"))
    assert answer.status_code == 202
    items = answer.json()["items"]
    assert [(item["filename"], item["status"]) for item in items] == [("a.md", "uploaded"), ("b.txt", "uploaded")]
    assert set(items[0]) == {"id", "filename", "status"}
    assert {str(row.pk) for row in Document.objects.filter(owner=ada)} == {item["id"] for item in items}


def test_a_document_is_read_listed_and_deleted(ada_api, private):
    path = f"/documents/{private.pk}"
    body = ada_api("get", path).json()
    assert set(body) == DOCUMENT
    assert (body["filename"], body["size"], body["progress"]) == ("engines.md", len(TEXT), 0)
    assert ada_api("get", f"{path}/status").json() == {name: body[name] for name in STATUS}
    assert ada_api("get", "/documents").json() == {"items": [body], "next": None}
    assert ada_api("delete", path).status_code == 204
    problem_assert(ada_api("get", path), 404)


def test_a_failure_is_told_with_what_to_do(ada_api, private):
    DocumentVersion.objects.update(state="failed", error_code="encrypted", error_detail="Remove the password.")
    status = ada_api("get", f"/documents/{private.pk}/status").json()
    assert (status["status"], status["error"]) == ("failed", {"code": "encrypted", "detail": "Remove the password."})


def test_the_original_comes_back_as_a_download_that_cannot_run(client_ada, ada):
    document = upload(ada, b"<script>alert(1)</script>", 'naïve "page".html')
    answer = client_ada.get(f"/api/v1/documents/{document.pk}/content")
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["Content-Length"] == str(len(b"<script>alert(1)</script>"))


@pytest.mark.django_db(transaction=True)
async def test_the_original_comes_in_pieces_under_asgi(ada, transactional_db):
    from asgiref.sync import sync_to_async

    content = bytes(range(256)) * 4000
    document = await sync_to_async(upload)(ada, content, "big.txt")
    client: AsyncClient = await async_client_of(ada)
    answer: Any = await client.get(f"/api/v1/documents/{document.pk}/content")
    pieces = [piece async for piece in answer.streaming_content]
    assert len(pieces) > 1
    assert hashlib.sha256(b"".join(pieces)).digest() == hashlib.sha256(content).digest()


def test_the_list_is_filtered(ada_api, private, shared, shelf):
    DocumentVersion.objects.filter(document=shared).update(state="indexed")
    names = lambda query: [item["filename"] for item in ada_api("get", f"/documents?{query}").json()["items"]]  # noqa: E731
    assert names("") == ["shared.md", "engines.md"]
    assert names(f"collection={shelf.pk}") == ["shared.md"]
    assert names("status=indexed") == ["shared.md"]
    assert names("q=ENGI") == ["engines.md"]
    assert names(f"collection={uuid4()}") == []


def test_the_list_goes_by_pages(ada_api, ada):
    for number in range(3):
        upload(ada, TEXT, f"{number}.md")
    first = ada_api("get", "/documents?limit=2").json()
    rest = ada_api("get", f"/documents?limit=2&cursor={first['next']}").json()
    assert [item["filename"] for item in first["items"] + rest["items"]] == ["2.md", "1.md", "0.md"]
    assert rest["next"] is None


def doors(document):
    path = f"/documents/{document.pk}"
    return [
        ("get", path),
        ("get", f"{path}/status"),
        ("get", f"{path}/content"),
        ("get", f"{path}/pages/1.png"),
        ("get", f"{path}/pages/1.png?chunk={uuid4()}"),
        ("delete", path),
    ]


@pytest.mark.parametrize("who", ["ben", "cleo", "vera"])
def test_nobody_else_gets_at_a_private_document(request, private, who):
    api = Api(request.getfixturevalue(f"client_{who}"))
    for method, path in doors(private):
        problem_assert(api(method, path), 404)
    assert api("get", "/documents").json()["items"] == []
    assert Document.objects.filter(pk=private.pk).exists()


def test_a_shared_document_is_read_by_members_and_by_no_stranger(client_ben, client_cleo, client_vera, shared):
    for client in (client_ben, client_vera):
        assert Api(client)("get", f"/documents/{shared.pk}").status_code == 200
        assert client.get(f"/api/v1/documents/{shared.pk}/content").status_code == 200
        problem_assert(Api(client)("delete", f"/documents/{shared.pk}"), 403, "forbidden")
    for method, path in doors(shared):
        problem_assert(Api(client_cleo)(method, path), 404)


def test_a_viewer_does_not_upload(client_vera):
    problem_assert(send(client_vera, ("a.md", TEXT)), 403, "forbidden")


def test_nobody_uploads_into_a_foreign_collection(client_cleo, shelf):
    problem_assert(send(client_cleo, ("a.md", TEXT), collection_id=str(shelf.pk)), 404)
    assert not Document.objects.exists()


def test_an_upload_is_taken_whole_or_not_at_all(client_ada, ada, settings):
    settings.UPLOAD_MAX_BYTES = 1024
    problem_assert(send(client_ada, ("a.md", TEXT), ("b.md", b"x" * 1025)), 413, "upload_too_large")
    assert not Document.objects.exists()


def test_a_repeated_key_uploads_once(client_ada, ada):
    one, two = send(client_ada, ("a.md", TEXT), key="k"), send(client_ada, ("a.md", TEXT), key="k")
    assert one.json() == two.json()
    assert Document.objects.count() == 1
    problem_assert(send(client_ada, ("a.md", b"other"), key="k"), 422, "idempotency_key_reused")
    assert version_of(Document.objects.get()).sha256 == hashlib.sha256(TEXT).hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("get", "/documents?status=lost", None, "status"),
        ("get", "/documents?collection=x", None, "collection"),
        ("get", "/documents?limit=0", None, "limit"),
        ("post", "/documents/search", {}, "query"),
        ("post", "/documents/search", {"query": " "}, "query"),
        ("post", "/documents/search", {"query": "a\x00"}, "query"),
        ("post", "/documents/search", {"query": "x" * 2001}, "query"),
        ("post", "/documents/search", {"query": "x", "limit": 0}, "limit"),
        ("post", "/documents/search", {"query": "x", "mode": "magic"}, "mode"),
        ("post", "/documents/search", {"query": "x", "document_ids": ["y"]}, "document_ids.0"),
        ("post", "/documents/search", {"query": "x", "filters": {"after": "then"}}, "filters.after"),
    ],
)
def test_bad_input_answers_422_with_the_field(ada_api, db, method, path, body, field):
    problem = problem_assert(ada_api(method, path, body), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_an_upload_without_files_answers_422(client_ada):
    problem_assert(client_ada.post("/api/v1/documents/upload", {}), 422, "invalid")


def test_models_are_listed_and_say_how_they_are(ada_api, chat_model):
    body = ada_api("get", "/models").json()
    assert body == {
        "items": [
            {
                "id": str(chat_model.pk), "name": "fake-model", "title": "Fake", "provider": "embedded",
                "abilities": ["chat"], "context_tokens": 4096, "is_local": True, "is_default": True,
                "price": {"input": "0.000000", "output": "0.000000"},
            }
        ],
        "next": None,
    }  # fmt: skip
    status = ada_api("get", f"/models/{chat_model.pk}/status").json()
    assert status == {"id": str(chat_model.pk), "name": "fake-model", "status": "ready"}


def test_models_that_i_may_not_use_are_not_found(ada_api, ada, chat_model):
    problem_assert(ada_api("get", f"/models/{uuid4()}/status"), 404)
    ada.memberships.all().delete()
    assert ada_api("get", "/models").json()["items"] == []
    problem_assert(ada_api("get", f"/models/{chat_model.pk}/status"), 404)
