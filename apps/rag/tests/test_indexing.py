from functools import partial
from time import monotonic

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.documents.jobs import version_parsed
from apps.documents.models import DocumentVersion
from apps.documents.services import document_delete, versions_reconcile
from apps.llm.exceptions import ProviderError
from apps.rag import services, tasks, writing
from apps.rag.models import Chunk, IndexProfile
from apps.rag.search import search
from apps.rag.services import document_index_step, index_profile_ensure
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import at_once, index, indexed, parsed_version, section, sentences
from apps.rag.types import SearchMode, SearchQuery

State = DocumentVersion.State


def found(user: User, text: str, mode: SearchMode = SearchMode.KEYWORD) -> list[str]:
    return [passage.text for passage in search(user=user, query=SearchQuery(text=text, mode=mode)).passages]


@pytest.mark.django_db
def test_version_gets_passages_with_pages_headings_and_vectors(ada, embedder):
    version = indexed(
        ada,
        section("The turbine was built.", page=1, heading_path=["Report"]),
        section("It ran.", page=2, heading_path=["Report"]),
        section("a | b", page=3, heading_path=["Report", "Costs"], kind="table"),
        filename="Engine_report.pdf",
    )

    first, second = Chunk.objects.order_by("ordinal")
    assert (first.text, first.page_first, first.page_last, first.spans) == (
        "The turbine was built.\nIt ran.", 1, 2, [[0, 0, 22], [1, 0, 7]]
    )  # fmt: skip
    assert (second.heading_path, second.page_first) == (["Report", "Costs"], 3)
    assert embedder.calls == [
        ["Engine report > Report\nThe turbine was built.\nIt ran.", "Engine report > Report > Costs\na | b"]
    ]
    assert (version.state, version.chunk_count, version.progress) == (State.INDEXED, 2, 1)
    assert version.lease_token is None
    assert not Chunk.objects.filter(embedding=None).exists()
    assert not Chunk.objects.filter(bm25=None).exists()
    assert set(found(ada, "engine")) == {first.text, second.text}


@pytest.mark.django_db
def test_document_without_text_is_indexed_with_nothing(ada, embedder):
    version = indexed(ada, " ")

    assert (version.state, version.chunk_count) == (State.INDEXED, 0)


@pytest.mark.django_db
def test_profile_is_made_once_with_its_index(settings):
    profile = index_profile_ensure()

    assert index_profile_ensure() == profile
    settings.EMBEDDING_MODEL = "another"
    assert index_profile_ensure() == profile
    assert (profile.embedder, profile.dimensions, profile.state) == ("bge-small-en-v1.5", 384, "live")
    assert profile.query_prefix
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'rag_chunk' AND indexdef LIKE %s", [f"%{profile.pk}%"]
        )
        [(definition,)] = cursor.fetchall()
    assert "hnsw" in definition
    assert "halfvec(384)" in definition


@pytest.mark.django_db
def test_unknown_embedder_is_measured(settings):
    settings.EMBEDDING_MODEL = "measured"
    with fake_embedder(model="measured"):
        profile = index_profile_ensure()

    assert (profile.embedder, profile.dimensions, profile.query_prefix) == ("measured", 384, "")


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_profile():
    at_once(*[index_profile_ensure] * 4)

    assert IndexProfile.objects.count() == 1


@pytest.mark.django_db
def test_parsing_enqueues_indexing(ada, embedder, django_capture_on_commit_callbacks, monkeypatch):
    version = parsed_version(ada, "Text.")
    DocumentVersion.objects.update(stage="parse", lease_token=version.pk)
    sent = []
    monkeypatch.setattr(tasks.document_index, "apply_async", lambda args, **_: sent.append(args))

    with django_capture_on_commit_callbacks(execute=True):
        assert version_parsed(version_id=version.pk, token=version.pk)

    assert sent == [(str(version.pk),)]


@pytest.mark.django_db
def test_task_may_run_twice_and_find_nothing(ada, embedder):
    version = parsed_version(ada, sentences(40))
    tasks.document_index(str(version.pk))
    chunks = list(Chunk.objects.values_list("pk"))

    tasks.document_index(str(version.pk))
    document_id = version.document_id
    version.document.delete()
    tasks.document_index(str(version.pk))

    assert len(chunks) > 1
    assert len(embedder.calls) == 1
    assert not Chunk.objects.filter(document=document_id).exists()


