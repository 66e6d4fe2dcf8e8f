"""The container files: they parse, hang together and keep the promises that can be read from them."""

import json
import re
from typing import Any

import pytest
import yaml

from chatbot.dev.layout import ROOT

INSTRUCTIONS = {"ARG", "FROM", "ENV", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
ONE_SHOT = {"migrate", "models", "ollama-model"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return content


@pytest.fixture(scope="module")
def stages() -> dict[str, list[str]]:
    """The Dockerfile's instructions by stage."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        assert line.split()[0] in INSTRUCTIONS, line
        if line.startswith("FROM "):
            name = line.split(" AS ")[1]
            found[name] = [line]
        else:
            found[name].append(line)
    return found


def test_every_service_is_there_and_healthy_or_short(compose):
    names = set(compose["services"])
    assert names >= {
        "postgres",
        "valkey",
        "ollama",
        "web",
        "worker-inference",
        "worker-ingest",
        "beat",
        "caddy",
        *ONE_SHOT,
    }
    for name, service in compose["services"].items():
        is_checked = "healthcheck" in service or service["image"].startswith("chatbot-")
        assert is_checked or name in ONE_SHOT, name
        assert (service["restart"] == "no") == (name in ONE_SHOT), name


def test_references_lead_somewhere(compose):
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("networks", [])) <= set(compose["networks"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), volume


def test_parsers_have_no_way_out_and_only_the_proxy_has_ports(compose):
    services = compose["services"]
    assert compose["networks"]["internal"]["internal"] is True
    for name in ("worker-ingest", "web", "beat", "migrate", "postgres", "valkey"):
        assert services[name]["networks"] == ["internal"], name
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]


def test_no_secret_stands_in_the_file(compose):
    for name, service in compose["services"].items():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|DATABASE_URL|API_KEY", key):
                assert key.endswith("_FILE"), (name, key)
                assert value.startswith("/run/secrets/"), (name, key)


def test_our_own_containers_are_bare(compose):
    for name, service in compose["services"].items():
        if service["image"].startswith("chatbot-"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name


def test_images_run_as_nobody_special_and_in_exec_form(stages):
    for name in ("web", "worker"):
        instructions = [line.split()[0] for line in stages[name]]
        assert instructions.index("USER") < instructions.index("CMD")
        assert "HEALTHCHECK" in instructions
        command = next(line for line in stages[name] if line.startswith("CMD "))
        assert all(isinstance(part, str) for part in json.loads(command.removeprefix("CMD ")))


def test_copied_stages_and_files_exist(stages):
    for line in (line for lines in stages.values() for line in lines if line.startswith("COPY")):
        if match := re.search(r"--from=(\S+)", line):
            assert match[1] in stages
        elif "requirements/" in line:
            assert (ROOT / line.split()[1]).is_file()


def test_web_image_carries_no_model_library(stages):
    assert any("requirements/base.txt" in line for line in stages["web-packages"])
    pins = (ROOT / "requirements" / "base.txt").read_text()
    assert not re.findall(r"^(torch|onnxruntime|tokenizers|pypdfium2|pypdf|numpy)==", pins, re.MULTILINE)


def test_continuous_integration_runs_the_one_command():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.strip().endswith("\npython3 -m chatbot.dev test")
    assert {"CHATBOT_REQUIRE_E2E=1", "CHATBOT_REQUIRE_PEERS=1"} <= set(script.split())
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert workflow["jobs"]["test"]["steps"][-1] == {"run": ".ci/run"}
