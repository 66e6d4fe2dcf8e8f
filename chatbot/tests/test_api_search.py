"""Search and page images by the API, with a worker that takes each message at once."""

import io
import threading

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from PIL import Image

from apps.accounts.models import Membership
from apps.documents import page_images
from apps.documents.models import Collection, Document, DocumentVersion
from apps.documents.types import PageRequest
from apps.rag import tasks
from apps.rag.models import Chunk
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import indexed
from chatbot.tests.api import Api, problem_assert

PASSAGE = {"chunk_id", "document_id", "filename", "page", "pages", "heading", "text", "score", "scores"}


@pytest.fixture
def worker(monkeypatch, transactional_db):
    threads = []

    def send(args, **_):
        threads.append(threading.Thread(target=work, args=args))
        threads[-1].start()

    def work(*args):
        try:
            tasks.search_run(*args)
        finally:
            connection.close()

    monkeypatch.setattr(tasks.search_run, "apply_async", send)
    with fake_embedder():
        yield
    for thread in threads:
        thread.join()


def search(client, query="turbine", **body):
    return Api(client)("post", "/documents/search", {"query": query, **body})


def test_passages_come_best_first_with_their_place(worker, client_ada, ada):
    version = indexed(ada, {"text": "The turbine turns.", "page": 2, "heading_path": ["Plant", "Hall"]}, "A garden.")
    answer = search(client_ada)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"items", "took_ms", "notices"}
    best = body["items"][0]
    assert set(best) == PASSAGE
    assert set(best["scores"]) == {"bm25", "dense", "rerank"}
    assert (best["document_id"], best["page"], best["heading"]) == (str(version.document_id), 2, "Plant > Hall")
    assert "turbine" in best["text"]
    assert best["scores"]["bm25"] > 0


def test_modes_limits_and_filters_reach_the_search(worker, client_ada, ada):
    indexed(ada, "The turbine turns.", filename="one.txt")
    other = indexed(ada, "A turbine stands.", filename="two.txt")
    names = lambda **body: {item["filename"] for item in search(client_ada, **body).json()["items"]}  # noqa: E731
    assert names() == {"one.txt", "two.txt"}
    assert len(search(client_ada, limit=1).json()["items"]) == 1
    assert names(filters={"filename": "TWO"}) == {"two.txt"}
    assert names(document_ids=[str(other.document_id)]) == {"two.txt"}
    assert names(mode="keyword", query="stands") == {"two.txt"}


def test_nobody_finds_what_they_may_not_see(worker, client_ben, client_cleo, ada, workspace):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="All", visibility="workspace")
    private = indexed(ada, "The turbine turns.", filename="private.txt")
    indexed(ada, "A turbine stands.", filename="shared.txt", collection=shelf)
    assert [item["filename"] for item in search(client_ben).json()["items"]] == ["shared.txt"]
    assert search(client_cleo).json()["items"] == []
    for client in (client_ben, client_cleo):
        assert search(client, document_ids=[str(private.document_id)]).json()["items"] == []
    assert search(client_cleo, collection_ids=[str(shelf.pk)]).json()["items"] == []


def test_a_search_stays_in_the_workspace_i_work_in(worker, client_ada, ada, workspace, other_workspace):
    Membership.objects.create(user=ada, workspace=other_workspace)
    indexed(ada, "The turbine turns.", filename="here.txt", workspace=workspace)
    there = indexed(ada, "A turbine stands.", filename="there.txt", workspace=other_workspace)
    assert [item["filename"] for item in search(client_ada).json()["items"]] == ["here.txt"]
    assert search(client_ada, document_ids=[str(there.document_id)]).json()["items"] == []
    Api(client_ada)("put", "/me/workspace", {"workspace_id": str(other_workspace.pk)})
    assert [item["filename"] for item in search(client_ada).json()["items"]] == ["there.txt"]


