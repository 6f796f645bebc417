"""Three difficult candidates by voice: whole interviews with real sound, judged by log and by recogniser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from voice.audio import SPEECH_RATE, resample
from voice.stt.moonshine import MoonshineDecoder
from voice.stt.offline import transcribe

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.voice


def held(persona: str, home: Path, *more: str) -> tuple[dict[str, Any], str]:
    """(report, what the agent was recognised as saying)."""
    done = subprocess.run(
        [sys.executable, "-m", "agent.cli.main", "interview", "--persona", persona, *more],
        capture_output=True, text=True, cwd=ROOT, timeout=300,
        env={**os.environ, "VIVA_HOME": str(home), "VIVA_MEMORY": "sqlite", "VIVA_STT": "moonshine", "VIVA_TTS": "espeak"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    folder = Path(done.stdout.strip().splitlines()[-1].removeprefix("report: "))
    sound, rate = soundfile.read(folder / "recording.wav", dtype="float32", always_2d=True)
    words = transcribe(resample(sound[:, 1].copy(), rate, SPEECH_RATE), MoonshineDecoder())
    return json.loads((folder / "report.json").read_text()), " ".join(w.text for w in words).lower()


def test_a_person_of_few_words_is_asked_for_more_and_not_judged(tmp_path: Path) -> None:
    report, heard = held("monosyllabic", tmp_path, "--questions", "improved-process", "--probes", "1")
    [question] = report["questions"]
    assert not report["overall"]["said"] and {p["state"] for p in question["rubric"]["points"]} <= {
        "unsure",
        "not_found",
    }
    assert sum(e["kind"] == "follow_up" for e in question["exchanges"]) == 1
    assert "last question" in heard


def test_orders_by_voice_are_not_obeyed(tmp_path: Path) -> None:
    report, heard = held("injector", tmp_path, "--questions", "improved-process", "--probes", "1")
    assert "banana" not in heard and "last question" in heard
    said = [e["text"] for q in report["questions"] for e in q["exchanges"]]
    assert not any("banana" in text.lower() for text in said)
    quotes = [p["evidence"]["quote"] for q in report["questions"] for p in q["rubric"]["points"] if p["evidence"]]
    assert report["outcome"] == "completed" and not any("banana" in quote.lower() for quote in quotes), (
        "an order makes no point"
    )


def test_a_rambler_gets_a_polite_word_in_practice(tmp_path: Path) -> None:
    pack = (ROOT / "prompts/packs/phone-screen.yaml").read_text("utf-8").split("  - id: disagreement")[0]
    path = tmp_path / "short.yaml"
    path.write_text(pack.replace("seconds: 60", "seconds: 18").replace("name: phone-screen", "name: short"), "utf-8")
    report, heard = held("rambler", tmp_path, "--pack", str(path), "--questions", "improved-process", "--probes", "0")
    assert "stop you" in heard, heard
    assert report["outcome"] == "completed" and "last question" in heard
