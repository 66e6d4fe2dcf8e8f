import logging
import random
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Group, Membership
from apps.documents.collection_writing import collection_share, collection_unshare
from apps.documents.models import Collection, Document, DocumentVersion
from apps.llm.exceptions import ProviderError
from apps.rag import dense, scope
from apps.rag.dense import hnsw_index_create, hnsw_index_drop
from apps.rag.models import Chunk
from apps.rag.search import search
from apps.rag.services import index_profile_ensure
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import indexed, parsed_version, sentences
from apps.rag.types import SearchFilters, SearchMode, SearchQuery

MODES = list(SearchMode)
pytestmark = pytest.mark.django_db


def texts(user, text: str = "turbine", **query) -> list[str]:
    return [passage.text for passage in search(user=user, query=SearchQuery(text=text, **query)).passages]


@pytest.fixture(params=["exact", "graph", "rules"])
def leg(request, monkeypatch):
    """All ways of the legs: few passages, more of them in versions that can be named, and more versions than that."""
    if request.param != "exact":
        monkeypatch.setattr(dense, "EXACT_CHUNKS", dict.fromkeys(dense.EXACT_CHUNKS, -1))
    if request.param == "rules":
        monkeypatch.setattr(scope, "NAMED_VERSIONS", 0)


@pytest.fixture
def shelf(workspace, ada) -> Collection:
    return Collection.objects.create(workspace=workspace, owner=ada, name="Shelf", visibility="workspace")


@pytest.mark.parametrize("mode", MODES)
def test_everyone_finds_what_they_may_see(ada, ben, cleo, vera, workspace, shelf, embedder, leg, mode):
    drawer = Collection.objects.create(workspace=workspace, owner=ada, name="Drawer", visibility="private")
    indexed(ada, "ada's turbine")
    indexed(ada, "ada's turbine in a drawer", collection=drawer)
    indexed(ben, "ben's turbine")
    indexed(ada, "everyone's turbine", collection=shelf)
    indexed(None, "nobody's turbine", workspace=workspace)
    indexed(cleo, "cleo's turbine")

    assert set(texts(ada, mode=mode)) == {"ada's turbine", "ada's turbine in a drawer", "everyone's turbine"}
    assert set(texts(ben, mode=mode)) == {"ben's turbine", "everyone's turbine"}
    assert set(texts(vera, mode=mode)) == {"everyone's turbine"}
    assert set(texts(cleo, mode=mode)) == {"cleo's turbine"}
    Membership.objects.filter(user=ada).delete()
    assert texts(ada, mode=mode) == []


@pytest.mark.parametrize("mode", MODES)
def test_naming_a_strangers_document_or_collection_opens_nothing(ada, cleo, shelf, embedder, leg, mode):
    version = indexed(ada, "ada's turbine", collection=shelf)

    assert texts(ada, mode=mode, document_ids=[version.document_id], collection_ids=[shelf.pk])
    assert texts(cleo, mode=mode, document_ids=[version.document_id]) == []
    assert texts(cleo, mode=mode, collection_ids=[shelf.pk]) == []


@pytest.mark.parametrize("mode", MODES)
def test_no_foreign_passage_ever_appears(ada, ben, cleo, vera, workspace, other_workspace, embedder, leg, mode):
    """Random owners, shelves, states and questions: what comes is always within what the person may see."""
    randomness = random.Random(f"{mode}")
    people = [ada, ben, cleo, vera]
    shelves = [
        Collection.objects.create(workspace=place, owner=owner, name="s", visibility=visibility)
        for place, owner in [(workspace, ada), (workspace, ben), (other_workspace, cleo)]
        for visibility in ("private", "workspace")
    ]
    words = ["turbine", "wing", "heat", "report", "cost"]
    for _ in range(40):
        collection = randomness.choice([None, *shelves])
        place = collection.workspace if collection else randomness.choice([workspace, other_workspace])
        owner = randomness.choice([person for person in people if place in person.workspaces.all()] + [None])
        version = indexed(
            owner, " ".join(randomness.choices(words, k=6)), workspace=place, collection=collection, filename="x.txt"
        )
        if randomness.random() < 0.2:
            version.state = randomness.choice(["failed", "cancelled"])
            version.save()
    for person in people:
        mine = {
            document.pk
            for document in Document.objects.select_related("collection")
            if Membership.objects.filter(user=person, workspace=document.workspace_id).exists()
            and (
                document.owner_id == person.pk
                or (
                    document.collection is not None
                    and (document.collection.visibility == "workspace" or document.collection.owner_id == person.pk)
                )
            )
            and document.versions.get().state == "indexed"
        }
        for _ in range(6):
            query = SearchQuery(text=" ".join(randomness.choices(words, k=2)), mode=mode, limit=50)
            found = {passage.document_id for passage in search(user=person, query=query).passages}
            assert found <= mine
            if mode is not SearchMode.KEYWORD:
                assert found == mine


