"""The model store: gets the weights named in `catalogue.toml` and vouches for their bytes.

Only the standard library, so that it runs while the other packages are still being installed:
`python -m apps.llm.store [name or role ...]`.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from apps.llm import store_sources
from apps.llm.store_sources import Part, SourceError, Wheel

CATALOGUE = Path(__file__).with_name("catalogue.toml")
STAMP = ".verified.json"

# What `python3 -m chatbot.dev up` needs; chat is left out when another server answers.
DEFAULT_ROLES = ("chat", "embedding", "reranker")

Progress = Callable[[str, int, int], None]


class StoreError(Exception):
    """A model cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    name: str
    size: int
    sha256: str
    hub: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    role: str
    licence: str
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def catalogue_load(path: Path = CATALOGUE) -> list[Model]:
    """All models, in the order of the file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    wheels = {name: Wheel(requirement=name, **entry) for name, entry in data.get("wheel", {}).items()}
    return [_model_from(entry, wheels) for entry in data["model"]]


def models_fetch(
    roles: Sequence[str],
    model_dir: Path,
    *,
    progress: Progress | None = None,
    source: str | None = None,
    catalogue: Path = CATALOGUE,
) -> None:
    """Make sure that the models of these roles or names are in `model_dir`, whole and verified.

    `source`: the operator's folder or address, CHATBOT_MODEL_SOURCE by default. An interrupted fetch goes on where it
    was. Raises StoreError.
    """
    models = [_model_named(name, catalogue) for name in roles]
    if all(_is_verified(model, model_dir / model.name) for model in models):
        return  # without a lock, so that a directory for reading only serves too
    source = os.environ.get("CHATBOT_MODEL_SOURCE", "") if source is None else source
    try:
        with _only_one(model_dir):
            for model in models:
                _model_fetch(model, model_dir, source, progress or ConsoleProgress())
            shutil.rmtree(model_dir / ".downloads", ignore_errors=True)
    except OSError as error:
        raise StoreError(_disk_sentence(error, model_dir)) from error


def model_path(name_or_role: str, model_dir: Path, *, catalogue: Path = CATALOGUE) -> Path:
    """The directory that holds the model's verified files. Raises StoreError when they were not fetched."""
    model = _model_named(name_or_role, catalogue)
    directory = model_dir / model.name
    if _is_verified(model, directory):
        return directory
    raise StoreError(f"The model {model.name} is not in {model_dir}: run `python -m apps.llm.store {model.role}`.")


def model_file(name_or_role: str, model_dir: Path, *, catalogue: Path = CATALOGUE) -> Path:
    """The first verified file of a model: the weights. Raises StoreError when they were not fetched."""
    directory = model_path(name_or_role, model_dir, catalogue=catalogue)
    return directory / _model_named(name_or_role, catalogue).files[0].name


class ConsoleProgress:
    """A bar that redraws itself on a terminal, and a line every few seconds elsewhere."""

    def __init__(self, stream: TextIO = sys.stderr, line_seconds: float = 5) -> None:
        self.stream = stream
        self.line_seconds = line_seconds
        self.shown_at = -math.inf

    def __call__(self, label: str, done: int, total: int) -> None:
        finished = done >= total
        now = time.monotonic()
        if not finished and now - self.shown_at < (0.1 if self.stream.isatty() else self.line_seconds):
            return
        self.shown_at = now
        text = f"{label}: {done / 1e6:.0f} of {total / 1e6:.0f} MB"
        if self.stream.isatty():
            filled = 30 * done // max(total, 1)
            self.stream.write(f"\r[{'#' * filled}{'.' * (30 - filled)}] {text}\x1b[K" + ("\n" if finished else ""))
        else:
            self.stream.write(text + "\n")
        self.stream.flush()


def _model_fetch(model: Model, model_dir: Path, source: str, progress: Progress) -> None:
    directory = model_dir / model.name
    if _is_verified(model, directory):
        return
    directory.mkdir(parents=True, exist_ok=True)
    for file in model.files:
        target = directory / file.name
        if target.exists() and _sha256(target) == file.sha256:
            continue
        target.unlink(missing_ok=True)
        _space_require(file, model_dir)
        _file_fetch(model, file, target, source, progress)
    stamp = {file.name: _stamp_of(directory / file.name, file) for file in model.files}
    (directory / STAMP).write_text(json.dumps(stamp))


