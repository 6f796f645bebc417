"""docker-compose.yml against the Compose Specification. Not started: there is no container engine here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# The specification's own loader carries its schema; fetched through the Go module proxy, never copied here.
MODULE = "github.com/compose-spec/compose-go/v2@v2.9.0"
SECRETS = {"LIVEKIT_API_SECRET", "LIVEKIT_API_KEY", "REDIS_PASSWORD", "VIVA_API_KEYS", "VIVA_SIGNING_KEY"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def test_it_fits_the_specifications_schema(compose: dict[str, Any], tmp_path: Path) -> None:
    assert shutil.which("go"), "Go is missing: it fetches the schema (and builds the LiveKit server)"
    got = subprocess.run(
        ["go", "mod", "download", "-json", MODULE], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert got.returncode == 0, got.stdout + got.stderr
    schema = json.loads((Path(json.loads(got.stdout)["Dir"]) / "schema" / "compose-spec.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(compose)
    compose["services"]["api"]["prots"] = []
    with pytest.raises(jsonschema.ValidationError, match="prots"):
        jsonschema.Draft7Validator(schema).validate(compose)
    del compose["services"]["api"]["prots"]


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    for name in SECRETS:
        assert re.search(rf"\$\{{{name}:\?", text), f"{name} is asked for"
        assert not re.search(rf"\$\{{{name}(:-|-|\}})", text), f"{name} has no default"
    assert not re.search(
        r"(?m)^\s*(VIVA_API_KEYS|VIVA_SIGNING_KEY|REDIS_PASSWORD|LIVEKIT_API_\w+)=\S",
        (ROOT / ".env.example").read_text(),
    )


def test_what_is_started_exists(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {"livekit", "redis", "api", "worker", "sip", "vllm"} == set(services)
    assert services["sip"]["profiles"] == ["sip"] and services["vllm"]["profiles"] == ["vllm"]
    assert all("healthcheck" in services[name] for name in ("livekit", "redis", "api", "worker", "vllm"))
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert re.search(r"(?m)^USER viva$", dockerfile) and {"cpu", "cuda"} <= set(re.findall(r"AS ([\w-]+)", dockerfile))
    for source in re.findall(r"(?m)^COPY (?!--from)([^\s]+)", dockerfile):
        assert (ROOT / source).exists(), source
    used = {name for service in services.values() for name in service.get("volumes", [])}
    assert {v.split(":")[0] for v in used} == set(compose["volumes"])
    assert "v1.13.5" in services["livekit"]["image"]
