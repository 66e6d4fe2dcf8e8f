"""Switching, rolling back and dropping indexes, and that searches never notice."""

import threading
from datetime import timedelta
from time import monotonic

import pytest
from django.db import connection
from django.utils import timezone
from typing_extensions import override

from apps.audit.actions import INDEX_BUILD_STARTED, INDEX_CHANGED, INDEX_DROPPED, INDEX_SWITCHED
from apps.audit.models import Event
from apps.documents.collection_writing import collection_create
from apps.documents.models import DocumentVersion
from apps.rag.evaluation.comparison import QUESTIONS_MINIMUM
from apps.rag.exceptions import IndexStateError, SwitchBlockedError
from apps.rag.models import Chunk, CorpusStatistics, GoldenQuestion, IndexProfile, Lexeme
from apps.rag.profiles import dropping
from apps.rag.profiles.building import index_graph_step, index_step
from apps.rag.profiles.changing import index_pause, index_resume
from apps.rag.profiles.dropping import index_drop, index_drop_step
from apps.rag.profiles.graphs import graph_stands
from apps.rag.profiles.reconciling import chunk_counts_align, indexes_reconcile
from apps.rag.profiles.switching import (
    index_roll_back,
    index_switch,
    index_switch_ask,
    index_switch_force,
    index_switch_wanted,
)
from apps.rag.search import search
from apps.rag.selectors import profile_live
from apps.rag.services import index_profile_ensure
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import indexed, sentences
from apps.rag.tests.index_profiles import OTHER, begun, built, run
from apps.rag.types import SearchMode, SearchQuery
from chatbot.lib.errors import ForbiddenError, NotFoundError

State = IndexProfile.State


@pytest.fixture
def other():
    with fake_embedder(model=OTHER) as fake:
        yield fake


def found(user, text, mode=SearchMode.HYBRID):
    return [passage.text for passage in search(user=user, query=SearchQuery(text=text, mode=mode)).passages]


def states():
    return dict(IndexProfile.objects.values_list("pk", "state"))


@pytest.mark.django_db
@pytest.mark.parametrize("mode", [SearchMode.HYBRID, SearchMode.SEMANTIC, SearchMode.KEYWORD])
def test_searches_use_the_index_that_was_switched_to(ada, embedder, other, mode):
    indexed(ada, "The turbine.")
    old, new = index_profile_ensure(), built(dimensions=64, query_prefix="query: ")
    other.calls.clear()

    assert index_switch(actor=None, profile_id=new.pk).pk == new.pk

    assert states() == {old.pk: State.RETIRED, new.pk: State.LIVE}
    result = search(user=ada, query=SearchQuery(text="turbine", mode=mode))
    assert [passage.text for passage in result.passages] == ["The turbine."]
    assert Chunk.objects.get(pk=result.passages[0].chunk_id).profile == new
    assert other.calls == ([] if mode is SearchMode.KEYWORD else [["query: turbine"]])


@pytest.mark.django_db
def test_an_index_that_is_not_whole_is_not_switched_to_but_by_force(ada, root, embedder, other):
    indexed(ada, "First.")
    live, new = index_profile_ensure(), built()
    indexed(ada, "Second.")

    with pytest.raises(SwitchBlockedError) as caught:
        index_switch(actor=root, profile_id=new.pk)
    assert caught.value.reasons == ("1 document is not in it yet.",)
    with pytest.raises(SwitchBlockedError):
        index_switch_ask(actor=root, profile_id=new.pk)
    assert profile_live() == live

    index_switch_force(actor=root, profile_id=new.pk, reason="The old one is broken.")
    event = Event.objects.get(action=INDEX_SWITCHED)
    assert (event.actor_id, event.target_id) == (root.pk, str(new.pk))
    assert event.data == {
        "from": str(live.pk), "missing": 1, "roll_back": False, "forced": True, "reason": "The old one is broken.",
    }  # fmt: skip
    # What was missing is added by whoever is free.
    assert "Second." not in found(ada, "second")
    run(new)
    assert "Second." in found(ada, "second")


@pytest.mark.django_db
def test_a_build_that_was_switched_to_by_force_gets_its_graph(ada, root, embedder, other):
    indexed(ada, "First.")
    new = begun(dimensions=64)
    with pytest.raises(SwitchBlockedError, match="building, not ready"):
        index_switch(actor=root, profile_id=new.pk)
    index_switch_force(actor=root, profile_id=new.pk, reason="In a hurry.")
    assert not graph_stands(new)
    run(new)
    assert (new.state, graph_stands(new)) == (State.LIVE, True)
    assert found(ada, "first") == ["First."]


