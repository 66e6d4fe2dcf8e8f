"""What a process that reads files of strangers may use."""

import logging
import resource
import sys

logger = logging.getLogger(__name__)

# Reading the heaviest real files took a tenth of it, embedding 32 passages of 400 tokens at once a bit less than half.
DATA_BYTES = 2 * 1024**3


def memory_cap(data_bytes: int = DATA_BYTES) -> None:
    """Cap what this process may write to in memory; past it allocation fails, and the file fails, not the machine.

    The cap is on data, not on address space: ONNX Runtime and allocators reserve far more addresses than they use.
    """
    if sys.platform != "linux":
        # Elsewhere the limit does not cover mapped memory.
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    cap = data_bytes if hard == resource.RLIM_INFINITY else min(data_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (cap, hard))
    # A dump of a file's content must not land on disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
