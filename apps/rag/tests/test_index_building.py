"""Building another index beside the live one: slices, crashes, pauses, pace, new documents."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone
from typing_extensions import override

from apps.documents.collection_writing import collection_create
from apps.documents.models import Collection, DocumentVersion
from apps.documents.services import document_delete
from apps.llm.exceptions import ProviderError
from apps.llm.models import ModelProfile
from apps.rag import writing
from apps.rag.models import Chunk, CorpusStatistics, IndexedVersion, IndexProfile
from apps.rag.profiles import building, tasks
from apps.rag.profiles.building import index_step, live_is_waiting
from apps.rag.profiles.changing import index_pause, index_resume
from apps.rag.profiles.coverage import coverage_of
from apps.rag.profiles.graphs import graph_stands
from apps.rag.profiles.leases import Step
from apps.rag.profiles.reconciling import indexes_reconcile
from apps.rag.search import search
from apps.rag.services import index_profile_ensure
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import index, indexed, parsed_version, sentences
from apps.rag.tests.index_profiles import OTHER, begun, run
from apps.rag.types import SearchMode, SearchQuery

State = IndexProfile.State


class Killed(BaseException):
    """Ends a worker as a signal does: nothing behind it runs."""


@pytest.fixture
def other():
    with fake_embedder(model=OTHER) as fake:
        yield fake


def texts(profile):
    return set(Chunk.objects.filter(profile=profile, embedding__isnull=False).values_list("text", flat=True))


@pytest.mark.django_db
def test_a_build_covers_all_documents_with_other_vectors(ada, embedder, other):
    for number in range(3):
        indexed(ada, f"The turbine number {number}.", sentences(60), filename=f"{number}.txt")
    live = index_profile_ensure()

    profile = run(begun(dimensions=64, document_prefix="passage: ", query_prefix="query: "))

    assert (profile.state, profile.dimensions) == (State.READY, 64)
    assert texts(profile) == texts(live)
    assert {len(chunk.embedding) for chunk in Chunk.objects.filter(profile=profile)} == {64}
    assert all(text.startswith("passage: ") for call in other.calls for text in call)
    coverage = coverage_of(profile)
    assert (coverage.versions, coverage.done, coverage.missing, coverage.percent) == (3, 3, 0, 100)
    assert coverage.chunks == coverage.embedded == Chunk.objects.filter(profile=profile).count()
    assert [(row.name, row.versions, row.done) for row in coverage.workspaces] == [("Analytical Engines", 3, 3)]
    assert graph_stands(profile)
    counts = CorpusStatistics.objects.values_list("profile_id", "chunk_count")
    assert dict(counts) == {live.pk: coverage.chunks, profile.pk: coverage.chunks}


@pytest.mark.django_db
def test_dimensions_are_measured_where_nobody_names_them(ada, embedder, other):
    assert run(begun()).dimensions == 384


@pytest.mark.django_db
@pytest.mark.parametrize("fail_after", [1, 2, 5])
def test_a_killed_worker_loses_nothing(ada, embedder, fail_after):
    indexed(ada, sentences(2500))
    expected = texts(index_profile_ensure())

    class Dying(FakeEmbedder):
        @override
        def embed(self, texts):
            if len(self.calls) == fail_after:
                raise Killed
            return super().embed(texts)

    with fake_embedder(Dying(), model=OTHER) as dying:
        profile = begun(dimensions=384)
        with suppress(Killed):
            run(profile)
    profile.refresh_from_db()
    assert (profile.state, bool(profile.lease_token)) == (State.BUILDING, True)
    before = set(Chunk.objects.filter(profile=profile, embedding__isnull=False).values_list("pk", flat=True))
    assert len(before) == fail_after * building.EMBED_BATCH
    assert 0 < coverage_of(profile).share < 1

    with fake_embedder(model=OTHER) as other:
        # The dead one's lease still runs.
        assert index_step(profile_id=profile.pk) is Step.DONE
        assert other.calls == []
        IndexProfile.objects.filter(pk=profile.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert run(profile).state == State.READY

    assert texts(profile) == expected
    seen = [text for call in dying.calls + other.calls for text in call]
    assert len(seen) == len(set(seen)) == len(expected)


@pytest.mark.django_db
def test_a_document_that_kills_every_worker_is_left_out(ada, embedder, other, monkeypatch):
    bad, good = indexed(ada, "Bad."), indexed(ada, "Good.")

    def deadly(*, version, **_):
        if version.pk == bad.pk:
            raise Killed
        return writing.chunks_write(version=version, **_)

    monkeypatch.setattr(building, "chunks_write", deadly)
    profile = begun()
    for _ in range(3):
        with pytest.raises(Killed):
            run(profile)
        IndexProfile.objects.update(lease_expires_at=None)

    assert run(profile).state == State.READY
    assert set(IndexedVersion.objects.filter(profile=profile).values_list("version_id", "state")) == {
        (bad.pk, "failed"), (good.pk, "done"),
    }  # fmt: skip
    coverage = coverage_of(profile)
    assert (coverage.failed, coverage.missing) == (1, 0)


@pytest.mark.django_db
def test_pausing_stops_after_the_passages_in_hand_and_resuming_goes_on(ada, embedder):
    indexed(ada, sentences(700))

    class Pausing(FakeEmbedder):
        @override
        def embed(self, texts):
            if len(self.calls) == 1:
                index_pause(actor=None, profile_id=profile.pk)
            return super().embed(texts)

    with fake_embedder(Pausing(), model=OTHER) as other:
        profile = begun(dimensions=384)
        assert run(profile).state == State.PAUSED
        assert len(other.calls) == 2
        assert index_step(profile_id=profile.pk) is Step.DONE
        assert len(other.calls) == 2
        index_resume(actor=None, profile_id=profile.pk)
        assert run(profile).state == State.READY


@pytest.mark.django_db
def test_a_build_keeps_to_its_rate(ada, embedder, other):
    indexed(ada, sentences(700))
    profile = begun(dimensions=384, chunks_per_minute=60)

    def embedded_after(**passed):
        IndexProfile.objects.filter(pk=profile.pk, paced_at__isnull=False).update(
            paced_at=IndexProfile.objects.get(pk=profile.pk).paced_at - timedelta(**passed) if passed else None
        )
        assert index_step(profile_id=profile.pk) is Step.LATER
        return Chunk.objects.filter(profile=profile, embedding__isnull=False).count()

    # A third of a minute's worth at first, then one a second.
    first = embedded_after()
    assert first == 20
    assert embedded_after(seconds=5) - first in {5, 6}


@pytest.mark.django_db
def test_a_build_gives_way_to_documents_that_wait(ada, embedder, other):
    indexed(ada, "Done.")
    waiting = parsed_version(ada, "Waits.")
    DocumentVersion.objects.filter(pk=waiting.pk).update(enqueued_at=timezone.now())
    profile = begun()

    assert live_is_waiting()
    assert index_step(profile_id=profile.pk) is Step.LATER
    assert not Chunk.objects.filter(profile=profile).exists()
    index(waiting)
    assert run(profile).state == State.READY
    assert texts(profile) == {"Done.", "Waits."}


@pytest.mark.django_db
def test_documents_that_come_later_go_into_ready_and_retired_ones(ada, embedder, other):
    first = indexed(ada, "First.")
    profile = run(begun())
    second = indexed(ada, "Second.")
    assert coverage_of(profile).missing == 1

    run(profile)
    assert (profile.state, texts(profile)) == (State.READY, {"First.", "Second."})

    IndexProfile.objects.filter(pk=profile.pk).update(state=State.RETIRED)
    index(parsed_version(ada, "Second, revised.", document=second.document))
    document_delete(actor=ada, document_id=first.document_id)
    run(profile)
    assert (profile.state, texts(profile)) == (State.RETIRED, {"Second, revised."})
    assert coverage_of(profile).versions == coverage_of(profile).done == 1


@pytest.mark.django_db
def test_finished_documents_wake_the_profiles_that_are_kept(
    ada, embedder, other, monkeypatch, django_capture_on_commit_callbacks
):
    indexed(ada, "First.")
    profile = run(begun())
    sent = []
    monkeypatch.setattr(tasks.index_step, "apply_async", lambda args, **options: sent.append((args, options["queue"])))

    indexed(ada, "Second.")

    assert sent == [((str(profile.pk),), "ingest")]


@pytest.mark.django_db
@pytest.mark.parametrize(("provider", "queue"), [("onnx", "ingest"), ("sentence_transformers", "gpu")])
def test_the_reconciler_brings_in_what_has_work(ada, embedder, other, monkeypatch, provider, queue):
    indexed(ada, "First.")
    sent = []
    monkeypatch.setattr(tasks.index_step, "apply_async", lambda args, **options: sent.append((args, options["queue"])))
    profile = begun(provider=provider)
    indexes_reconcile()
    indexes_reconcile()
    assert sent == [((str(profile.pk),), queue)]

    run(profile)
    IndexProfile.objects.update(enqueued_at=None)
    indexes_reconcile()
    assert len(sent) == 1


@pytest.mark.django_db
def test_an_embedder_that_is_away_is_waited_for_and_a_missing_one_fails_the_build(ada, embedder):
    indexed(ada, "First.")
    with fake_embedder(FakeEmbedder(error=ProviderError("model_unavailable")), model=OTHER):
        profile = run(begun(dimensions=384))
    assert profile.state == State.BUILDING
    assert "does not answer" in profile.error_detail
    with fake_embedder(FakeEmbedder(error=ProviderError("model_missing")), model=OTHER):
        assert run(profile).state == State.FAILED
    with fake_embedder(model=OTHER):
        index_resume(actor=None, profile_id=profile.pk)
        run(profile)
    assert (profile.state, profile.error_detail) == (State.READY, "")


@pytest.mark.django_db
def test_a_text_that_is_too_long_for_the_model_is_embedded_by_its_beginning(ada, embedder):
    indexed(ada, sentences(60))

    class Short(FakeEmbedder):
        @override
        def embed(self, texts):
            if any(len(text) > 500 for text in texts):
                raise ProviderError("context_too_long")
            return super().embed(texts)

    with fake_embedder(Short(), model=OTHER):
        profile = run(begun())
    assert profile.state == State.READY
    assert texts(profile) == texts(index_profile_ensure())


@pytest.mark.django_db
def test_what_a_remote_model_may_not_see_is_found_by_words_alone(ada, embedder, settings):
    """Public texts are sent, others only when an administrator trusts the model with them."""
    settings.GEMINI_API_KEY = "key"
    levels = Collection.Classification
    shelves = {level: collection_create(actor=ada, name=level, classification=level) for level in levels}
    for level, shelf in shelves.items():
        indexed(ada, f"The {level} turbine.", collection=shelf, filename=f"{level}.txt")
    indexed(ada, "A turbine of nobody.")

    with fake_embedder(model=OTHER) as remote:
        profile = run(begun(provider="gemini", dimensions=384))
        assert [text for call in remote.calls for text in call] == ["public\nThe public turbine."]
        coverage = coverage_of(profile)
        assert (profile.state, coverage.withheld, coverage.missing, coverage.embedded) == (State.READY, 3, 0, 1)

        row = ModelProfile.objects.get(endpoint="gemini", name=OTHER)
        assert (row.classification, row.is_local, row.abilities) == ("public", False, ["embed"])
        row.classification = "internal"
        row.save()
        assert coverage_of(profile).withheld == 3
        run(profile)
        assert texts(profile) == {"The public turbine.", "The internal turbine.", "A turbine of nobody."}
        assert coverage_of(profile).withheld == 1

        IndexProfile.objects.filter(state=State.LIVE).update(state=State.RETIRED)
        IndexProfile.objects.filter(pk=profile.pk).update(state=State.LIVE)
        indexed(ada, "A second confidential turbine.", collection=shelves["confidential"])
        words = search(user=ada, query=SearchQuery(text="confidential turbine", mode=SearchMode.HYBRID))
        assert "A second confidential turbine." in [passage.text for passage in words.passages]
        assert not any("confidential" in text for call in remote.calls[:-1] for text in call)
