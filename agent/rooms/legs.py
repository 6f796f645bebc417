"""The legs of a stay: a call with one candidate, from their coming until they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.call.audio_bridge import Caller
from agent.call.journal import Journal
from agent.call.leg import CallPlan, Leg
from agent.call.recording import Recording
from agent.call.recovery import Entry, go_on, recover_speech
from agent.call.requests import Requests
from agent.call.speaking import Watcher
from agent.engines.loading import Engines
from agent.rooms.roles import Person
from dialogue.manager.interviewer import Interviewer


@dataclass(frozen=True)
class Stay:
    """What a stay needs. `named`: the candidate's identity where the room is not ours. `silent`: begin by listening."""

    journal: Journal
    interviewer: Interviewer
    engines: Engines
    folder: Path
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
        # Before anything is said of a cut: this can take seconds, and they may have gone again meanwhile.
        await recover_speech(journal, Recording(stay.folder), stay.engines.decoder)
        if not there():
            return None
        entry = Entry(stay.owner, stay.engines.names, "rejoin" if self._begun else "takeover")
        recorder = await go_on(journal, stay.folder, entry)
        if not there():
            recorder.close()
            return None
        plan = CallPlan(
            stay.engines, stay.interviewer, caller, self._watcher, stay.lease_seconds, by_phone=person.kind == "sip",
            requests=requests,
        )  # fmt: skip
        try:
            leg = Leg(plan, journal, recorder)
        except BaseException:
            recorder.close()
            raise
        self._begun = True
        return leg