@pytest.mark.django_db
def test_an_index_that_answers_golden_questions_worse_is_not_switched_to(ada, root, embedder):
    shelf = collection_create(actor=ada, name="Judged")
    for number in range(QUESTIONS_MINIMUM + 5):
        name = f"{number}.txt"
        indexed(ada, f"Alpha{number} beta{number} gamma{number}.", collection=shelf, filename=name)
        GoldenQuestion.objects.create(
            workspace=shelf.workspace, collection=shelf, question=f"alpha{number}?", expected=[{"filename": name}],
            state=GoldenQuestion.State.APPROVED,
        )  # fmt: skip

    class Blind(FakeEmbedder):
        @override
        def embed(self, texts):
            return [[1.0, *[0.0] * 383] for _ in texts]

    live = index_profile_ensure()
    with fake_embedder(Blind(), model=OTHER):
        worse = built()
        Chunk.objects.filter(profile=worse).update(bm25=None)
        index_switch_ask(actor=root, profile_id=worse.pk)
        assert not index_switch_wanted(profile_id=worse.pk)
    worse.refresh_from_db()
    assert profile_live() == live
    assert (worse.state, worse.switch_wanted_at) == (State.READY, None)
    assert str(shelf.pk) in worse.switch_blocked


@pytest.mark.django_db
def test_a_switch_that_was_asked_for_survives_a_lost_message(ada, root, embedder, other, monkeypatch):
    indexed(ada, "First.")
    new = built()
    sent = []
    from apps.rag.profiles import tasks

    monkeypatch.setattr(tasks.index_switch_check, "apply_async", lambda args, **_: sent.append(args))
    index_switch_ask(actor=root, profile_id=new.pk)
    indexes_reconcile()
    assert sent == [(str(new.pk),)]

    tasks.index_switch_check(str(new.pk))
    tasks.index_switch_check(str(new.pk))

    assert profile_live() == new
    assert Event.objects.get(action=INDEX_SWITCHED).actor_id == root.pk


@pytest.mark.django_db
def test_rolling_back_is_one_step_and_says_what_is_missing(ada, root, embedder, other):
    indexed(ada, "First.")
    old, new = index_profile_ensure(), built()
    with pytest.raises(IndexStateError):
        index_roll_back(actor=root)
    index_switch(actor=root, profile_id=new.pk)
    indexed(ada, "Second.")

    assert index_roll_back(actor=root) == (old, 1)

    assert states() == {old.pk: State.LIVE, new.pk: State.RETIRED}
    assert found(ada, "first") == ["First."]
    run(old)
    assert set(found(ada, "second first")) == {"First.", "Second."}
    # And forth again.
    assert index_roll_back(actor=root) == (new, 0)


@pytest.mark.django_db
def test_versions_tell_the_passages_of_the_live_index(ada, embedder, other):
    version = indexed(ada, "First.")
    new = built()
    index_switch(actor=None, profile_id=new.pk)
    DocumentVersion.objects.update(chunk_count=7)
    assert chunk_counts_align() == 1
    version.refresh_from_db()
    assert version.chunk_count == 1
    assert chunk_counts_align() == 0


@pytest.mark.django_db
def test_dropping_leaves_nothing_and_touches_nothing_else(ada, root, embedder, other, monkeypatch):
    indexed(ada, sentences(200))
    live, new = index_profile_ensure(), built()
    kept = Chunk.objects.filter(profile=live).count()
    words = Lexeme.objects.filter(profile=live, document_frequency__gt=0).count()
    monkeypatch.setattr(dropping, "DELETE_BATCH", 3)
    monkeypatch.setattr(dropping, "SLICE_SECONDS", -1)

    index_drop(actor=root, profile_id=new.pk)
    # The name is free at once.
    assert begun(name="second").name == "second"
    steps = 0
    while index_drop_step(profile_id=new.pk):
        steps += 1

    assert steps > 1
    assert not IndexProfile.objects.filter(pk=new.pk).exists()
    assert not Chunk.objects.filter(profile=new).exists()
    assert not Lexeme.objects.filter(profile=new).exists()
    assert not CorpusStatistics.objects.filter(profile=new).exists()
    assert not graph_stands(new)
    assert Chunk.objects.filter(profile=live).count() == kept
    assert Lexeme.objects.filter(profile=live, document_frequency__gt=0).count() == words
    assert not index_drop_step(profile_id=new.pk)
    assert Event.objects.get(action=INDEX_DROPPED).data == {"chunks": kept}


@pytest.mark.django_db
def test_the_live_index_is_never_dropped(ada, root, embedder):
    indexed(ada, "First.")
    with pytest.raises(IndexStateError):
        index_drop(actor=root, profile_id=index_profile_ensure().pk)
    assert found(ada, "first") == ["First."]


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["ada", "admin_anna"])
def test_only_super_admins_may(request, embedder, other, person):
    actor = request.getfixturevalue(person)
    profile = built()
    for act in (index_pause, index_resume, index_switch, index_switch_ask, index_drop):
        with pytest.raises((ForbiddenError, NotFoundError)):
            act(actor=actor, profile_id=profile.pk)
    assert states() == {profile.pk: State.READY}