@pytest.mark.parametrize("mode", MODES)
def test_filters(ada, workspace, shelf, embedder, leg, mode):
    now = timezone.now()
    report = indexed(ada, "turbine one", filename="Report 100%.pdf", mime="application/pdf", collection=shelf)
    notes = indexed(ada, "turbine two", filename="notes.txt")
    Document.objects.filter(pk=report.document_id).update(created_at=now - timedelta(days=9))

    def with_filters(**filters) -> list[str]:
        return texts(ada, mode=mode, filters=SearchFilters(**filters))

    assert len(texts(ada, mode=mode)) == 2
    assert with_filters(filename="REPORT") == ["turbine one"]
    assert with_filters(filename="100%") == ["turbine one"]
    assert with_filters(filename="%") == ["turbine one"]
    assert with_filters(filename="\x00notes") == ["turbine two"]
    assert with_filters(mime="application/") == ["turbine one"]
    assert with_filters(after=now - timedelta(days=1)) == ["turbine two"]
    assert with_filters(before=now - timedelta(days=1)) == ["turbine one"]
    assert texts(ada, mode=mode, collection_ids=[shelf.pk]) == ["turbine one"]
    assert texts(ada, mode=mode, document_ids=[notes.document_id]) == ["turbine two"]
    assert texts(ada, mode=mode, document_ids=[uuid4()]) == []


@pytest.mark.parametrize("mode", MODES)
def test_tags_must_all_be_there(ada, embedder, leg, mode):
    both, one = indexed(ada, "turbine one", filename="1.txt"), indexed(ada, "turbine two", filename="2.txt")
    indexed(ada, "turbine three", filename="3.txt")
    Document.objects.filter(pk=both.document_id).update(tags=["board", "2024"])
    Document.objects.filter(pk=one.document_id).update(tags=["board"])

    def tagged(*tags: str) -> set[str]:
        return set(texts(ada, mode=mode, filters=SearchFilters(tags=tags)))

    assert tagged("board") == tagged("Board") == {"turbine one", "turbine two"}
    assert tagged("board", "2024") == {"turbine one"}
    assert tagged("nothing") == tagged("board", "\x00nothing") == set()
    assert len(tagged()) == 3


@pytest.mark.parametrize("mode", MODES)
def test_phrases_stand_in_every_passage_that_is_found(ada, ben, embedder, leg, mode):
    passages = {
        "split": "The turbine has a Heat\n  Exchanger (type K-7) at 100 % load.",
        "apart": "The turbine has an exchanger of heat, not a heat pump, at 100 load.",
        "german": "Die Turbine wird mit dem Heat Exchanger geliefert, und der ist nicht neu.",
        "other": "The turbine and nothing else.",
    }
    for name, text in passages.items():
        indexed(ada, text, filename=f"{name}.txt")
    indexed(ben, passages["split"], filename="ben.txt")

    def names(*phrases: str) -> set[str]:
        query = SearchQuery(text="turbine", mode=mode, filters=SearchFilters(phrases=phrases))
        return {passage.filename.removesuffix(".txt") for passage in search(user=ada, query=query).passages}

    assert names("heat exchanger") == names("HEAT  exchanger") == {"split", "german"}
    assert names("heat exchanger", "type k-7") == {"split"}
    assert names("100 %") == {"split"}
    assert names("it is not", "is not") == set()
    assert names("wird mit dem") == {"german"}
    assert names("heat pump\x00") == {"apart"}
    assert names("100 _") == names("exchanger heat") == names("'; --") == set()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_asked_or_nothing_there(ada, embedder, mode):
    assert texts(ada, mode=mode) == []
    indexed(ada, "turbine")
    assert texts(ada, "", mode=mode) == []
    assert texts(ada, " \x00 ", mode=mode) == []
    assert texts(ada, mode=mode, limit=0) == []
    assert texts(ada, "tur\x00bine turbine", mode=mode) == ["turbine"]


