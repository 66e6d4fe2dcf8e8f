"""The processes of one installation: their commands and the environment that all of them get."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apps.llm.store import model_file
from chatbot.dev.layout import ROOT, Layout
from chatbot.dev.postgres import Postgres
from chatbot.dev.services import ollama_found, port_free
from chatbot.dev.supervisor import Program
from chatbot.dev.valkey import Valkey

# Found again by this name after a supervisor was killed.
MARK = "CHATBOT_SUPERVISED"

CHAT_MODEL = "chat"
# What the processes may do in our own database: everything but changing the audit log (apps/audit/protection.py).
APPLICATION_ROLE = "chatbot_app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will run. A server that the operator named is not ours and stays None."""

    programs: list[Program]
    environment: dict[str, str]
    postgres: Postgres | None
    valkey: Valkey | None
    chat: str
    # Answers 200 once our own model server has loaded; empty if another one is used.
    model_health: str


def plan_make(layout: Layout, environ: Mapping[str, str] = os.environ) -> Plan:
    """Decide what runs here and under which addresses. The models must have been fetched."""
    postgres = None if environ.get("CHATBOT_DATABASE_URL") else Postgres(layout.postgres)
    valkey = None if environ.get("CHATBOT_VALKEY_URL") else Valkey(layout.run)
    environment = {
        **environ,
        MARK: str(layout.data),
        "CHATBOT_DATA_DIR": str(layout.data),
        "CHATBOT_MODEL_DIR": str(layout.models),
        "CHATBOT_PORT": str(layout.port),
        "CHATBOT_ALLOWED_HOSTS": ",".join(_hosts(layout, environ)),
        "DJANGO_SETTINGS_MODULE": "chatbot.settings",
        # glibc's arena per thread would double the memory of the thread pools.
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }
    if postgres:
        environment["CHATBOT_DATABASE_URL"] = postgres.url()
        # Made by `prepare`, which runs without it.
        environment["CHATBOT_DATABASE_ROLE"] = APPLICATION_ROLE
    if valkey:
        environment["CHATBOT_VALKEY_URL"] = valkey.url()
    model, chat = _model_server(layout, environment)
    health = environment["CHATBOT_MODEL_SERVER_URL"].removesuffix("/v1") + "/health" if model else ""
    programs = [*_servers(postgres, valkey), *model, *_application(layout)]
    return Plan(
        programs=programs, environment=environment, postgres=postgres, valkey=valkey, chat=chat, model_health=health
    )


def _hosts(layout: Layout, environ: Mapping[str, str]) -> list[str]:
    """The operator's host names and those under which this machine itself asks whether it is ready."""
    named = [name.strip() for name in environ.get("CHATBOT_ALLOWED_HOSTS", "").split(",") if name.strip()]
    own = f"[{layout.host}]" if ":" in layout.host else layout.host
    unspecified = {"0.0.0.0", "[::]"}  # noqa: S104 - left out, not bound
    return list(dict.fromkeys([*named, "localhost", "127.0.0.1", "[::1]", *({own} - unspecified)]))


def _model_server(layout: Layout, environment: dict[str, str]) -> tuple[list[Program], str]:
    """The program, if one is needed, and who answers; puts the address into the environment."""
    if environment.get("CHATBOT_MODEL_SERVER_URL"):
        return [], environment["CHATBOT_MODEL_SERVER_URL"]
    ollama = ollama_found(environment)
    environment.pop("CHATBOT_OLLAMA_URL", None)
    if ollama:
        environment["CHATBOT_OLLAMA_URL"] = ollama
        return [], f"Ollama at {ollama}"
    port = port_free()
    environment["CHATBOT_MODEL_SERVER_URL"] = f"http://127.0.0.1:{port}/v1"
    file = model_file(CHAT_MODEL, layout.models)
    command = [*_python("chatbot.dev.model_server"), str(file), "--alias", file.parent.name, "--port", str(port)]
    program = Program(name="model", command=command, group="model", stop_seconds=1, is_first=True)
    return [program], f"{file.parent.name} on this machine"


def _servers(postgres: Postgres | None, valkey: Valkey | None) -> list[Program]:
    programs = []
    if postgres:
        programs.append(
            Program(
                name="postgres",
                command=postgres.command(),
                group="servers",
                stop_seconds=2,
                # Its fast shutdown; TERM would wait for every client to leave.
                stop_signal="INT",
                user=postgres.user,
                is_first=True,
            )
        )
    if valkey:
        programs.append(
            Program(name="valkey", command=valkey.command(), group="servers", stop_seconds=2, is_first=True)
        )
    return programs


def _application(layout: Layout) -> list[Program]:
    # Sockets live until one side closes them; a ping every 20 s keeps proxies from cutting them.
    web = ["-b", layout.host, "-p", str(layout.port), "--websocket_timeout", "-1", "--ping-interval", "20"]
    web += ["--ping-timeout", "60", "--application-close-timeout", "5", "--no-server-name", "chatbot.asgi:application"]
    worker = [
        *_python("celery"),
        "-A",
        "chatbot.celery",
        "worker",
        "--without-gossip",
        "--without-mingle",
        "-l",
        "INFO",
    ]
    inference = ["-n", "inference@%h", "-Q", "inference,gpu", "-P", "threads", "-c", "64"]
    ingest = ["-n", "ingest@%h", "-Q", "pages,ingest", "-P", "prefork", "-c", "1"]
    # A child that has loaded the embedder is replaced after its slice: loading it again costs 3 % of a long document's
    # time, keeping it 200 MB at rest. Without prefetching, a page image that somebody waits for is taken before the
    # next slice of a long document.
    ingest += ["--max-tasks-per-child", "200", "--max-memory-per-child", "200000", "--disable-prefetch"]
    # The language model's threads wait for each other: one busy neighbour of equal rank slows it ten times.
    gently = ["nice", "-n", "15"]
    beat = ["beat", "-S", "django_celery_beat.schedulers:DatabaseScheduler", "--pidfile=", "-l", "INFO"]
    commands = {
        "web": [*_python("daphne"), *web],
        "inference": [*worker, *inference],
        "ingest": [*gently, *worker, *ingest],
        "beat": [*_python("celery"), "-A", "chatbot.celery", *beat],
    }
    return [
        Program(name=name, command=command, group="application", stop_seconds=3) for name, command in commands.items()
    ]


def _python(module: str) -> list[str]:
    return [str(Path(sys.executable)), "-m", module]
