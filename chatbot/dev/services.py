"""Looks at what answers on this machine already. Standard library only."""

import os
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping

from chatbot.dev.exceptions import DevError

OLLAMA_URL = "http://127.0.0.1:11434"


def ollama_found(environ: Mapping[str, str] = os.environ) -> str:
    """The address of a running Ollama: the operator's, else the usual one; empty when none answers."""
    url = (environ.get("CHATBOT_OLLAMA_URL") or OLLAMA_URL).rstrip("/")
    return url if url_answers(f"{url}/api/version") else ""


def chat_is_elsewhere(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether another server speaks for the chat model, so that none is fetched or started here."""
    return bool(environ.get("CHATBOT_MODEL_SERVER_URL")) or bool(ollama_found(environ))


def port_free() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_require(host: str, port: int) -> None:
    """Raises DevError if nobody can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except PermissionError as error:
        raise DevError(f"This user may not open port {port}: set CHATBOT_PORT to one above 1023.") from error
    except socket.gaierror as error:
        raise DevError(f"CHATBOT_HOST is {host!r}, which is no address of this machine: correct it.") from error
    except OSError as error:
        raise DevError(
            f"Port {port} on {host} cannot be opened ({error.strerror}): "
            "stop the program that uses it, or set CHATBOT_PORT to another port."
        ) from error


def url_answers(url: str, timeout: float = 0.5) -> bool:
    """Whether a GET answers 200."""
    # A proxy of the environment has no business with this machine's own services.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as response:
            return bool(response.status == 200)
    except (OSError, ValueError):
        return False
