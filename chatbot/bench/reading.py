"""Bench data as it lies in files."""

import json
from pathlib import Path
from typing import Any


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file. Ends the run with a sentence where the file is missing."""
    if not path.is_file():
        raise SystemExit(f"{path} is missing. Set CHATBOT_BENCH_DATA to the folder that has it.")
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
