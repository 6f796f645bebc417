"""The docs are accurate: every setting is documented, every command they name exists, every link leads somewhere."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from agent.settings import Settings
from memory.records import Delivery
from voice.metrics.hesitation import Measures

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`VIVA_{name.upper()}`" in (ROOT / "docs/deployment.md").read_text("utf-8")


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/metrics.md", "docs/api.md", "docs/deployment.md"],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_what_is_measured_is_what_is_kept() -> None:
    """The record in memory and the measures in voice are two types (voice knows nothing of memory); their names agree."""
    shared = {f.name for f in fields(Measures)} - {
        "duration", "words", "speech", "snr_db", "notes", "pitch_track", "voice_quality",
    }  # fmt: skip
    kept = set(Delivery.model_fields) - {
        "start", "end", "response_delay", "response_delay_reliable", "transport_delay", "first_word_delay", "interruptions",
    }  # fmt: skip
    assert shared == kept


def test_every_measure_that_is_kept_is_documented() -> None:
    page = (ROOT / "docs/metrics.md").read_text("utf-8")
    missing = [name for name in Delivery.model_fields if name not in ("start", "end") and f"`{name}`" not in page]
    assert not missing


def test_no_address_of_this_machine_and_no_secret_in_what_is_committed() -> None:
    for path in [*ROOT.glob("*.toml"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / ".ci/run"]:
        assert not re.search(r"https?://|/work/|/tmp/", path.read_text("utf-8")), path
