"""kill -9 in the middle of a call, then --resume: nothing heard is lost, nothing is asked twice, one timeline."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.call.recording import Recording
from dialogue.state import fold
from memory.events import AnyEvent
from memory.sqlite_store import SqliteStore
from memory.store import EventStore

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.voice


def events_of(store: EventStore) -> tuple[str, list[AnyEvent]]:
    async def read() -> tuple[str, list[AnyEvent]]:
        try:
            names = await store.sessions()
            return (names[-1], await store.read(names[-1])) if names else ("", [])
        finally:
            await store.close()

    return asyncio.run(read())


def test_kill_9_and_resume(tmp_path: Path) -> None:
    """On SQLite, from the command line; on Redis, in rooms, by what fails: tests/chaos."""
    env = {**os.environ, "VIVA_HOME": str(tmp_path), "VIVA_MEMORY": "sqlite", "VIVA_LEASE_SECONDS": "3"}

    def log() -> tuple[str, list[AnyEvent]]:
        return events_of(SqliteStore(tmp_path / "sessions.db"))

    command = [
        sys.executable,
        "-m",
        "agent.cli.main",
        "interview",
        "--persona",
        "sam",
        "--questions",
        "improved-process,slow-service",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=env)
    deadline = time.monotonic() + 150
    # In the middle of the second answer, mid-word.
    while time.monotonic() < deadline and process.poll() is None:
        session, events = log()
        answers = sum(e.kind == "answered" for e in events)
        if answers >= 1:
            break
        time.sleep(0.2)
    while time.monotonic() < deadline and process.poll() is None:
        session, events = log()
        turn = fold(events).awaiting
        if turn is not None and turn.spoken is not None and turn.number >= 1:
            time.sleep(2.5)  # the candidate has begun to speak and is not done
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    session, before = log()
    state = fold(before)
    assert state.ended is None and sum(t.answered for t in state.turns) >= 1
    recorded = Recording(tmp_path / "sessions" / session).seconds

    resumed = subprocess.run(
        [sys.executable, "-m", "agent.cli.main", "interview", "--resume", session],
        capture_output=True, text=True, cwd=ROOT, timeout=240, env=env,
    )  # fmt: skip
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    _, after = log()
    assert after[: len(before)] == before, "the log only grows"
    asked = [e.question for e in after if e.kind == "asked" and e.why != "asked again"]
    assert asked == ["improved-process", "slow-service"], "nothing is asked twice, nothing is left out"
    follow_ups = [e.text for e in after if e.kind == "followed"]
    assert len(set(follow_ups)) == len(follow_ups)
    report = json.loads(
        (Path(resumed.stdout.strip().splitlines()[-1].removeprefix("report: ")) / "report.json").read_text()
    )
    said = " ".join(s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"])
    for piece in (e.text for e in before if e.kind == "heard"):
        assert piece in said, "nothing heard is lost"
    assert report["outcome"] == "completed"
    assert len(report["holes"]) == 1 and report["holes"][0]["at"] == pytest.approx(recorded, abs=0.1)
    assert "cut off" in resumed.stdout
    for exchange in (e for q in report["questions"] for e in q["exchanges"] if e["delivery"]):
        d = exchange["delivery"]
        assert not d["start"] < report["holes"][0]["at"] < d["end"], "no hesitation is measured across the hole"
    recovered = [e for e in after[len(before) :] if e.kind == "heard"]
    assert recovered and recovered[0].t < report["holes"][0]["at"], "what was recorded but not yet understood is kept"