@pytest.mark.parametrize("text", ["'; DROP TABLE rag_chunk; --", "%s %(x)s {scope} {0}", "a'b\\c | & ! :*", "🚀 漢字"])
@pytest.mark.parametrize("mode", MODES)
def test_questions_are_no_code(ada, embedder, leg, text, mode):
    indexed(ada, f"turbine {text}", filename="%s {scope}.txt")

    assert texts(ada, f"turbine {text}", mode=mode) == [f"turbine {text}"]


def test_passage_tells_where_it_stands(ada, embedder):
    version = indexed(
        ada, {"text": "The turbine.", "page": 4, "heading_path": ["Part", "One"]}, filename="Report 1.pdf"
    )

    [passage] = search(user=ada, query=SearchQuery(text="turbine")).passages
    assert (passage.filename, passage.page, passage.page_last, passage.heading_path, passage.text) == (
        "Report 1.pdf", 4, 4, ("Part", "One"), "The turbine."
    )  # fmt: skip
    assert (passage.document_id, passage.version_id) == (version.document_id, version.pk)
    assert isinstance(passage.chunk_id, UUID)
    assert passage.bm25
    assert passage.dense
    assert passage.rerank is None


def test_scores_say_which_leg_found_it(ada, embedder):
    indexed(ada, "turbine wing")
    indexed(ada, "heat")

    query = SearchQuery(text="turbine")
    hybrid = search(user=ada, query=query).passages
    assert [passage.text for passage in hybrid] == ["turbine wing", "heat"]
    assert hybrid[0].score > hybrid[1].score
    assert hybrid[1].bm25 == 0
    [keyword] = search(user=ada, query=SearchQuery(text="turbine", mode=SearchMode.KEYWORD)).passages
    assert (keyword.dense, keyword.score) == (None, keyword.bm25)
    semantic = search(user=ada, query=SearchQuery(text="turbine", mode=SearchMode.SEMANTIC)).passages
    assert [passage.bm25 for passage in semantic] == [None, None]
    assert semantic[0].score == semantic[0].dense == pytest.approx(hybrid[0].dense)


def test_words_are_found_by_stem_and_in_file_names(ada, embedder):
    indexed(ada, "They ran the engines.", filename="AMCOR_2022_10K.pdf")
    indexed(ada, "Nothing else.")

    for text in ("engine", "amcor", "running engines 2022", "path/amcor"):
        assert texts(ada, text, mode=SearchMode.KEYWORD) == ["They ran the engines."]


def test_limit_and_order(ada, embedder):
    for number in range(8):
        indexed(ada, " ".join(["turbine"] * (number + 1) + ["other"] * (8 - number)))

    for mode in MODES:
        found = search(user=ada, query=SearchQuery(text="turbine", limit=3, mode=mode)).passages
        assert len(found) == 3
        assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
        assert found[0].text.startswith("turbine " * 8)


def test_without_embedder_hybrid_is_keyword_and_says_so(ada, caplog):
    with fake_embedder():
        indexed(ada, "turbine wing")
        indexed(ada, "heat")
    with fake_embedder(FakeEmbedder(error=ProviderError("model_unavailable"))), caplog.at_level(logging.WARNING):
        [passage] = search(user=ada, query=SearchQuery(text="turbine")).passages
        assert (passage.text, passage.dense) == ("turbine wing", None)
        assert "keywords only" in caplog.text
        assert "turbine" not in caplog.text
        with pytest.raises(ProviderError):
            search(user=ada, query=SearchQuery(text="turbine", mode=SearchMode.SEMANTIC))


def test_passages_without_vector_are_found_by_their_words(ada, embedder):
    indexed(ada, "heat")
    indexed(ada, "turbine")
    Chunk.objects.filter(text="turbine").update(embedding=None)

    assert texts(ada)[0] in {"turbine", "heat"}
    assert set(texts(ada)) == {"turbine", "heat"}
    assert texts(ada, mode=SearchMode.SEMANTIC) == ["heat"]


