"""Where things lie, and what is said when a setting makes no sense."""

import socket
from pathlib import Path

import pytest

from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import SOCKET_DIRECTORY_LIMIT, Layout, private_directory, socket_directory
from chatbot.dev.services import chat_is_elsewhere, port_free, port_require


def test_defaults_lie_in_var():
    layout = Layout.from_environment({})
    assert layout.data.name == "var"
    assert layout.models == layout.data / "models"
    assert layout.address == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("host", "address"),
    [("::", "http://127.0.0.1:81"), ("::1", "http://[::1]:81"), ("10.0.0.5", "http://10.0.0.5:81")],
)
def test_address_is_one_for_a_browser(host, address):
    assert Layout.from_environment({"CHATBOT_HOST": host, "CHATBOT_PORT": "81"}).address == address


@pytest.mark.parametrize("port", ["0", "65536", "eighty", "-1"])
def test_port_must_be_a_port(port):
    with pytest.raises(DevError, match=r"CHATBOT_PORT is .*: set it to a number"):
        Layout.from_environment({"CHATBOT_PORT": port})


def test_sockets_of_a_deep_directory_go_to_a_short_one(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    short = socket_directory(deep)
    assert len(str(short)) <= SOCKET_DIRECTORY_LIMIT
    assert short == socket_directory(deep)
    assert short != socket_directory(deep.with_name("f"))
    assert socket_directory(Path("/srv/chatbot/run")) == Path("/srv/chatbot/run")


def test_private_directory_is_private_and_no_link(tmp_path):
    (tmp_path / "open").mkdir(mode=0o755)
    assert private_directory(tmp_path / "open").stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "open")
    with pytest.raises(DevError, match="belongs to another user"):
        private_directory(tmp_path / "link")


def test_taken_port_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DevError, match=f"Port {port} on 127.0.0.1 cannot be opened .* CHATBOT_PORT"):
            port_require("127.0.0.1", port)


def test_free_port_and_unknown_host():
    port_require("127.0.0.1", port_free())
    with pytest.raises(DevError, match=r"no address of this machine|cannot be opened"):
        port_require("192.0.2.1", port_free())


def test_chat_model_elsewhere():
    silent = f"http://127.0.0.1:{port_free()}"
    assert chat_is_elsewhere({"CHATBOT_MODEL_SERVER_URL": "http://models.example.org/v1"})
    assert not chat_is_elsewhere({"CHATBOT_OLLAMA_URL": silent})
