"""Rules of the house that a program can check."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
# What the web process must never load: model libraries and parsers.
HEAVY = [
    "docx", "google.genai", "onnxruntime", "pypdf", "pypdfium2", "sentence_transformers", "tokenizers", "torch",
    "transformers", "unstructured",
]  # fmt: skip

_WEB_PROCESS = """
import importlib, json, pkgutil, sys
import chatbot.asgi
from django.test import Client
from django.urls import get_resolver
import apps

def walk(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            walk(pattern)
        else:
            pattern.callback

walk(get_resolver())
for app in pkgutil.iter_modules(apps.__path__, "apps."):
    for module in pkgutil.iter_modules(importlib.import_module(app.name).__path__, app.name + "."):
        if module.name.rsplit(".", 1)[1].split("_")[0] in {"views", "api", "consumers", "urls", "routing", "forms"}:
            importlib.import_module(module.name)
statuses = [Client().get(path).status_code for path in ("/health", "/accounts/login/", "/api/v1/openapi.json")]
print(json.dumps({"statuses": statuses, "loaded": sorted(sys.modules)}))
"""


def test_the_web_process_loads_no_model_library_and_no_parser(tmp_path):
    environment = {
        **os.environ,
        "CHATBOT_DATA_DIR": str(tmp_path),
        "CHATBOT_ALLOWED_HOSTS": "testserver",
        "DJANGO_SETTINGS_MODULE": "chatbot.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", _WEB_PROCESS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["statuses"] == [200, 200, 200]
    assert [name for name in HEAVY if name in found["loaded"]] == []


def _templates():
    folders = [ROOT / "templates", *(ROOT / "apps").glob("*/templates")]
    return sorted(
        str(path.relative_to(folder))
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".html", ".txt", ".md"}
    )


@pytest.mark.parametrize("name", _templates())
def test_every_template_compiles(name):
    get_template(name)


def test_there_are_templates():
    assert len(_templates()) > 10


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_templates_hold_no_inline_script_style_or_handler():
    """The Content-Security-Policy would refuse them in the browser; better here."""
    import re

    inline = re.compile(r"\son[a-z]+\s*=|\sstyle\s*=|<style|<script(?![^>]*(?:src=|nonce=|application/json))", re.I)
    found = [
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in (ROOT / "templates").rglob("*.html")
        for match in inline.finditer(path.read_text())
        if "emails" not in path.parts and "email" not in path.parts
    ]
    assert found == []


def test_apps_stand_in_the_order_of_their_layers():
    ours = [name for name in django_settings.INSTALLED_APPS if name.startswith("apps.")]
    assert ours == ["apps.audit", "apps.accounts", "apps.llm", "apps.documents", "apps.rag", "apps.conversations"]
