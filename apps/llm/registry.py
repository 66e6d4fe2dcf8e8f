"""Which endpoints are on, and what speaks to them. The only module that imports provider files, and only when asked."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from apps.llm.exceptions import ProviderError
from apps.llm.types import ChatProvider, Embedder, ModelLister, Reranker
from chatbot.lib.net import url_is_local

if TYPE_CHECKING:
    from apps.llm.providers.gemini import Gemini
    from apps.llm.providers.ollama import Ollama
    from apps.llm.providers.openai_compatible import OpenAICompatible
    from apps.llm.providers.sentence_transformers import SentenceTransformersModel

# The ones to prefer first.
ENDPOINT_NAMES = ("embedded", "ollama", "openai", "openrouter", "gemini")
# Run inside the worker, without an endpoint.
ONNX = "onnx"
SENTENCE_TRANSFORMERS = "sentence_transformers"
EMBEDDING_PROVIDERS = (ONNX, SENTENCE_TRANSFORMERS, *ENDPOINT_NAMES)
RERANKING_PROVIDERS = (ONNX, SENTENCE_TRANSFORMERS)
GEMINI_URL = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A configured place where models answer. `models`: the only ones to offer; empty means all that it lists."""

    name: str
    url: str
    api_key: str = ""
    models: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        return url_is_local(self.url)


def endpoints() -> dict[str, Endpoint]:
    """The endpoints that the settings switch on, by name; the ones to prefer first."""
    found = [
        Endpoint(name="embedded", url=_api_base(settings.MODEL_SERVER_URL)),
        Endpoint(name="ollama", url=settings.OLLAMA_URL),
        Endpoint(
            name="openai",
            url=_api_base(settings.OPENAI_URL),
            api_key=settings.OPENAI_API_KEY,
            models=_names(settings.OPENAI_MODELS),
        ),
    ]
    if settings.OPENROUTER_API_KEY:
        found.append(
            Endpoint(
                name="openrouter",
                url=settings.OPENROUTER_URL,
                api_key=settings.OPENROUTER_API_KEY,
                models=_names(settings.OPENROUTER_MODELS),
            )
        )
    if settings.GEMINI_API_KEY:
        found.append(
            Endpoint(
                name="gemini",
                url=settings.GEMINI_URL or GEMINI_URL,
                api_key=settings.GEMINI_API_KEY,
                models=_names(settings.GEMINI_MODELS),
            )
        )
    return {endpoint.name: endpoint for endpoint in found if endpoint.url}


def chat_provider(endpoint_name: str) -> ChatProvider:
    """What speaks to the endpoint. Raises ProviderError if it is off."""
    if endpoint_name in _added:
        return _added[endpoint_name]
    endpoint = endpoints().get(endpoint_name)
    if endpoint is None:
        raise ProviderError("model_missing")
    return _chat_provider(endpoint)


def model_lister(endpoint: Endpoint) -> ModelLister | None:
    """What lists the endpoint's models; None where they stand in the settings alone."""
    match endpoint.name:
        case "embedded" | "openai":
            return _openai_compatible(endpoint)
        case "ollama":
            return _ollama(endpoint)
        case _:
            return None


def embedder(model: str, *, provider: str = ONNX, dimensions: int | None = None, is_query: bool = False) -> Embedder:
    """What embeds with this model: weights in the model store, loaded on first use, or an endpoint that is on.

    `dimensions`: what to cut longer vectors to. `is_query`: some models embed questions otherwise than passages.
    Raises ProviderError if the endpoint is off.
    """
    if added := _added_embedders.get(model):
        return added
    store = Path(settings.MODEL_DIR)
    match provider:
        case "onnx":
            return _onnx_embedder(store / model)
        case "sentence_transformers":
            return _sentence_transformers_embedder(_sentence_transformers_model(model, store), dimensions)
        case _:
            endpoint = endpoints().get(provider)
            if endpoint is None:
                raise ProviderError("model_missing")
            return _endpoint_embedder(endpoint, model, dimensions, is_query)


