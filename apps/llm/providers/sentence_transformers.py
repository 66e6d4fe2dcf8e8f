"""Any model that sentence-transformers can load, on the GPU if there is one. The library comes with requirements/ml.

Weights: a folder of the model store by the model's name, else any folder, else a name on the Hugging Face hub, which is
fetched into the model store unless HF_HUB_OFFLINE is set. Code that comes with a model is never run.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from apps.llm.exceptions import ProviderError
from apps.llm.vectors import vectors_fit

logger = logging.getLogger(__name__)

# Texts in one run; the library sorts by length, so that little is padding.
BATCH_CPU = 16
BATCH_GPU = 128
ResultT = TypeVar("ResultT")


class _Model:
    """Weights, loaded on first use and once, and one run at a time: a second one beside it would only slow both."""

    def __init__(self, *, name: str, store: Path) -> None:
        self._name = name
        self._store = store
        self._busy = threading.Lock()

    @property
    def source(self) -> str:
        folder = self._store / self._name
        return str(folder) if folder.is_dir() else self._name

    @cached_property
    def has_gpu(self) -> bool:
        import torch

        return bool(torch.cuda.is_available())

    @property
    def batch_size(self) -> int:
        return BATCH_GPU if self.has_gpu else BATCH_CPU

    def arguments(self) -> dict[str, Any]:
        """For either class of the library. Half precision on a GPU: twice as fast, and the vectors hardly differ."""
        return {
            "cache_folder": str(self._store / "hub"),
            "trust_remote_code": False,
            "model_kwargs": {"dtype": "float16" if self.has_gpu else "float32"},
        }

    def locked(self, work: Callable[[], ResultT]) -> ResultT:
        """Load or run. Raises ProviderError for all that the library may raise."""
        with self._busy:
            try:
                return work()
            except ImportError as error:
                raise ProviderError("library_missing") from error
            except (OSError, ValueError, KeyError) as error:
                # A model that is not there, a hub that does not answer, a folder that holds something else.
                logger.warning("The model %s cannot be loaded: %s", self._name, type(error).__name__)
                raise ProviderError("model_missing") from error
            except RuntimeError as error:
                # No memory left, above all.
                logger.warning("The model %s broke off: %s", self._name, type(error).__name__)
                raise ProviderError from error


class SentenceTransformersModel:
    """The weights of an embedder, shared by all lengths its vectors are cut to."""

    def __init__(self, *, name: str, store: Path) -> None:
        self._model = _Model(name=name, store=store)

    @cached_property
    def _encoder(self) -> Any:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(self._model.source, **self._model.arguments())

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.locked(lambda: self._encoded(texts).tolist())
        return vectors

    def _encoded(self, texts: Sequence[str]) -> Any:
        # The profile's prefix stands in the texts already; a prompt of the model's own would come twice.
        return self._encoder.encode(
            list(texts), prompt="", batch_size=self._model.batch_size, convert_to_numpy=True, show_progress_bar=False
        ).astype("float32")


class SentenceTransformersEmbedder:
    """Vectors of a model, cut to `dimensions` where that is given, of length 1."""

    def __init__(self, model: SentenceTransformersModel, *, dimensions: int | None = None) -> None:
        self._model = model
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if not texts:
            return []
        return vectors_fit(self._model.encode(texts), count=len(texts), dimensions=self._dimensions)


class SentenceTransformersReranker:
    """A cross-encoder with one logit per pair."""

    def __init__(self, *, name: str, store: Path) -> None:
        self._model = _Model(name=name, store=store)

    @cached_property
    def _encoder(self) -> Any:
        from sentence_transformers import CrossEncoder

        return CrossEncoder(self._model.source, num_labels=1, **self._model.arguments())

    def score(self, *, query: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        scores: list[float] = self._model.locked(lambda: self._scored(query, passages))
        return scores

    def _scored(self, query: str, passages: Sequence[str]) -> list[float]:
        from torch.nn import Identity

        # The library would squeeze the logits between 0 and 1, where good passages can hardly be told apart.
        logits = self._encoder.predict(
            [(query, passage) for passage in passages],
            activation_fn=Identity(),
            batch_size=self._model.batch_size,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return [float(logit) for logit in logits.reshape(-1)]
