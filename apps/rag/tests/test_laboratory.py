"""The retrieval laboratory: what each step finds, the knobs, and who may use it."""

import threading

import pytest
from django.db import connection
from django.urls import reverse

from apps.documents.models import Collection, DocumentVersion
from apps.rag import tasks
from apps.rag.models import Chunk, IndexProfile
from apps.rag.testing import fake_embedder, fake_reranker
from apps.rag.tests.factories import indexed

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
ADDRESS = "/laboratory/"


@pytest.fixture
def worker(monkeypatch):
    """A worker that takes each search at once."""
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
    with fake_embedder(), fake_reranker():
        yield
    for thread in threads:
        thread.join()


def page(client, query="turbine", **values):
    return client.get(ADDRESS, {"q": query, **values})


def legs(response):
    return {leg.name: [shown.passage.filename for shown in leg.passages] for leg in response.context["legs"]}


def test_each_step_stands_beside_the_others_with_scores_and_times(worker, client_ada, ada):
    indexed(ada, "The turbine turns.", filename="one.txt")
    indexed(ada, "A garden with a turbine and a pond.", filename="two.txt")
    response = page(client_ada, rerank="on")
    assert set(legs(response)) == {"lexical", "dense", "fused", "reranked"}
    assert all(set(names) == {"one.txt", "two.txt"} for names in legs(response).values())
    text = response.content.decode()
    for title in ("By words", "By meaning", "Fused", "Reranked"):
        assert title in text
    chunk = Chunk.objects.get(document__filename="one.txt")
    assert reverse("rag:laboratory-passage", args=[chunk.pk]) in text
    assert "meaning 1" in text or "meaning 2" in text
    assert " ms" in text


def test_knobs_change_the_search(worker, client_ada, ada):
    indexed(ada, "The turbine turns.", filename="one.txt")
    assert set(legs(page(client_ada, mode="keyword", rerank="off"))) <= {"lexical", "fused"}
    assert "reranked" not in legs(page(client_ada, rerank="off"))
    words = page(client_ada, dense_share="0", rerank="off").context["legs"]
    assert words
    assert page(client_ada, candidates="20", rerank_depth="5", rerank_share="100").status_code == 200
    ready = IndexProfile.objects.create(
        name="Second", embedder="bge-small-en-v1.5", dimensions=384, chunker_version=1, state="ready"
    )
    assert page(client_ada, profile=str(ready.pk)).context["legs"] == []


def test_only_the_chosen_collections_are_searched(worker, client_ada, ada, workspace):
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Shelf")
    indexed(ada, "The turbine turns.", filename="on.txt", collection=shelf)
    indexed(ada, "The turbine stands.", filename="off.txt")
    found = legs(page(client_ada, collection=str(shelf.pk)))
    assert {name for names in found.values() for name in names} == {"on.txt"}


def test_operators_work_here_too_and_are_explained(worker, client_ada, ada):
    indexed(ada, "The turbine turns.", filename="one.txt")
    indexed(ada, "The turbine stands.", filename="two.txt")
    found = legs(page(client_ada, "turbine file:two"))
    assert {name for names in found.values() for name in names} == {"two.txt"}
    unknown = page(client_ada, "turbine collection:Nowhere")
    assert unknown.context["legs"] == []
    assert "no collection “Nowhere”" in unknown.content.decode()


def test_nobody_sees_what_others_have(worker, client_ben, client_cleo, ada, workspace):
    version = indexed(ada, "The turbine turns.", filename="private.txt")
    shelf = Collection.objects.create(workspace=workspace, owner=ada, name="Adas shelf")
    chunk = version.chunks.first()
    for client in (client_ben, client_cleo):
        response = page(client)
        assert response.context["legs"] == []
        assert "private.txt" not in response.content.decode()
        assert "Adas shelf" not in response.content.decode()
        # Another's collection is as unknown as one that does not exist.
        assert page(client, collection=str(shelf.pk)).status_code == 422
        assert client.get(reverse("rag:laboratory-passage", args=[chunk.pk])).status_code == 404


def test_viewers_have_no_laboratory(client_vera, client_root):
    assert client_vera.get(ADDRESS).status_code == 403
    assert client_root.get(ADDRESS).status_code in (403, 404)


def test_by_htmx_comes_only_what_was_found(worker, client_ada, ada):
    indexed(ada, "The turbine turns.", filename="one.txt")
    fragment = client_ada.get(ADDRESS, {"q": "turbine"}, headers=HTMX).content.decode()
    assert fragment.lstrip().startswith('<div class="laboratory-found"')
    assert "<html" not in fragment
    assert "one.txt" in fragment


def test_without_a_query_nothing_is_searched(client_ada):
    response = client_ada.get(ADDRESS)
    assert response.status_code == 200
    assert "Type a query" in response.content.decode()


@pytest.mark.parametrize(
    "values",
    [{"dense_share": "101"}, {"candidates": "100000"}, {"rerank_depth": "x"}, {"mode": "psychic"}, {"profile": "x"}],
)
def test_nonsense_is_told(client_ada, values):
    response = page(client_ada, **values)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_a_passage_opens_with_its_page_marked(client_ada, ada):
    with fake_embedder():
        version = indexed(
            ada,
            {"text": "The turbine turns.", "page": 3, "heading_path": ["Plant", "Hall"]},
            filename="plant.pdf",
            mime="application/pdf",
        )
    DocumentVersion.objects.filter(pk=version.pk).update(pages=3)
    chunk = version.chunks.get()
    text = client_ada.get(reverse("rag:laboratory-passage", args=[chunk.pk])).content.decode()
    assert "The turbine turns." in text
    assert "Plant › Hall" in text
    assert f"/api/v1/documents/{version.document_id}/pages/3.png?chunk={chunk.pk}" in text
