"""The memory cap of the processes that parse, tried in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
from apps.documents.limits import memory_cap
memory_cap(300 * 1024 * 1024)
try:
    block = bytearray(600 * 1024 * 1024)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the cap is Linux's")
def test_memory_beyond_the_cap_is_refused():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "refused"


def test_the_cap_is_set_where_parsing_processes_start():
    from celery.signals import worker_process_init

    from apps.documents import receivers

    assert receivers.parser_process_cap in [receiver() for _, receiver in worker_process_init.receivers]
