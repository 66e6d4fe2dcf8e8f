"""`manage.py index_build`, `index_switch`, `index_drop`, `index_status`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import Event
from apps.rag.models import IndexProfile
from apps.rag.selectors import profile_live
from apps.rag.services import index_profile_ensure
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import indexed, sentences
from apps.rag.tests.index_profiles import OTHER, run

State = IndexProfile.State


@pytest.fixture
def other():
    with fake_embedder(model=OTHER) as fake:
        yield fake


def said(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def named(name):
    return IndexProfile.objects.get(name=name)


@pytest.mark.django_db
def test_building_switching_rolling_back_and_dropping(ada, embedder, other):
    indexed(ada, sentences(60))
    old = index_profile_ensure()

    assert "building" in said("index_build", name="second", embedder=OTHER, dimensions=64, rate=6000)
    assert "paused" in said("index_build", "--pause", name="second")
    assert "building" in said("index_build", "--resume", name="second", rate=0)
    profile = named("second")
    assert (profile.dimensions, profile.chunks_per_minute, profile.created_by) == (64, None, None)
    run(profile)

    assert f"second ({profile.pk}) is live." in said("index_switch", "second")
    assert profile_live() == profile
    assert str(old.pk) in said("index_switch", "--back")
    assert profile_live() == old
    with pytest.raises(CommandError, match="live index cannot be dropped"):
        said("index_drop", str(old.pk))
    assert "second is gone." in said("index_drop", "second", "--now")
    assert list(IndexProfile.objects.all()) == [old]
    assert set(Event.objects.filter(actor_id=None).values_list("actor_label", flat=True)) >= {
        "index_build", "index_switch", "index_drop",
    }  # fmt: skip


@pytest.mark.django_db
def test_status_as_a_table_and_as_json(ada, embedder, other):
    indexed(ada, sentences(60))
    said("index_build", name="second", embedder=OTHER, document_prefix="passage: ")
    head, live, second = said("index_status").splitlines()
    assert head.split()[:3] == ["name", "state", "embedder"]
    assert live.split()[:2] == ["bge-small-en-v1.5", "live"]
    assert "1/1" in live
    assert "100 %" in live
    assert second.split()[:2] == ["second", "building"]
    assert "0/1" in second

    run(named("second"))
    facts = {row["name"]: row for row in json.loads(said("index_status", "--json"))}
    assert facts["second"]["coverage"]["done"] == facts["second"]["coverage"]["versions"] == 1
    assert facts["second"]["document_prefix"] == "passage: "
    assert facts["second"]["bytes"] > 0


@pytest.mark.django_db
def test_a_build_without_a_model_is_one_of_the_live_model(ada, embedder):
    index_profile_ensure()
    said("index_build", name="smaller", chunk_ideal=120)
    profile = named("smaller")
    assert (profile.embedder, profile.provider) == ("bge-small-en-v1.5", "onnx")
    assert profile.query_prefix.startswith("Represent this sentence")
    assert profile.chunking == {"minimum": 60, "ideal": 120, "maximum": 140}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("BAAI/bge-large-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("all-MiniLM-L6-v2", "", ""),
    ],
)
def test_prefixes_of_well_known_models_are_set(model, query, document):
    said("index_build", name="second", provider="sentence_transformers", embedder=model)
    assert (named("second").query_prefix, named("second").document_prefix) == (query, document)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"provider": "gemini", "embedder": "x"}, "not switched on"),
        ({"embedder": "x", "dimensions": 0}, "dimensions"),
        ({"embedder": "x", "rate": -1}, "chunks_per_minute"),
        ({"embedder": "x", "chunk_ideal": 5}, "chunk_ideal"),
        ({"embedder": "x", "chunk_ideal": 300, "chunk_minimum": 400}, "smallest size"),
        ({"embedder": "x", "name": " "}, "name"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(options, words):
    with pytest.raises(CommandError, match=words):
        said("index_build", **{"name": "second", **options})
    assert not IndexProfile.objects.exists()


@pytest.mark.django_db
def test_names_are_used_once_and_unknown_ones_refused():
    said("index_build", name="second", embedder="x")
    with pytest.raises(CommandError, match="has this name"):
        said("index_build", name="second", embedder="y")
    for command in (("index_switch", "third"), ("index_drop", "third")):
        with pytest.raises(CommandError, match="no index third"):
            said(*command)
    with pytest.raises(CommandError, match="not ready"):
        said("index_switch", "second")
    with pytest.raises(CommandError, match="no earlier index"):
        said("index_switch", "--back")