def _file_fetch(model: Model, file: ModelFile, target: Path, source: str, progress: Progress) -> None:
    """Try the sources in order; what does not match the hash is deleted."""
    partial = target.with_name(target.name + ".partial")
    label = f"{model.name}/{file.name}"
    reasons = []
    for name, fetch in _attempts(model, file, source, target.parents[1]):
        try:
            fetch(partial, lambda done, total: progress(label, done, total))
        except SourceError as error:
            reasons.append(f"{name}: {error}")
            continue
        if _sha256(partial) == file.sha256:
            partial.replace(target)
            return
        partial.unlink()
        reasons.append(f"{name}: wrong SHA-256, deleted")
    raise StoreError(
        f"The model file {label} could not be fetched ({'; '.join(reasons) or 'no source'}): check the connection and "
        "run the command again, or set CHATBOT_MODEL_SOURCE to a folder or address that has it."
    )


def _attempts(model: Model, file: ModelFile, source: str, model_dir: Path) -> Iterator[tuple[str, store_sources.Fetch]]:
    if source:
        yield "CHATBOT_MODEL_SOURCE", store_sources.operator_source(source, model.name, file.name)
    if file.hub:
        yield "Hugging Face", store_sources.hub_source(file.hub)
    if file.parts:
        yield "Python packages", store_sources.wheel_source(file.parts, model_dir / ".downloads")


def _is_verified(model: Model, directory: Path) -> bool:
    """Whether the files are those that were hashed before, by size and time of change."""
    try:
        stamp = json.loads((directory / STAMP).read_text())
        return all(stamp[file.name] == _stamp_of(directory / file.name, file) for file in model.files)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _stamp_of(path: Path, file: ModelFile) -> list[int | str]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, file.sha256]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _model_named(name_or_role: str, catalogue: Path) -> Model:
    models = catalogue_load(catalogue)
    for model in models:
        if name_or_role in {model.name, model.role}:
            return model
    known = ", ".join(model.name for model in models)
    raise StoreError(f"There is no model {name_or_role!r} in the catalogue: choose one of {known}.")


def _model_from(entry: dict[str, Any], wheels: dict[str, Wheel]) -> Model:
    files = tuple(
        ModelFile(
            name=file["name"],
            size=file["size"],
            sha256=file["sha256"],
            hub=file.get("hub", ""),
            parts=tuple(Part(wheel=wheels[part["wheel"]], member=part["member"]) for part in file.get("parts", ())),
        )
        for file in entry["file"]
    )
    return Model(name=entry["name"], role=entry["role"], licence=entry["licence"], files=files)


@contextlib.contextmanager
def _only_one(model_dir: Path) -> Iterator[None]:
    """Let two processes that want the same models fetch them once."""
    model_dir.mkdir(parents=True, exist_ok=True)
    with (model_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _space_require(file: ModelFile, model_dir: Path) -> None:
    """The archive and the file that is made from it lie side by side for a moment."""
    needed = 2 * file.size
    free = shutil.disk_usage(model_dir).free
    if free < needed:
        raise StoreError(
            f"{model_dir} has {free / 1e6:.0f} MB free and {file.name} needs {needed / 1e6:.0f} MB: "
            "free some space or set CHATBOT_MODEL_DIR to another disk."
        )


def _disk_sentence(error: OSError, model_dir: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of {model_dir} is full: free some space or set CHATBOT_MODEL_DIR to another disk."
    return f"{model_dir} cannot be written ({error.strerror}): set CHATBOT_MODEL_DIR to a directory of yours."


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a running pip is stopped too
    data = Path(os.environ.get("CHATBOT_DATA_DIR") or CATALOGUE.parents[2] / "var")
    try:
        models_fetch(arguments or DEFAULT_ROLES, Path(os.environ.get("CHATBOT_MODEL_DIR") or data / "models"))
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