def reranker(model: str, *, provider: str = ONNX) -> Reranker:
    """The reranking model of this name. Its weights are loaded on first use."""
    if added := _added_rerankers.get(model):
        return added
    store = Path(settings.MODEL_DIR)
    if provider == SENTENCE_TRANSFORMERS:
        return _sentence_transformers_reranker(model, store)
    return _onnx_reranker(store / model)


def provider_is_local(provider: str) -> bool:
    """Whether texts stay on this machine or network; so they do with an endpoint that is off."""
    endpoint = endpoints().get(provider)
    return endpoint is None or endpoint.is_local


def embedder_add(model: str, embedder: Embedder) -> None:
    """Let the name stand for an embedder made elsewhere, such as a fake, until it is removed."""
    _added_embedders[model] = embedder


def embedder_remove(model: str) -> None:
    del _added_embedders[model]


def reranker_add(model: str, reranker: Reranker) -> None:
    """As `embedder_add`."""
    _added_rerankers[model] = reranker


def reranker_remove(model: str) -> None:
    del _added_rerankers[model]


def provider_add(endpoint_name: str, provider: ChatProvider) -> None:
    """Let an endpoint be served by a provider made elsewhere, such as a fake, until it is removed."""
    _added[endpoint_name] = provider


def provider_remove(endpoint_name: str) -> None:
    del _added[endpoint_name]


_added: dict[str, ChatProvider] = {}
_added_embedders: dict[str, Embedder] = {}
_added_rerankers: dict[str, Reranker] = {}


@cache
def _chat_provider(endpoint: Endpoint) -> ChatProvider:
    match endpoint.name:
        case "ollama":
            return _ollama(endpoint)
        case "gemini":
            return _gemini(endpoint)
        case _:
            return _openai_compatible(endpoint)


def _openai_compatible(endpoint: Endpoint) -> "OpenAICompatible":
    from apps.llm.providers.openai_compatible import OpenAICompatible

    return OpenAICompatible(url=endpoint.url, api_key=endpoint.api_key)


def _ollama(endpoint: Endpoint) -> "Ollama":
    from apps.llm.providers.ollama import Ollama

    return Ollama(url=endpoint.url)


def _gemini(endpoint: Endpoint) -> "Gemini":
    from apps.llm.providers.gemini import Gemini

    return Gemini(api_key=endpoint.api_key, url=endpoint.url)


@cache
def _onnx_embedder(folder: Path) -> Embedder:
    from apps.llm.providers.onnx import OnnxEmbedder

    return OnnxEmbedder(folder)


@cache
def _onnx_reranker(folder: Path) -> Reranker:
    from apps.llm.providers.onnx import OnnxReranker

    return OnnxReranker(folder)


@cache
def _sentence_transformers_model(name: str, store: Path) -> "SentenceTransformersModel":
    from apps.llm.providers.sentence_transformers import SentenceTransformersModel

    return SentenceTransformersModel(name=name, store=store)


def _sentence_transformers_embedder(model: "SentenceTransformersModel", dimensions: int | None) -> Embedder:
    from apps.llm.providers.sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model, dimensions=dimensions)


@cache
def _sentence_transformers_reranker(name: str, store: Path) -> Reranker:
    from apps.llm.providers.sentence_transformers import SentenceTransformersReranker

    return SentenceTransformersReranker(name=name, store=store)


@cache
def _endpoint_embedder(endpoint: Endpoint, model: str, dimensions: int | None, is_query: bool) -> Embedder:
    if endpoint.name == "ollama":
        from apps.llm.providers.ollama import OllamaEmbedder

        return OllamaEmbedder(url=endpoint.url, model=model, dimensions=dimensions)
    if endpoint.name == "gemini":
        from apps.llm.providers.gemini_embeddings import GeminiEmbedder

        return GeminiEmbedder(
            api_key=endpoint.api_key, url=endpoint.url, model=model, dimensions=dimensions, is_query=is_query
        )
    from apps.llm.providers.openai_embeddings import OpenAIEmbedder

    return OpenAIEmbedder(url=endpoint.url, api_key=endpoint.api_key, model=model, dimensions=dimensions)


def _api_base(url: str) -> str:
    """The address with `/v1` where the operator gave none: that is where every such server answers."""
    return f"{url}/v1" if url and not urlsplit(url).path.strip("/") else url


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
