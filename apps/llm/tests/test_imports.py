"""The web process imports this app, so it must not bring the model libraries with it."""

import os
import subprocess
import sys

import pytest

HEAVY = ["onnxruntime", "tokenizers", "numpy", "google.genai", "ollama", "aiohttp", "apps.llm.testing"]
MODULES = ["services", "selectors", "status", "registry", "sync", "ledger", "admin", "types", "exceptions"]


@pytest.mark.parametrize("imports", [[f"apps.llm.{module}" for module in MODULES]])
def test_importing_the_app_loads_no_model_library(imports):
    lines = ["import sys, django", "django.setup()", *(f"import {module}" for module in imports)]
    lines.append(f"print([name for name in {HEAVY!r} if name in sys.modules])")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "chatbot.settings.test"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
