"""Models beside the database: what is computed comes, and what it cost is written down, whatever else happens."""

import threading
from functools import partial

import pytest

from apps.llm import registry
from apps.llm.beside import computed_beside
from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference
from apps.llm.services import texts_embed

embed = partial(texts_embed, texts=["turbine"], model="small", purpose="embed")


class Embedder:
    """`error` is raised instead of an answer."""

    error = None

    def embed(self, texts):
        if self.error:
            raise self.error
        return [[1.0] for _ in texts]


@pytest.fixture(autouse=True)
def embedder():
    fake = Embedder()
    registry.embedder_add("small", fake)
    yield fake
    registry.embedder_remove("small")


def written():
    return list(Inference.objects.values_list("model_name", "state"))


@pytest.mark.django_db
def test_the_block_goes_on_meanwhile_and_the_call_is_written_after_it():
    go = threading.Event()

    def waiting():
        assert go.wait(30)
        return embed()

    with computed_beside(waiting) as vectors:
        assert written() == []
        go.set()
        assert vectors() == [[1.0]]
    assert written() == [("small", Inference.State.OK)]


@pytest.mark.django_db
def test_its_error_comes_where_the_result_is_asked_for(embedder):
    embedder.error = ProviderError("model_unavailable")
    with pytest.raises(ProviderError), computed_beside(embed) as vectors:
        vectors()
    assert written() == [("small", Inference.State.FAILED)]


@pytest.mark.django_db
def test_a_call_is_written_also_where_nobody_asked_for_its_result():
    with pytest.raises(LookupError), computed_beside(embed):
        raise LookupError
    assert written() == [("small", Inference.State.OK)]
