"""Preparing a leg: the recording is recognised first, and a cut is logged only if somebody is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.call import recovery
from agent.call.requests import Requests
from agent.call.speaking import Watcher
from agent.rooms import legs as module
from agent.rooms.legs import RoomLegs
from agent.rooms.roles import Person
from memory.events import Resumed
from simulation import virtual_time
from tests.agent.test_stay import asked
from tests.scripted_room import ScriptedJournal

RECOVERY = 3.0  # s


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The arguments legs were created with; a real leg would need engines."""
    made: list[Any] = []

    async def recover(*_: Any) -> bool:
        await asyncio.sleep(RECOVERY)
        return False

    monkeypatch.setattr(module, "recover_speech", recover)
    monkeypatch.setattr(module, "Leg", lambda plan, journal, recorder: made.append(plan) or recorder)
    return made


def legs(folder: Path, journal: ScriptedJournal) -> RoomLegs:
    engines = SimpleNamespace(names={"stt": "x"}, decoder=None)
    stay: Any = SimpleNamespace(
        journal=journal, interviewer=None, engines=engines, folder=folder, owner="me", lease_seconds=10.0
    )
    return RoomLegs(stay, Watcher())


async def begin(made: RoomLegs, there: Any, kind: Any = "standard") -> Any:
    return await made.begin(SimpleNamespace(), Person("candidate", kind), there, Requests())  # type: ignore[arg-type]


def test_who_left_while_the_recording_was_listened_to_leaves_no_trace(tmp_path: Path, plans: list[Any]) -> None:
    async def scenario() -> None:
        journal = asked()
        assert await begin(legs(tmp_path, journal), lambda: asyncio.get_running_loop().time() < 1) is None
        assert journal.written == [] and not (tmp_path / "recording").exists() and plans == []

    virtual_time.run(scenario())


def test_who_left_while_the_log_was_slow_is_not_talked_to(tmp_path: Path, plans: list[Any]) -> None:
    async def scenario() -> None:
        journal = asked()
        journal.slow = 5.0
        assert await begin(legs(tmp_path, journal), lambda: asyncio.get_running_loop().time() < 4) is None
        assert plans == []

    virtual_time.run(scenario())


def test_the_first_leg_begins_the_interview_and_the_next_ones_say_why_there_is_a_hole(
    tmp_path: Path, plans: list[Any]
) -> None:
    async def scenario() -> None:
        fresh = ScriptedJournal()
        await begin(legs(tmp_path / "a", fresh), lambda: True)
        assert fresh.kinds() == ["started"]
        journal = asked()
        made = legs(tmp_path / "b", journal)
        for _ in range(2):
            recorder = await begin(made, lambda: True, "sip")
            recorder.close()
        resumed = [event for event in journal.written if isinstance(event, Resumed)]
        assert [event.cause for event in resumed] == ["takeover", "rejoin"]
        assert all(event.gap >= 0 and event.engines == {"stt": "x"} for event in resumed)
        assert plans[-1].by_phone and not plans[0].by_phone and isinstance(plans[-1].requests, Requests)

    virtual_time.run(scenario())


def test_a_log_that_refuses_closes_the_recording(tmp_path: Path, plans: list[Any]) -> None:
    class Refuses(ScriptedJournal):
        async def write(self, *events: Any) -> None:
            raise RuntimeError("the lease is lost")

    async def scenario() -> None:
        closed: list[bool] = []

        class Recorder(recovery.Recorder):
            def close(self) -> None:
                closed.append(True)
                super().close()

        plain, recovery.Recorder = recovery.Recorder, Recorder  # type: ignore[misc]
        try:
            with pytest.raises(RuntimeError, match="lease is lost"):
                await begin(legs(tmp_path, Refuses()), lambda: True)
        finally:
            recovery.Recorder = plain  # type: ignore[misc]
        assert closed == [True]

    virtual_time.run(scenario())
