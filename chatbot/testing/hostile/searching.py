"""The one search that no web process runs: workers look for passages. Django must be set up."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError

from apps.accounts.models import User
from apps.rag.search import search
from apps.rag.services import document_index_step
from apps.rag.testing import fake_embedder
from apps.rag.tests.factories import parsed_version
from apps.rag.types import SearchFilters, SearchMode, SearchQuery
from chatbot.testing.hostile.world import undone


@contextmanager
def passages_of(user: User) -> Iterator[None]:
    """An indexed document of the person's, so that searches have something to look in."""
    with fake_embedder():
        version = parsed_version(user, "The tide turns at noon.", filename="tides.txt")
        while document_index_step(version_id=version.pk):
            pass
        yield


def passages_flaws(user: User, text: str) -> list[str]:
    """What goes wrong in looking for the text, and in files whose names have it. What the API lets through only."""
    text = text.replace("\0", "").encode("utf-8", "ignore").decode()
    queries = (
        SearchQuery(text=text),
        SearchQuery(text="tide", mode=SearchMode.KEYWORD, filters=SearchFilters(filename=text, mime=text[:100])),
    )
    flaws = []
    for query in queries:
        try:
            with undone():
                search(user=user, query=query)
        except (DatabaseError, ValueError, TypeError, LookupError) as error:
            flaws.append(f"{type(error).__name__}: {error}"[:300])
    return flaws
