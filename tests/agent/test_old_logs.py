"""Logs from before answers were read: they fold, are read when a report is wanted, and give one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.call.journal import Journal
from agent.cli.interview import report_again
from agent.reporting.report_files import write_report
from agent.reporting.write_up import read_missing
from agent.sessions import events_of
from agent.settings import Settings, load_settings
from dialogue.report.build import build_report
from dialogue.state import fold
from memory.events import AnyEvent, Read, decode
from memory.sqlite_store import SqliteStore
from prompts.loader import load_schema
from tests.marked_reader import MarkedReader

ANSWER = "I deleted a customer table by accident. My depression was bad that month. I told my manager at once."
QUESTION = {
    "id": "mistake", "competency": "accountability", "kind": "behavioural", "text": "Tell me about a mistake you made.",
    "short": "What mistake did you make?", "difficulty": 3, "seconds": 60, "patience": 12.0,
    "key_points": [
        {"name": "a mistake of your own", "any_of": ["I deleted", "my mistake"]},
        {"name": "the way it was found", "any_of": ["noticed", "alert"]},
    ],
    "anchors": {"1": "Names none.", "3": "Owns it.", "5": "Changed something."},
    "probes": [{"type": "result", "text": "What damage did it do?"}],
}  # fmt: skip
READER = MarkedReader(private={"depression": "health"}, said={"a mistake of your own": "I deleted"})


def said(turn: int, text: str, t: float) -> dict[str, Any]:
    words = [{"text": w, "start": t + i / 3, "end": t + i / 3 + 0.3} for i, w in enumerate(text.split())]
    return {"kind": "heard", "at": t, "t": t, "turn": turn, "text": text, "words": words, "end": words[-1]["end"]}


def old_log(mode: str, ending: str = "human") -> list[AnyEvent]:
    interview = {
        "id": "old", "mode": mode, "title": "phone screen", "pack": "phone-screen", "source": {"kind": "typed"},
        "questions": [QUESTION], "probe_budget": 1, "minutes": 10,
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"kind": "created", "at": 0, "interview": interview},
        {"kind": "consented", "at": 0, "by": "test", "text_version": "1", "scope": ["recording"]},
        {"kind": "asked", "at": 1, "t": 1, "turn": 0, "question": "mistake", "text": QUESTION["text"], "why": "first"},
        said(0, "Are you a robot?", 5.0),
        {"kind": "answered", "at": 8, "t": 8, "turn": 0, "intent": "robot"},
        {"kind": "asked", "at": 9, "t": 9, "turn": 1, "question": "mistake", "text": QUESTION["text"], "why": "asked again"},
        said(1, ANSWER, 12.0),
        {"kind": "answered", "at": 25, "t": 25, "turn": 1},
        {
            "kind": "followed", "at": 26, "t": 26, "turn": 2, "question": "mistake", "probe": "result", "gap": "the result",
            "span": {"quote": "My depression was bad"}, "text": "What damage did it do?", "why": "no result", "engine": "phraser",
        },
        said(2, "I want to talk to a person.", 30.0),
        {"kind": "answered", "at": 34, "t": 34, "turn": 2, "intent": ending},
        {"kind": "ended", "at": 35, "t": 35, "reason": "human_requested"},
    ]  # fmt: skip
    return [decode(json.dumps(row)) for row in rows]


async def stored(home: Path, events: list[AnyEvent]) -> tuple[Settings, SqliteStore]:
    settings = load_settings(home=home, memory="sqlite")
    store = SqliteStore(home / "sessions.db")
    lease = await store.acquire("old", "test", 60.0)
    await store.append(lease, events, 0)
    await store.release(lease)
    return settings, store


@pytest.mark.parametrize("mode", ["practice", "screen"])
@pytest.mark.parametrize("ending", ["human", "leave"])
def test_an_old_log_folds_and_gives_a_report_that_claims_nothing(tmp_path: Path, mode: str, ending: str) -> None:
    events = old_log(mode, ending)
    report = write_report(events, None, tmp_path / "report")
    jsonschema.validate(
        json.loads((tmp_path / "report" / "report.json").read_text()), load_schema("report.schema.json")
    )
    [question] = report.questions
    assert [e.intent for e in question.exchanges] == ["robot", "answer", ending]
    assert {p.state for p in question.rubric.points} == {"unsure"} and question.rubric.reader == ""
    who = "You" if mode == "practice" else "They"
    assert question.rubric.points[0].says == f"{who} speak of a mistake of your own."
    assert not report.overall.said and not report.overall.contradicted
    assert question.exchanges[2].aimed_at is None, "what nobody has read may be private"
    assert "Nobody could read the answer" in (tmp_path / "report" / "report.html").read_text("utf-8")


async def test_what_was_not_read_is_read_afterwards_and_once(tmp_path: Path) -> None:
    _, store = await stored(tmp_path, old_log("practice"))
    lease = await store.acquire("old", "again", 60.0)
    events = await store.read("old")
    journal = Journal(store, lease, fold(events), length=len(events))
    await read_missing(journal, READER)
    await read_missing(journal, READER)
    events = await store.read("old")
    assert [e.turn for e in events if isinstance(e, Read)] == [0, 1, 2]
    report = build_report(fold(events), started=0.0, duration=40.0, agent_speech=5.0, recording=None)
    [question] = report.questions
    assert [(p.state, p.evidence.quote if p.evidence else "") for p in question.rubric.points] == [
        ("said", "I deleted a customer table by accident."),
        ("unsure", ""),
    ]
    assert [s.private for s in question.exchanges[1].sentences] == ["", "health", ""]
    assert question.exchanges[2].aimed_at is None and question.rubric.reader == READER.name
    await store.close()


async def test_an_answer_cut_by_a_crash_before_it_was_read_is_read_afterwards(tmp_path: Path) -> None:
    cut = old_log("screen")[:7]  # heard, and then the process died
    _, store = await stored(tmp_path, cut)
    lease = await store.acquire("old", "again", 60.0)
    journal = Journal(store, lease, fold(cut), length=len(cut))
    await read_missing(journal, READER)
    reading = fold(await store.read("old")).turns[-1].reading
    assert reading is not None and [p.kind for p in reading.private] == ["health"]
    await store.close()


def test_the_command_reads_an_old_log_before_it_writes_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.cli.interview.reader_for", lambda settings, model: READER)

    async def write() -> tuple[Path, list[AnyEvent]]:
        settings, store = await stored(tmp_path, old_log("practice"))
        await store.close()
        folder = await report_again(settings, "old", tmp_path / "report")
        store = SqliteStore(tmp_path / "sessions.db")
        try:
            return folder, await events_of(store, "old")
        finally:
            await store.close()

    folder, events = asyncio.run(write())
    assert sum(isinstance(e, Read) for e in events) == 3
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["overall"]["said"][0]["evidence"][0]["quote"] == "I deleted a customer table by accident."