@pytest.fixture
def page(worker, ada):
    """A document whose first page is drawn already, and the passage on it."""
    version = indexed(
        ada, {"text": "The turbine turns.", "page": 1, "boxes": [[0, 18, 0.1, 0.1, 0.5, 0.2]]}, mime="application/pdf"
    )
    DocumentVersion.objects.filter(pk=version.pk).update(pages=1)
    out = io.BytesIO()
    Image.new("RGB", (100, 140), "white").save(out, "PNG")
    default_storage.save(
        page_images.storage_key(PageRequest(version_id=version.pk, page=1)), ContentFile(out.getvalue())
    )
    yield f"/documents/{version.document_id}/pages/1.png"
    page_images.remove_all(version.pk)


def test_a_page_is_an_image_with_the_passage_marked(page, client_ada):
    chunk = Chunk.objects.get()
    plain = Api(client_ada)("get", page)
    marked = Api(client_ada)("get", f"{page}?chunk={chunk.pk}")
    for answer in (plain, marked):
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    with Image.open(io.BytesIO(marked.content)) as image:
        assert image.convert("RGB").getpixel((30, 20)) != (255, 255, 255)
        assert image.convert("RGB").getpixel((90, 130)) == (255, 255, 255)
    again = Api(client_ada)("get", page, If_None_Match=plain["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_is_for_who_may_see_the_document(page, client_ben, client_cleo):
    chunk = Chunk.objects.get()
    for client in (client_ben, client_cleo):
        problem_assert(Api(client)("get", page), 404)
        problem_assert(Api(client)("get", f"{page}?chunk={chunk.pk}"), 404)


def test_a_passage_of_another_document_is_not_marked(page, client_ada, ada):
    other = indexed(ada, "A garden.")
    problem_assert(Api(client_ada)("get", f"{page}?chunk={other.chunks.get().pk}"), 404)


def test_pages_that_do_not_exist_are_not_found(page, client_ada):
    problem_assert(Api(client_ada)("get", page.replace("/1.png", "/2.png")), 404)
    problem_assert(Api(client_ada)("get", page.replace("/1.png", "/0.png")), 404)
    assert Document.objects.count() == 1


def test_operators_in_the_query_narrow_the_search(worker, client_ada, ada, workspace):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Plant", visibility="private")
    indexed(ada, "The turbine turns fast.", filename="one.txt", collection=shelf)
    other = indexed(ada, "A turbine stands.", filename="two.txt")
    Document.objects.filter(pk=other.document_id).update(tags=["idle"])
    names = lambda query, **body: {  # noqa: E731
        item["filename"] for item in search(client_ada, query=query, **body).json()["items"]
    }
    assert names("turbine file:one") == {"one.txt"}
    assert names("turbine tag:idle") == {"two.txt"}
    assert names("turbine collection:plant") == {"one.txt"}
    assert names('"turbine turns"') == {"one.txt"}
    assert names('"turns turbine"') == set()
    assert names("turbine before:2001") == set()
    assert names("turbine type:pdf") == set()
    assert names("turbine", filters={"tags": ["idle"]}) == {"two.txt"}
    assert names("turbine", filters={"phrases": ["turbine turns"]}) == {"one.txt"}
    # What the body asks for holds as well.
    assert names("turbine file:one", document_ids=[str(other.document_id)]) == set()
    assert names("turbine file:two", filters={"filename": "one"}) == set()


def test_operators_that_mean_nothing_are_told(worker, client_ada, client_ben, ada, workspace):
    Collection.objects.create(workspace=workspace, owner=ada, name="Plant", visibility="private")
    indexed(ada, "The turbine turns.", filename="one.txt")
    body = search(client_ada, query="turbine after:yesterday").json()
    assert body["items"]
    assert "“after:yesterday” was taken as words" in body["notices"][0]
    unknown = search(client_ada, query="turbine collection:Nowhere").json()
    assert unknown["items"] == []
    # Another person's collection is as unknown as one that does not exist.
    hidden = search(client_ben, query="turbine collection:Plant").json()
    assert hidden["notices"] == [unknown["notices"][0].replace("Nowhere", "Plant")]
