"""Small models that run inside a worker, by ONNX Runtime: embeddings and reranking. Weights: see the model store."""

import math
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from apps.llm.exceptions import ProviderError

# What BERT-sized models were trained with.
TOKENS_MAXIMUM = 512
# Tokens in one run, padding included. Larger batches are no faster on a CPU and take twice the memory.
BATCH_TOKENS = 1024


class _Encoding(Protocol):
    ids: list[int]
    attention_mask: list[int]
    type_ids: list[int]


class _Model:
    """Tokenizer and session, loaded on first use and once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loading = threading.Lock()
        # A run uses all cores; a second one beside it would only slow both.
        self._running = threading.Lock()

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(TOKENS_MAXIMUM)
        # Padding happens by batch; some files pad to 512 on their own.
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _cores()
        options.inter_op_num_threads = 1
        # The arena never gives memory back, and spinning threads take the cores from the language model.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def load(self) -> None:
        """Raises ProviderError if the files are not in the model store."""
        with self._loading:
            if not (self._folder / "model.onnx").is_file() or not (self._folder / "tokenizer.json").is_file():
                raise ProviderError("model_missing")
            _ = self._tokenizer, self._session

    def encode(self, inputs: Sequence[Any]) -> list[_Encoding]:
        encodings: list[_Encoding] = self._tokenizer.encode_batch(list(inputs))
        return encodings

    def run(self, batch: Sequence[_Encoding]) -> Any:
        """The model's first output for the batch, padded to its longest member."""
        import numpy as np

        width = max(len(encoding.ids) for encoding in batch)
        shape = (len(batch), width)
        ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for row, encoding in enumerate(batch):
            length = len(encoding.ids)
            ids[row, :length] = encoding.ids
            mask[row, :length] = encoding.attention_mask
            types[row, :length] = encoding.type_ids
        arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        with self._running:
            wanted = {node.name for node in self._session.get_inputs()}
            return self._session.run(None, {name: array for name, array in arrays.items() if name in wanted})[0]


class OnnxEmbedder:
    """A BERT-like encoder: the vector of the first token, normalised. `folder` holds model.onnx and tokenizer.json."""

    def __init__(self, folder: Path) -> None:
        self._model = _Model(folder)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        import numpy as np

        if not texts:
            return []
        self._model.load()
        encodings = self._model.encode(texts)
        vectors: list[list[float]] = [[]] * len(texts)
        for positions in batches_of([len(encoding.ids) for encoding in encodings]):
            first = self._model.run([encodings[position] for position in positions])[:, 0]
            first /= np.linalg.norm(first, axis=1, keepdims=True)
            for position, vector in zip(positions, first.tolist(), strict=True):
                vectors[position] = vector
        return vectors


class OnnxReranker:
    """A cross-encoder with one logit per pair. `folder` holds model.onnx and tokenizer.json."""

    def __init__(self, folder: Path) -> None:
        self._model = _Model(folder)

    def score(self, *, query: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        self._model.load()
        encodings = self._model.encode([(query, passage) for passage in passages])
        scores = [0.0] * len(passages)
        for positions in batches_of([len(encoding.ids) for encoding in encodings]):
            logits = self._model.run([encodings[position] for position in positions])
            for position, logit in zip(positions, logits.reshape(-1).tolist(), strict=True):
                scores[position] = logit
        return scores


def batches_of(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions grouped so that equals in length run together and no batch exceeds BATCH_TOKENS, padding included."""
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        # In ascending order the new one is the widest.
        if batch and lengths[position] * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _cores() -> int:
    """The cores this process may use: by affinity, and by the container's quota where there is one."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, math.ceil(int(quota) / int(period))))
