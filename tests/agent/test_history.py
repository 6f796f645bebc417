"""Whose earlier practice it is: people with the same name never see each other's in plan, coach or pictures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.planning.planning import Wishes, past_of
from agent.reporting import write_up
from agent.reporting.history import history_of, same_person
from agent.reporting.write_up import finish
from agent.sessions import create
from agent.settings import Settings, load_settings
from memory.records import CandidateSource, Interview, Mode
from memory.sqlite_store import SqliteStore
from tests.dialogue.helpers import agreed, conversation


def interview(
    id_: str, *, returning: bool = False, candidate: str = "Sam", mode: Mode = "practice", retry_of: str = ""
) -> Interview:
    update = {"id": id_, "returning": returning, "candidate": candidate, "mode": mode, "retry_of": retry_of}
    return agreed(["mistake"]).model_copy(update={**update, "source": CandidateSource(kind="room")})


FIRST, OTHER = interview("first"), interview("other")
BACK, BACK_AGAIN = interview("back", returning=True), interview("back-again", returning=True)


@pytest.mark.parametrize(
    ("known", "theirs"),
    [
        ([FIRST, BACK, BACK_AGAIN], {"first", "back", "back-again"}),  # a first interview cannot have been returning
        ([FIRST, OTHER, BACK, BACK_AGAIN], {"back", "back-again"}),  # whose are the first two?
        ([BACK, interview("kim", candidate="Kim"), interview("hiring", mode="screen", returning=True)], {"back"}),
        ([FIRST, interview("try", retry_of="first"), BACK], {"first", "try", "back"}),  # a retry is the same person's
        (
            [FIRST, interview("try", retry_of="first"), interview("2", retry_of="try"), BACK],
            {"first", "try", "2", "back"},
        ),
        ([interview("x", retry_of="y"), interview("y", retry_of="x")], set()),  # nonsense ends
        ([interview("a", candidate="Candidate", returning=True)], set()),
        ([], set()),
    ],
)
def test_who_is_the_same_person(known: Sequence[Interview], theirs: set[str]) -> None:
    name = known[0].candidate if known else "Sam"
    assert same_person(name, known) == theirs


REPORT = {
    "mode": "practice", "created_at": "2026-11-01T10:00:00+00:00",
    "questions": [
        {
            "id": "mistake", "competency": "accountability", "exchanges": [{}],
            "rubric": {"points": [{"state": "said"}, {"state": "unsure"}, {"state": "said"}, {"state": "contradicted"}]},
        },
        {"id": "not-asked", "competency": "accountability", "exchanges": [], "rubric": {"points": [{"state": "unsure"}]}},
    ],
}  # fmt: skip


def put(settings: Settings, session: str, text: str) -> None:
    folder = settings.home / "sessions" / session / "report"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(text)


def in_home(home: Path, *known: Interview) -> tuple[Settings, SqliteStore]:
    settings = load_settings(home=home, memory="sqlite")
    store = SqliteStore(home / "sessions.db")

    async def keep() -> None:
        for one in known:
            await create(store, settings, one)
            put(settings, one.id, json.dumps({**REPORT, "session": one.id, "candidate": one.candidate}))

    asyncio.run(keep())
    return settings, store


def test_the_coach_and_the_plan_draw_on_it_only_for_somebody_who_returns(tmp_path: Path) -> None:
    settings, store = in_home(tmp_path, FIRST, BACK, BACK_AGAIN)
    put(settings, "erased", json.dumps({**REPORT, "candidate": "Sam"}))  # its log is gone, so nobody knows whose it is
    put(settings, "broken", "{")
    levels = [{"id": "mistake", "competency": "accountability", "exchanges": [{}], "rubric": {"level": 2.0}}]
    put(
        settings, BACK_AGAIN.id, json.dumps({**REPORT, "candidate": "Sam", "questions": levels})
    )  # of an earlier version
    put(settings, "older", json.dumps({"mode": "practice", "candidate": "Sam"}))

    async def look() -> None:
        history = await history_of(store, settings, BACK)
        assert [(past.question, past.share) for past in history] == [("mistake", 0.5)] * 2
        assert await history_of(store, settings, FIRST) == []
        assert await history_of(store, settings, BACK.model_copy(update={"mode": "screen"})) == []
        assert len(await past_of(store, settings, Wishes(candidate="Sam", returning=True))) == 2
        assert await past_of(store, settings, Wishes(candidate="Sam", returning=False)) == []
        screening = settings.model_copy(update={"mode": "screen"})
        assert await past_of(store, screening, Wishes(candidate="Sam", returning=True)) == []
        await store.close()

    asyncio.run(look())


@pytest.mark.parametrize(("returning", "drawn_on"), [(False, 0), (True, 1)])
def test_the_pictures_of_a_report_show_nobody_elses_practice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returning: bool, drawn_on: int
) -> None:
    settings, store = in_home(tmp_path, FIRST)
    call = conversation(ids=["mistake"], probes=0)
    call.interview = interview("now", returning=returning)
    given: list[list[object]] = []
    monkeypatch.setattr(write_up, "write_report", lambda events, raw, folder, earlier: given.append(list(earlier)))

    async def end() -> None:
        await create(store, settings, call.interview)
        await finish(store, "now", None, settings.home / "sessions" / "now" / "report")
        sessions = settings.home / "sessions"
        await finish(store, "now", None, tmp_path / "elsewhere" / "deep" / "down", sessions)
        await store.close()

    asyncio.run(end())
    assert [len(earlier) for earlier in given] == [drawn_on] * 2, "wherever the report is written to"