@pytest.mark.parametrize("state", ["uploaded", "failed", "cancelled"])
def test_versions_in_other_states_are_not_searched(ada, embedder, leg, state):
    version = indexed(ada, "turbine")
    DocumentVersion.objects.filter(pk=version.pk).update(state=state)

    assert all(texts(ada, mode=mode) == [] for mode in MODES)


def test_member_of_two_workspaces_searches_both(ada, cleo, other_workspace, embedder, leg):
    Membership.objects.create(user=ada, workspace=other_workspace)
    indexed(ada, "turbine here")
    indexed(ada, "turbine there", workspace=other_workspace)
    indexed(cleo, "turbine elsewhere")

    for mode in MODES:
        assert set(texts(ada, mode=mode)) == {"turbine here", "turbine there"}


@pytest.mark.parametrize("vector_type", ["vector", "halfvec"])
def test_graph_of_the_profile_serves_the_dense_leg(ada, embedder, leg, vector_type):
    """The statement and the partial index fit each other; on a few rows the planner has to be urged."""
    profile = index_profile_ensure()
    hnsw_index_drop(profile=profile)
    profile.vector_type = vector_type
    profile.save()
    hnsw_index_create(profile=profile)
    indexed(ada, "turbine")
    plans = []

    def explain(execute, sql, params, many, context):
        if "<=>" in sql and "SET LOCAL" not in sql:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
                execute(f"EXPLAIN {sql}", params, many, context)
                plans.append("\n".join(row[0] for row in context["cursor"].fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert texts(ada, mode=SearchMode.SEMANTIC) == ["turbine"]
    [plan] = plans
    assert ("Index Scan using chunk_nearest_" in plan) == (dense.EXACT_CHUNKS[vector_type] < 0)


def test_number_of_queries_is_bounded(ada, embedder, django_assert_max_num_queries):
    for number in range(12):
        indexed(ada, f"turbine {number} {sentences(number)}")
    parsed_version(ada, "not yet")

    with django_assert_max_num_queries(13):
        assert len(texts(ada)) == 10


@pytest.mark.parametrize("mode", MODES)
def test_a_granted_collection_is_searched_until_it_is_taken_back(ada, ben, vera, cleo, workspace, embedder, leg, mode):
    drawer = Collection.objects.create(workspace=workspace, owner=ada, name="Drawer")
    team = Group.objects.create(name="team", workspace=workspace, title="Team")
    team.user_set.add(vera)
    indexed(ada, "ada's turbine")
    indexed(ada, "ada's turbine in a drawer", collection=drawer)
    collection_share(actor=ada, collection_id=drawer.pk, grantee_id=ben.pk)
    collection_share(actor=ada, collection_id=drawer.pk, grantee_id=team.key)

    for reader in (ben, vera):
        assert texts(reader, mode=mode) == ["ada's turbine in a drawer"]
    assert texts(cleo, mode=mode) == []
    collection_unshare(actor=ada, collection_id=drawer.pk, grantee_id=ben.pk)
    team.user_set.remove(vera)
    for reader in (ben, vera):
        assert texts(reader, mode=mode) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_search_stays_in_the_workspace_it_names(ada, cleo, workspace, other_workspace, embedder, leg, mode):
    Membership.objects.create(user=ada, workspace=other_workspace)
    indexed(ada, "turbine here", workspace=workspace)
    indexed(ada, "turbine there", workspace=other_workspace)

    assert texts(ada, mode=mode, workspace_id=workspace.pk) == ["turbine here"]
    assert texts(ada, mode=mode, workspace_id=other_workspace.pk) == ["turbine there"]
    assert texts(cleo, mode=mode, workspace_id=workspace.pk) == []


def test_a_key_searches_its_workspace_only(ada, workspace, other_workspace, embedder, leg):
    Membership.objects.create(user=ada, workspace=other_workspace)
    indexed(ada, "turbine here", workspace=workspace)
    indexed(ada, "turbine there", workspace=other_workspace)
    ada.api_key = SimpleNamespace(workspace_id=other_workspace.pk)

    for mode in MODES:
        assert texts(ada, mode=mode) == ["turbine there"]
        assert texts(ada, mode=mode, workspace_id=workspace.pk) == []
