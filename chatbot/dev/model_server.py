"""llama.cpp's own HTTP server over one model file, for a machine without Ollama.

`python -m chatbot.dev.model_server FILE --alias NAME --port PORT`
"""

import argparse
import math
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

CONTEXT_TOKENS = 8192
SLOTS = 2
# Prompts kept in memory so that the next turn of a conversation starts where the last one ended.
PROMPT_CACHE_MIB = 256
# More threads than this make a small model slower: they wait for each other.
THREADS_MAXIMUM = 16


def threads_free(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores that this process may use, by affinity and by the container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _quota(cgroup), THREADS_MAXIMUM)))


def _quota(cgroup: Path) -> float:
    """Cores by the container's quota (version 2, then 1); without one, more than any machine has."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = (
                (cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period")
            )
        except OSError:
            return math.inf
    return int(quota) / int(period) if quota not in {"max", "-1"} else math.inf


def serve(file: Path, *, alias: str, port: int, threads: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises RuntimeError if the model cannot be loaded."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = {alias}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    # Every slot has its own share of the context.
    parameters.n_ctx = CONTEXT_TOKENS * SLOTS
    parameters.n_parallel = SLOTS
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.ui = False
    # A web page in the user's browser must not reach the model past the product.
    parameters.cors_origins = "null"
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    server = xllamacpp.Server(parameters)
    print(f"{alias} answers at {server.listening_address} with {threads} threads", flush=True)
    stopped.wait()
    # The server's own destructor waits for open streams; whoever stops the product does not.
    os._exit(0)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m chatbot.dev.model_server", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("CHATBOT_MODEL_THREADS") or threads_free()))
    options = parser.parse_args(arguments)
    serve(options.file, alias=options.alias, port=options.port, threads=options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
