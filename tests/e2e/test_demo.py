"""The whole demo as a user runs it, with the network cut off; then its report is read, clicked and listened to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile

from prompts.loader import load_pack, load_schema
from simulation.script import load_script, persona_path
from voice.audio import resample
from voice.stt.moonshine import MoonshineDecoder
from voice.stt.offline import transcribe
from voice.vad.boundaries import map_speech

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.voice


def _offline() -> list[str]:
    """A command prefix that cuts the network off, if that is permitted."""
    allowed = shutil.which("unshare") and subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    return ["unshare", "-n"] if allowed else []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(report folder, printed output)."""
    home = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*_offline(), sys.executable, "-m", "agent.cli.main", "demo"],
        capture_output=True, text=True, cwd=ROOT, timeout=400, env={**os.environ, "VIVA_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("report: ")
    return Path(last.removeprefix("report: ")), done.stdout


@pytest.fixture(scope="module")
def report(demo: tuple[Path, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo[0] / "report.json").read_text())
    return found


def test_the_folder_is_complete(demo: tuple[Path, str], report: dict[str, Any]) -> None:
    for name in (
        "report.html",
        "report.json",
        "transcript.json",
        "recording.wav",
        "timeline.png",
        "distributions.png",
        "answers/turn-0.png",
    ):
        assert (demo[0] / name).stat().st_size > 1000, name
    jsonschema.validate(report, load_schema("report.schema.json"))
    assert not list(demo[0].parent.glob(".report-*")), "nothing half written is left"


def test_it_was_a_whole_interview_in_about_three_minutes(report: dict[str, Any]) -> None:
    assert report["outcome"] == "completed" and report["duration"] < 200
    assert len([q for q in report["questions"] if q["exchanges"]]) >= 3


def test_two_follow_ups_of_the_questions_author_were_asked_and_answered(report: dict[str, Any]) -> None:
    follow_ups = [
        (q["id"], e)
        for q in report["questions"]
        for e in q["exchanges"]
        if e["kind"] == "follow_up" and e["intent"] == "answer"
    ]
    assert len(follow_ups) >= 2
    written = {q["id"]: [p["text"] for p in q["probes"]] for q in load_pack("phone-screen")["questions"]}
    for question, exchange in follow_ups:
        assert exchange["text"] in written[question] and exchange["why"]
        assert exchange["text"] not in next(q for q in report["questions"] if q["id"] == question)["open_probes"]


def test_the_long_thinking_pause_was_not_cut(report: dict[str, Any]) -> None:
    answers = [e for q in report["questions"] for e in q["exchanges"] if e["delivery"]]
    thinking = max(answers, key=lambda e: e["delivery"]["longest_pause"])
    assert thinking["delivery"]["longest_pause"] > 4.0
    text = " ".join(s["text"] for s in thinking["sentences"]).lower()
    assert "let me think" in text and "manager" in text and "evening" in text, (
        "one answer from before the pause to its end"
    )


def test_the_question_was_repeated_on_request(demo: tuple[Path, str]) -> None:
    lines = json.loads((demo[0] / "transcript.json").read_text())
    asked = next(i for i, x in enumerate(lines) if x["who"] == "candidate" and "repeat" in x["text"].lower())
    assert "mistake" in lines[asked + 1]["text"] and lines[asked + 1]["who"] == "agent"


def test_the_barge_in_silenced_the_agent(demo: tuple[Path, str], report: dict[str, Any]) -> None:
    assert report["overall"]["interruptions_by_candidate"] >= 1
    lines = json.loads((demo[0] / "transcript.json").read_text())
    cut = next(x for x in lines if x["who"] == "agent" and x["interrupted"])
    assert cut["heard_share"] < 1.0
    after = next(x for x in lines if x["who"] == "candidate" and x["end"] > cut["end"])
    assert "jump in" in after["text"].lower() or "sorry" in after["text"].lower()


def test_the_recording_holds_what_each_side_heard(demo: tuple[Path, str], report: dict[str, Any]) -> None:
    stereo, rate = soundfile.read(demo[0] / "recording.wav", dtype="float32")
    assert stereo.shape[1] == 2 and len(stereo) / rate == pytest.approx(report["duration"], abs=0.05)
    moonshine = MoonshineDecoder()
    lines = json.loads((demo[0] / "transcript.json").read_text())
    questions = [q["text"] for q in report["questions"]]
    heard = 0
    for line in (x for x in lines if x["who"] == "agent" and not x["interrupted"]):
        part = stereo[max(0, round((line["start"] - 0.2) * rate)) : round((line["end"] + 0.2) * rate), 1]
        heard_back = transcribe(resample(part.copy(), rate, 16_000), moonshine)
        text = " ".join(word.plain for word in heard_back)
        for question in questions:
            if question in line["text"]:
                wanted = {w.strip(".,?").lower() for w in question.split() if len(w) > 4}
                heard += len([w for w in wanted if w in text]) >= 0.5 * len(wanted)
    assert heard >= 3, "the agent's questions are heard back from its channel"
    for line in (x for x in lines if x["who"] == "candidate"):
        part = stereo[round(line["start"] * rate) : round(line["end"] * rate), 0]
        assert np.abs(part).max() > 0.05, "the candidate's words stand in the candidate's channel"


def test_timing_agrees_with_the_sound(demo: tuple[Path, str], report: dict[str, Any]) -> None:
    stereo, rate = soundfile.read(demo[0] / "recording.wav", dtype="float32")
    for exchange in (e for q in report["questions"] for e in q["exchanges"] if e["delivery"]):
        d = exchange["delivery"]
        sound = resample(
            stereo[round((d["start"] - 0.5) * rate) : round((d["end"] + 0.5) * rate), 0].copy(), rate, 16_000
        )
        speech = map_speech(sound).speech
        assert speech[0][0] == pytest.approx(0.5, abs=0.1)
        assert speech[-1][1] - speech[0][0] == pytest.approx(d["speaking_time"], abs=0.15)


def test_every_statement_has_evidence_that_was_said(report: dict[str, Any]) -> None:
    words = " ".join(s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"]).lower()
    statements = [
        s for part in ("said", "contradicted", "time_management", "practice_plan") for s in report["overall"][part]
    ]
    assert statements
    for statement in statements:
        for evidence in statement["evidence"]:
            assert evidence["quote"].lower().rstrip(",.") in words
            assert evidence["t0"] is not None


def test_a_click_on_a_sentence_plays_its_piece(demo: tuple[Path, str]) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "chromium is missing: `make test` installs it"
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        page = browser.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((demo[0] / "report.html").as_uri())
        page.wait_for_function("sound.readyState >= 3")
        sentence = page.locator("section.card p.answer button.say").nth(1)
        begin, end = float(sentence.get_attribute("data-t0") or 0), float(sentence.get_attribute("data-t1") or 0)
        sentence.click()
        page.wait_for_function(f"sound.currentTime > {begin + 0.3}")
        assert page.evaluate("sound.currentTime") < end + 1.0
        page.wait_for_function("sound.paused", timeout=30_000)
        assert abs(page.evaluate("sound.currentTime") - end) < 0.6
        assert [r for r in requests if not r.startswith(("file:", "data:"))] == [], "one self-contained file"
        browser.close()


def test_the_persona_only_knows_what_it_hears() -> None:
    script = load_script(persona_path("sam"))
    assert script.recognise("complete nonsense") is None
    assert script.recognise("tell me about something at work that you made faster or simpler") is not None