@pytest.mark.django_db
def test_work_goes_on_where_a_killed_worker_left_it(ada):
    """Killed after some passages, then after some vectors: nothing is done twice, and it is found meanwhile."""
    version = parsed_version(ada, sentences(2000))
    profile = index_profile_ensure()
    assert not writing.chunks_write(version=version, profile=profile, deadline=0)
    assert not Chunk.objects.exists()
    everything = [section.text for section in version.sections.all()]
    version.sections.update(text=sentences(700))
    assert writing.chunks_write(version=version, profile=profile, deadline=float("inf"))
    part = set(Chunk.objects.values_list("pk", flat=True))
    Chunk.objects.filter(ordinal__gt=10).delete()
    kept = set(Chunk.objects.values_list("pk", flat=True))
    assert len(part) > len(kept) == 11
    version.sections.update(text=everything[0])

    with fake_embedder(FakeEmbedder(fail_after=2)) as failing:
        assert not document_index_step(version_id=version.pk)
    version.refresh_from_db()
    total = Chunk.objects.count()
    assert kept < set(Chunk.objects.values_list("pk", flat=True))
    assert Chunk.objects.exclude(embedding=None).count() == 2 * services.EMBED_BATCH
    assert (version.state, version.chunk_count) == (State.PROCESSING, total)
    assert 0.3 < version.progress < 1
    assert len(found(ada, "number 1999")) == 10

    with fake_embedder() as embedder:
        index(version)
    seen = [text for call in failing.calls[:2] + embedder.calls for text in call]
    assert len(seen) == len(set(seen)) == total
    assert version.state == State.INDEXED


@pytest.mark.django_db
def test_long_documents_are_done_in_slices(ada, embedder, monkeypatch):
    version = parsed_version(ada, sentences(2000))
    monkeypatch.setattr(services, "SLICE_SECONDS", -1)

    assert document_index_step(version_id=version.pk)
    version.refresh_from_db()
    assert (version.state, version.lease_token) == (State.PROCESSING, None)
    monkeypatch.setattr(services, "SLICE_SECONDS", 60)
    assert not document_index_step(version_id=version.pk)


@pytest.mark.django_db
def test_version_waits_for_an_embedder_and_is_brought_in_again(ada, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.document_index, "apply_async", lambda args, **_: sent.append(args))
    monkeypatch.setattr("apps.documents.tasks.ingest_queue_is_empty", lambda: True)
    version = parsed_version(ada, "The turbine.")
    with fake_embedder(FakeEmbedder(error=ProviderError("model_missing"))):
        for _ in range(5):
            assert not document_index_step(version_id=version.pk)
    version.refresh_from_db()
    assert (version.state, version.lease_token) == (State.PROCESSING, None)
    assert found(ada, "turbine") == ["The turbine."]

    DocumentVersion.objects.update(enqueued_at=None)
    versions_reconcile()
    assert sent == [(str(version.pk),)]
    with fake_embedder():
        assert index(version).state == State.INDEXED


@pytest.mark.django_db
def test_newer_version_replaces_the_older_ones_passages(ada, embedder):
    old = indexed(ada, "The old turbine.")
    new = parsed_version(ada, "The new turbine.", document=old.document)
    assert found(ada, "turbine") == []

    index(new)

    assert found(ada, "turbine") == ["The new turbine."]
    assert set(Chunk.objects.values_list("version_id", flat=True)) == {new.pk}


@pytest.mark.django_db
def test_version_replaced_while_it_waits_gets_no_passages(ada, embedder):
    old = parsed_version(ada, "The old turbine.")
    new = indexed(ada, "The new turbine.", document=old.document)

    index(old)

    assert set(Chunk.objects.values_list("version_id", flat=True)) == {new.pk}


@pytest.mark.django_db
def test_cancelled_version_stops_and_is_not_found(ada, embedder):
    version = parsed_version(ada, "The turbine.")
    writing.chunks_write(version=version, profile=index_profile_ensure(), deadline=float("inf"))
    assert found(ada, "turbine")
    DocumentVersion.objects.update(state=State.CANCELLED)

    assert not document_index_step(version_id=version.pk)
    assert found(ada, "turbine") == []


@pytest.mark.django_db(transaction=True)
def test_deleting_while_passages_are_added_never_fails(ada, embedder):
    """The deleter comes between two batches of passages; either side finishes, and no passage is left."""
    index_profile_ensure()
    for _ in range(4):
        version = parsed_version(ada, sentences(6000))

        def delete_in_the_middle(document_id=version.document_id):
            wait_until(Chunk.objects.exists)
            document_delete(actor=ada, document_id=document_id)

        at_once(partial(document_index_step, version_id=version.pk), delete_in_the_middle)
        assert not Chunk.objects.exists()


def wait_until(condition) -> None:
    deadline = monotonic() + 20
    while not condition():
        assert monotonic() < deadline
