"""The legs of a stay: a call with one candidate, from their coming until they are gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from agent.engines import Engines
from agent.journal import Journal
from agent.line import Caller
from agent.recorder import RATE, Recorder
from agent.recovery import recover_speech
from agent.requests import Requests
from agent.rooms.cast import Person
from agent.runner import CallPlan, Leg
from agent.speaking import Watcher
from dialogue.mind import Mind
from memory.events import Resumed, Started


@dataclass(frozen=True)
class Stay:
    """What a stay needs. `named`: the candidate's identity where the room is not ours. `silent`: begin by listening."""

    journal: Journal
    mind: Mind
    engines: Engines
    raw: Path
    owner: str
    wait_seconds: float
    lease_seconds: float
    named: str = ""
    silent: str = ""


class RunningCall(Protocol):
    """What a stay tells the call of a leg; what people ask for reaches it by the requests that both have."""

    others_speaking: bool


class RunningLeg(Protocol):
    """What a stay needs of a leg."""

    @property
    def call(self) -> RunningCall: ...

    async def run(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None: ...


class Legs(Protocol):
    """Makes them. `begin` returns None where the candidate has gone while it got ready."""

    async def begin(
        self, caller: Caller, person: Person, there: Callable[[], bool], requests: Requests
    ) -> RunningLeg | None: ...


class RoomLegs:
    """Legs of a real call: recorded, and told to the log."""

    def __init__(self, stay: Stay, watcher: Watcher) -> None:
        self._stay = stay
        self._watcher = watcher
        self._begun = False

    async def begin(
        self, caller: Caller, person: Person, there: Callable[[], bool], requests: Requests
    ) -> RunningLeg | None:
        stay, journal = self._stay, self._stay.journal
        was_recorded = stay.raw.stat().st_mtime if stay.raw.is_file() else time.time()
        if journal.state.started:
            # Before anything is said of a cut: this can take seconds, and they may have gone again meanwhile.
            await recover_speech(journal, stay.raw, stay.engines.decoder)
        if not there():
            return None
        recorder = Recorder(stay.raw)
        try:
            await self._tell(recorder.start / RATE, was_recorded)
            if not there():
                recorder.close()
                return None
            plan = CallPlan(
                stay.engines, stay.mind, caller, self._watcher, stay.lease_seconds, by_phone=person.kind == "sip",
                requests=requests,
            )  # fmt: skip
            leg = Leg(plan, journal, recorder)
        except BaseException:
            recorder.close()
            raise
        self._begun = True
        return leg

    async def _tell(self, t: float, was_recorded: float) -> None:
        """The log: that the interview has begun, or that it goes on after a cut."""
        stay, now = self._stay, time.time()
        names = stay.engines.names
        if not stay.journal.state.started:
            await stay.journal.write(Started(at=now, owner=stay.owner, engines=names))
            return
        cause: Literal["takeover", "rejoin"] = "rejoin" if self._begun else "takeover"
        gap = max(0.0, now - was_recorded)
        await stay.journal.write(Resumed(at=now, t=t, gap=gap, cause=cause, owner=stay.owner, engines=names))
