"""The legs of a room session: each is a call with the candidate, from their arrival until they are gone."""

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
    """What a room session needs. `named`: the candidate's identity, if the room is not ours. `silent`: listen first."""

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
    """What a room session tells a leg's call; people's requests reach it through the queue that both share."""

    others_speaking: bool


class RunningLeg(Protocol):
    """What a room session needs of a leg."""

    @property
    def call(self) -> RunningCall: ...

    async def run(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None: ...


class Legs(Protocol):
    """Makes legs. `begin` returns None if the candidate left while it was getting ready."""

    async def begin(
        self, caller: Caller, person: Person, there: Callable[[], bool], requests: Requests
    ) -> RunningLeg | None: ...


class RoomLegs:
    """Legs of a real call: recorded and logged."""

    def __init__(self, stay: Stay, watcher: Watcher) -> None:
        self._stay = stay
        self._watcher = watcher
        self._begun = False

    async def begin(
        self, caller: Caller, person: Person, there: Callable[[], bool], requests: Requests
    ) -> RunningLeg | None:
        stay, journal = self._stay, self._stay.journal
        # Before the cut is logged: this can take seconds, and the candidate may have left again meanwhile.
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
