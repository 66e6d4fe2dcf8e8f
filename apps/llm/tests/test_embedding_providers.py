"""One contract for all that embed over HTTP, against a server that speaks each one's format."""

import math
import socket
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from apps.llm import registry
from apps.llm.exceptions import ProviderError
from apps.llm.models import Inference, ModelProfile
from apps.llm.providers.gemini_embeddings import GeminiEmbedder
from apps.llm.providers.ollama import OllamaEmbedder
from apps.llm.providers.openai_embeddings import OpenAIEmbedder
from apps.llm.selectors import classifications_open_to
from apps.llm.services import embedding_model_ensure, texts_embed
from apps.llm.testing import Reply
from apps.llm.testing_embeddings import DIMENSIONS, fake_vector
from apps.llm.vectors import vectors_fit

MODEL = "fake-embed"
MAKERS: dict[str, Any] = {
    "openai": lambda url, **options: OpenAIEmbedder(url=f"{url}/v1", api_key="key", model=MODEL, **options),
    "ollama": lambda url, **options: OllamaEmbedder(url=url, model=MODEL, **options),
    "gemini": lambda url, **options: GeminiEmbedder(api_key="key", url=url, model=MODEL, **options),
}
TEXTS = ["One.", "Two, naïve 日本 \U0001f600", "", "Three."]


@pytest.fixture
def making():
    """Makes embedders and closes them."""
    with ExitStack() as stack:

        def make(name, url, **options):
            embedder = MAKERS[name](url, **options)
            stack.callback(embedder.close)
            return embedder

        yield make


@pytest.fixture(params=MAKERS)
def make(request, making):
    return partial(making, request.param)


@pytest.fixture
def through_registry(settings, model_server):
    """All endpoints are on and at the fake server; what the registry made for them is closed."""
    settings.MODEL_SERVER_URL = settings.OPENAI_URL = settings.OLLAMA_URL = settings.GEMINI_URL = model_server.url
    settings.GEMINI_API_KEY = "key"
    yield
    for provider in ("embedded", "ollama", "openai", "gemini"):
        for dimensions in (None, 4):
            embedder: Any = registry.embedder(MODEL, provider=provider, dimensions=dimensions)
            embedder.close()


@pytest.fixture
def embedder(make, model_server):
    return make(model_server.url)


def unit(vector):
    norm = math.sqrt(sum(value * value for value in vector))
    return pytest.approx([value / norm for value in vector], abs=1e-6)


def test_one_unit_vector_per_text_in_order(embedder):
    assert embedder.embed(TEXTS) == [unit(fake_vector(text)) for text in TEXTS]


def test_vectors_are_cut_and_stay_of_length_one(make, model_server):
    assert make(model_server.url, dimensions=3).embed(TEXTS) == [unit(fake_vector(text)[:3]) for text in TEXTS]


def test_nothing_gives_nothing_and_asks_nobody(embedder, model_server):
    assert embedder.embed([]) == []
    assert model_server.requests == []


def test_many_texts_go_in_several_requests(embedder):
    texts = [f"Text {number}" for number in range(230)]
    assert embedder.embed(texts) == [unit(fake_vector(text)) for text in texts]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=401), "auth_failed"),
        (Reply(status=404), "model_missing"),
        (Reply(status=429), "rate_limited"),
        (Reply(status=500), "model_unavailable"),
        (Reply(status=400, body='{"error": {"message": "maximum context length is 512"}}'), "context_too_long"),
        (Reply(status=400), "request_refused"),
        (Reply(garbage=True), "answer_invalid"),
        (Reply(cut=True), "model_unavailable"),
    ],
)
def test_errors_are_ours(embedder, model_server, reply, code):
    model_server.script(reply)
    with pytest.raises(ProviderError) as caught:
        embedder.embed(["One."])
    assert caught.value.code == code


def test_llama_cpp_says_otherwise_that_a_text_is_too_long(making, model_server):
    message = "input is too large to process. increase the physical batch size"
    model_server.script(Reply(status=500, body=f'{{"error": {{"code": 500, "message": "{message}"}}}}'))
    with pytest.raises(ProviderError) as caught:
        making("openai", model_server.url).embed(["One."])
    assert caught.value.code == "context_too_long"


