"""Two people with disjoint grants: over random worlds neither ever gets a trace of the other's passages."""

import asyncio
import json
import random
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient

from apps.rag import dense, scope, tasks
from apps.rag.models import Chunk
from apps.rag.remote import search_remote
from apps.rag.search import search
from apps.rag.selectors import chunks_visible_to, passages_of
from apps.rag.testing import fake_reranker
from apps.rag.tests.factories import at_once, indexed
from apps.rag.types import Passage, SearchFilters, SearchMode, SearchQuery, SearchResult
from chatbot.lib.valkey import valkey_async_close
from chatbot.testing.grants import WORDS, World, world_make

SEEDS = range(5)
# Of the kinds of queries, for each person of a world.
ASKED = 8


@pytest.fixture(params=["exact", "graph", "rules"])
def leg(request, monkeypatch):
    """As in test_search: all ways of the legs."""
    if request.param != "exact":
        monkeypatch.setattr(dense, "EXACT_CHUNKS", dict.fromkeys(dense.EXACT_CHUNKS, -1))
    if request.param == "rules":
        monkeypatch.setattr(scope, "NAMED_VERSIONS", 0)


@pytest.fixture(params=SEEDS)
def world(request, ada, ben, workspace, embedder) -> World:
    return world_make(seed=request.param, people=(ada, ben), workspace=workspace, document_make=indexed)


def passages_in(result: SearchResult) -> list[Passage]:
    return [*result.passages, *(passage for leg in result.legs for passage in leg.passages)]


def queries(world: World, person, chooser: random.Random) -> list[SearchQuery]:
    """Of all kinds; some ask for the other's secret, name the other's documents or quote them."""
    foreign = world.secrets[world.other(person).pk]
    theirs = sorted(world.documents[world.other(person).pk])
    found = []
    for mode in SearchMode:
        for rerank in (False, True):
            found += [
                SearchQuery(text=" ".join(chooser.choices(WORDS, k=3)), mode=mode, rerank=rerank, limit=50),
                SearchQuery(text=f"{foreign} {chooser.choice(WORDS)}", mode=mode, rerank=rerank, limit=50),
                SearchQuery(text="turbine", mode=mode, rerank=rerank, document_ids=theirs),
                SearchQuery(text="turbine", mode=mode, filters=SearchFilters(phrases=(foreign,)), rerank=rerank),
                SearchQuery(text="cost", mode=mode, filters=SearchFilters(filename=foreign), rerank=rerank),
                SearchQuery(text="cost", mode=mode, formulations=(foreign, "salary offer"), rerank=rerank),
            ]
    return found


@pytest.mark.django_db
def test_no_leg_shows_a_trace_of_the_other(world, leg):
    chooser = random.Random(min(world.secrets.values()))
    for person in world.people:
        mine, foreign = world.documents[person.pk], world.secrets[world.other(person).pk]
        is_found = False
        for query in chooser.sample(queries(world, person, chooser), ASKED):
            with fake_reranker():
                result = search(user=person, query=replace(query, is_traced=chooser.random() < 0.7))
            passages = passages_in(result)
            assert {passage.document_id for passage in passages} <= mine
            assert foreign not in repr(result)
            assert "nobodys" not in repr(result)
            is_found |= bool(passages)
        assert is_found or not mine


@pytest.mark.django_db
def test_what_is_not_there_takes_no_part_in_the_scores(ada, ben, workspace, embedder, leg):
    """The same passages come in the same order, whatever the other person adds to what nobody else may see."""
    world = world_make(seed=99, people=(ada, ben), workspace=workspace, document_make=indexed, count=10)
    query = SearchQuery(text="turbine pump", mode=SearchMode.SEMANTIC, limit=50)
    before = [(passage.chunk_id, passage.dense) for passage in search(user=ada, query=query).passages]
    for number in range(6):
        indexed(ben, f"turbine pump {number}", filename=f"{world.secrets[ben.pk]} more {number}.txt")

    assert [(passage.chunk_id, passage.dense) for passage in search(user=ada, query=query).passages] == before


@pytest.mark.django_db
def test_selectors_by_key_open_nothing(world):
    everything = list(Chunk.objects.values_list("pk", flat=True))
    for person in world.people:
        visible = passages_of(user=person, chunk_ids=everything)
        assert {passage.document_id for passage in visible.values()} == world.documents[person.pk]
        assert set(chunks_visible_to(user=person).values_list("pk", flat=True)) == set(visible)


@pytest.mark.django_db(transaction=True)
def test_the_api_and_the_answers_of_workers_show_nothing(world, monkeypatch):
    """A worker takes each message at once, as JSON would carry it, and its answer travels over Valkey as always."""

    def send(args, **options):
        at_once(partial(tasks.search_run, *json.loads(json.dumps(args))))

    monkeypatch.setattr(tasks.search_run, "apply_async", send)
    for person in world.people:
        foreign, mine = world.secrets[world.other(person).pk], world.documents[person.pk]
        for text in ("turbine cost", foreign):
            found = asyncio.run(found_by_api(person, text))
            assert foreign not in json.dumps(found)
            assert {passage["document_id"] for passage in found} <= set(map(str, mine))
            result = search_remote(user=person, query=SearchQuery(text=text, limit=50, is_traced=True))
            assert foreign not in repr(result)
            assert {passage.document_id for passage in passages_in(result)} <= mine


async def found_by_api(person, text: str) -> list[dict[str, Any]]:
    """Asked twice: what was kept of an answer must not come back to somebody else."""
    client = AsyncClient()
    await client.aforce_login(person, backend="django.contrib.auth.backends.ModelBackend")
    items = []
    try:
        for _ in range(2):
            body = json.dumps({"query": text, "limit": 50})
            answer = await client.post("/api/v1/documents/search", body, content_type="application/json")
            assert answer.status_code == 200
            items += answer.json()["items"]
    finally:
        await valkey_async_close()
        await sync_to_async(connections.close_all)()
    return items
