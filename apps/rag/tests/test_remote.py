import asyncio
import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection
from typing_extensions import override

from apps.llm.exceptions import ProviderError
from apps.rag import remote, tasks
from apps.rag.remote import asearch_remote, query_read, query_write, search_remote
from apps.rag.search import search
from apps.rag.testing import FakeEmbedder, fake_embedder
from apps.rag.tests.factories import indexed
from apps.rag.types import SearchFilters, SearchMode, SearchQuery
from chatbot.lib.errors import NotFoundError, UnavailableError
from chatbot.lib.valkey import valkey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(monkeypatch):
    """A worker that takes each message at once, in a thread of its own, as JSON would carry it."""
    threads = []

    def send(args, **options):
        assert options["expires"] == remote.TIMEOUT_SECONDS
        thread = threading.Thread(target=work, args=args)
        threads.append(thread)
        thread.start()

    def work(*args):
        try:
            tasks.search_run(*args)
        except (ZeroDivisionError, AssertionError):
            pass
        finally:
            connection.close()

    monkeypatch.setattr(tasks.search_run, "apply_async", send)
    yield threads
    for thread in threads:
        thread.join()


def test_search_comes_back_as_it_was_found(ada, ben, embedder, worker):
    indexed(ada, {"text": "The turbine — “quoted”.", "page": 2, "heading_path": ["A", "B"]})
    query = SearchQuery(text="turbine", limit=5)

    result = search_remote(user=ada, query=query)

    assert result.passages == search(user=ada, query=query).passages
    assert result.took_ms > 0
    assert search_remote(user=ben, query=query).passages == ()


def test_event_loop_gets_the_same(ada, cleo, embedder, worker):
    indexed(ada, "turbine")

    async def ask(user):
        return await asearch_remote(user=user, query=SearchQuery(text="turbine"))

    assert [passage.text for passage in asyncio.run(ask(ada)).passages] == ["turbine"]
    assert asyncio.run(ask(cleo)).passages == ()


def test_worker_looks_at_the_user_afresh(ada, embedder, worker):
    indexed(ada, "turbine")
    ada.is_active = False
    ada.save()

    ada.is_active = True
    with pytest.raises(NotFoundError):
        search_remote(user=ada, query=SearchQuery(text="turbine"))


def test_errors_of_the_worker_come_back(ada, worker):
    with fake_embedder(FakeEmbedder(error=ProviderError("model_loading"))):
        indexed(ada, "turbine")
        with pytest.raises(UnavailableError, match="being loaded"):
            search_remote(user=ada, query=SearchQuery(text="turbine", mode=SearchMode.SEMANTIC))


def test_bug_in_the_worker_is_told_at_once(ada, worker):
    class Broken(FakeEmbedder):
        @override
        def embed(self, texts):
            raise ZeroDivisionError

    with fake_embedder():
        indexed(ada, "turbine")
    with fake_embedder(Broken()), pytest.raises(UnavailableError):
        search_remote(user=ada, query=SearchQuery(text="turbine"))


def test_nobody_answers(ada, monkeypatch):
    monkeypatch.setattr(tasks.search_run, "apply_async", lambda *_, **__: None)
    monkeypatch.setattr(remote, "TIMEOUT_SECONDS", 0.1)

    with pytest.raises(UnavailableError, match="in time"):
        search_remote(user=ada, query=SearchQuery(text="turbine"))
    with pytest.raises(UnavailableError, match="in time"):
        asyncio.run(asearch_remote(user=ada, query=SearchQuery(text="turbine")))


def test_answer_nobody_fetches_goes_away(ada, embedder):
    key = f"search:{uuid4()}"
    tasks.search_run(key, str(ada.pk), query_write(SearchQuery(text="turbine")))

    assert 0 < valkey().ttl(key) <= remote.ANSWER_TTL_SECONDS
    valkey().delete(key)


def test_query_survives_the_way():
    query = SearchQuery(
        text="turbine",
        limit=3,
        mode=SearchMode.KEYWORD,
        rerank=True,
        collection_ids=(uuid4(),),
        document_ids=(uuid4(), uuid4()),
        filters=SearchFilters(filename="a", mime="b", after=datetime(2025, 1, 1, tzinfo=UTC)),
    )

    assert query_read(query_write(query)) == query