@pytest.mark.django_db
def test_what_is_done_stands_in_the_log(root, embedder, other):
    from apps.rag.profiles.changing import BuildWish, index_build

    profile = index_build(actor=root, wish=BuildWish(name="second", embedder=OTHER))
    index_pause(actor=root, profile_id=profile.pk)
    index_resume(actor=None, actor_label="index_build", profile_id=profile.pk)
    events = Event.objects.filter(target_id=str(profile.pk)).order_by("created_at")
    assert [(event.action, event.actor_id, event.data.get("change")) for event in events] == [
        (INDEX_BUILD_STARTED, root.pk, None),
        (INDEX_CHANGED, root.pk, "pause"),
        (INDEX_CHANGED, None, "resume"),
    ]
    assert events.last().actor_label == "index_build"


@pytest.mark.django_db
def test_a_search_whose_index_is_dropped_under_it_finds_all_in_the_next(ada, embedder, other):
    for number in range(3):
        indexed(ada, f"The turbine number {number}.", filename=f"{number}.txt")
    old, new = index_profile_ensure(), built(dimensions=64)

    def dropping(execute, sql, params, many, context):
        """Between a search's choice of the old index and its first look into it."""
        if "rag_lexeme" in sql and profile_live() == old:
            index_switch(actor=None, profile_id=new.pk)
            index_drop(actor=None, profile_id=old.pk)
            while index_drop_step(profile_id=old.pk):
                pass
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dropping):
        result = search(user=ada, query=SearchQuery(text="turbine"))
    assert not IndexProfile.objects.filter(pk=old.pk).exists()
    assert (result.profile_id, len(result.passages)) == (new.pk, 3)


class Askers:
    """Two threads that search all the time, in every mode. `counts`: how much each found; `troubles`: what failed."""

    def __init__(self, user):
        self.user = user
        self.counts, self.troubles = [], []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        try:
            while not self._stop.is_set():
                for mode in SearchMode:
                    self.counts.append(len(found(self.user, "turbine", mode)))
        except BaseException as error:
            self.troubles.append(error)
            raise
        finally:
            connection.close()

    def wait(self):
        """Until each has searched in every mode anew."""
        enough, deadline = len(self.counts) + 6, monotonic() + 30
        while len(self.counts) < enough:
            assert not self.troubles
            assert monotonic() < deadline


@pytest.mark.django_db(transaction=True)
def test_searches_answer_during_the_build_the_switch_the_way_back_and_the_drop(ada, root, embedder, other):
    """None fails, none is empty."""
    for number in range(6):
        indexed(ada, f"The turbine number {number}.", sentences(300), filename=f"{number}.txt")
    old = index_profile_ensure()
    with Askers(ada) as askers:
        new = begun(dimensions=64)
        assert run(new).state == State.READY
        for _ in range(3):
            index_switch(actor=root, profile_id=new.pk)
            askers.wait()
            index_roll_back(actor=root)
            askers.wait()
        index_switch(actor=root, profile_id=new.pk)
        index_drop(actor=root, profile_id=old.pk)
        while index_drop_step(profile_id=old.pk):
            pass
        askers.wait()
    assert min(askers.counts) >= 5
    assert not Chunk.objects.filter(profile=old).exists()


@pytest.mark.django_db(transaction=True)
def test_a_graph_that_a_killed_worker_left_half_built_is_built_anew(ada, embedder, other):
    indexed(ada, "First.")
    new = begun(dimensions=64)
    index_step(profile_id=new.pk)
    name = f"chunk_nearest_{new.pk.hex}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX {name} ON rag_chunk USING hnsw ((embedding::halfvec(64)) halfvec_cosine_ops)"
            f" WHERE profile_id = '{new.pk}'"
        )
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [name])
    assert not graph_stands(new)
    assert index_graph_step(profile_id=new.pk)
    assert graph_stands(new)
    new.refresh_from_db()
    assert new.state == State.READY


@pytest.mark.django_db(transaction=True)
def test_the_graph_is_built_by_the_tables_owner_under_the_applications_role(ada, embedder, other):
    """That role may not make indexes; and it comes back afterwards, also when building fails."""
    indexed(ada, "First.")
    new = begun(dimensions=64)
    index_step(profile_id=new.pk)
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE index_test NOLOGIN")
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO index_test")
        cursor.execute("SET ROLE index_test")
        try:
            assert index_graph_step(profile_id=new.pk)
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("index_test",)
        finally:
            cursor.execute("SET ROLE NONE")
            cursor.execute("DROP OWNED BY index_test")
            cursor.execute("DROP ROLE index_test")
    assert graph_stands(new)


@pytest.mark.django_db
def test_leases_of_dead_workers_run_out_in_the_reconciler_too(ada, embedder, other, monkeypatch):
    from apps.rag.profiles import tasks

    indexed(ada, "First.")
    new = begun()
    sent = []
    monkeypatch.setattr(tasks.index_step, "apply_async", lambda args, **_: sent.append(args))
    soon, past = (timezone.now() + timedelta(seconds=sign) for sign in (60, -1))
    IndexProfile.objects.filter(pk=new.pk).update(lease_token=new.pk, lease_expires_at=soon)
    indexes_reconcile()
    assert sent == []
    IndexProfile.objects.filter(pk=new.pk).update(lease_expires_at=past)
    indexes_reconcile()
    assert sent == [(str(new.pk),)]