def test_a_server_that_is_not_there(make):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderError) as caught:
            make(f"http://127.0.0.1:{held.getsockname()[1]}").embed(["One."])
    assert (caught.value.code, caught.value.retryable) == ("model_unavailable", True)


def test_keys_go_into_headers(making, model_server):
    making("openai", model_server.url).embed(["One."])
    making("gemini", model_server.url).embed(["One."])
    first, second = ({name.lower(): value for name, value in headers.items()} for headers in model_server.headers)
    assert (first["authorization"], second["x-goog-api-key"]) == ("Bearer key", "key")


def test_gemini_is_told_what_texts_are_for_and_how_long_vectors_shall_be(making, model_server):
    making("gemini", model_server.url, dimensions=4).embed(["One."])
    making("gemini", model_server.url, is_query=True).embed(["Who?"])
    passage, question = (body["requests"][0] for body in model_server.requests)
    assert (passage["taskType"], passage["outputDimensionality"]) == ("RETRIEVAL_DOCUMENT", 4)
    assert question["taskType"] == "RETRIEVAL_QUERY"


def test_a_vector_that_is_too_short_or_no_number_is_no_answer(make, model_server):
    with pytest.raises(ProviderError) as caught:
        make(model_server.url, dimensions=DIMENSIONS + 1).embed(["One."])
    assert caught.value.code == "answer_invalid"
    wrong: list[list[list[float]]] = [[[math.nan, 1.0]], [[math.inf, 1.0]], [[]], []]
    for vectors in wrong:
        with pytest.raises(ProviderError):
            vectors_fit(vectors, count=1)
    assert vectors_fit([[0.0, 0.0]], count=1) == [[0.0, 0.0]]


class TestRegistry:
    @pytest.mark.parametrize("provider", ["embedded", "ollama", "openai", "gemini"])
    @pytest.mark.django_db
    def test_endpoints_embed_by_name_and_calls_are_written_down(self, through_registry, provider):
        [vector] = texts_embed(texts=["One."], model=MODEL, provider=provider, dimensions=4)
        assert vector == unit(fake_vector("One.")[:4])
        call = Inference.objects.get()
        assert (call.state, call.model_name, call.prompt_tokens) == ("ok", MODEL, 2)

    @pytest.mark.django_db
    def test_an_endpoint_that_is_off_has_no_models(self):
        with pytest.raises(ProviderError) as caught:
            texts_embed(texts=["One."], model=MODEL, provider="openai")
        assert caught.value.code == "model_missing"

    @pytest.mark.django_db
    def test_the_settings_name_the_provider_of_whoever_names_none(self, settings, through_registry):
        settings.EMBEDDING_PROVIDER = "ollama"
        assert texts_embed(texts=["One."], model=MODEL) == [unit(fake_vector("One."))]

    def test_one_embedder_per_model_and_length(self, settings):
        settings.OLLAMA_URL = "http://127.0.0.1:1"
        one = registry.embedder("a", provider="ollama", dimensions=3)
        assert registry.embedder("a", provider="ollama", dimensions=3) is one
        assert registry.embedder("a", provider="ollama", dimensions=4) is not one


@pytest.mark.django_db
class TestClassification:
    def test_all_texts_go_to_what_is_local(self, settings):
        settings.OPENAI_URL = "http://10.0.0.5/v1"
        for provider in ("onnx", "sentence_transformers", "openai"):
            embedding_model_ensure(provider=provider, model="m")
            assert classifications_open_to(provider=provider, model="m") == ["public", "internal", "confidential"]
        assert not ModelProfile.objects.exists()

    def test_public_ones_go_to_a_remote_model_and_more_when_it_is_trusted(self, settings):
        settings.OPENAI_URL = "https://api.example.com/v1"
        assert classifications_open_to(provider="openai", model="m") == ["public"]
        embedding_model_ensure(provider="openai", model="m")
        embedding_model_ensure(provider="openai", model="m")
        assert classifications_open_to(provider="openai", model="m") == ["public"]
        ModelProfile.objects.update(classification="internal")
        embedding_model_ensure(provider="openai", model="m")
        assert classifications_open_to(provider="openai", model="m") == ["public", "internal"]
