"""An agent's stay in a room: find the candidate, run the call leg by leg, heed people, leave when it is over.

A leg ends when the candidate is gone (a closed laptop, a lost network, another device) and a new one begins when they
are back. That is the same way in as after a crash: one path, tried all the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from livekit import rtc
from pydantic import BaseModel, Field, ValidationError

from agent.engines import Engines
from agent.journal import Journal
from agent.recorder import RATE, Recorder
from agent.recovery import recover_speech
from agent.requests import Request
from agent.rooms.caller import RoomCaller
from agent.rooms.cast import SESSION, Person, candidate_of, may_command, role_of
from agent.rooms.control import Refused, gate_of
from agent.rooms.stage import Stage
from agent.runner import CallPlan, Leg
from dialogue.mind import Mind
from memory.events import Resumed, Started, Yielded

MICROPHONE_WAIT = 6.0  # s for which a candidate without a microphone is waited for; then they may type
LINGER = 0.6  # s between the last sound and leaving: it has to reach the ear
DEAF = 0.6  # s without a frame while the connection is being mended: what we hear is no silence of the candidate's
LEAVING = 3.0  # s that tidying up may take at most
CONTROL = "viva.control"  # topic of commands from the server
RPC = "viva.ask"  # method for participants
CHAT = "lk.chat"
DTMF: dict[str, Literal["repeat", "pause", "go_on"]] = {"0": "repeat", "*": "pause", "#": "go_on"}
LONGEST_TYPED = 4000
log = logging.getLogger(__name__)

Outcome = Literal["ended", "nobody", "room_lost"]


class Asked(BaseModel):
    """What a participant or the server sends."""

    kind: Literal["repeat", "pause", "go_on", "typed", "yield", "take_back", "leave", "cancel", "delay"]
    text: str = ""
    seconds: float = Field(default=0.0, ge=0.0, le=5.0)  # of a delay: what the page's side of the line takes
    to: Literal["notes", "panel"] = "panel"


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


class Conduct:
    """`remove`: sends another participant away; for an agent that has died and does not know it."""

    def __init__(self, room: rtc.Room, stage: Stage, stay: Stay, remove: Callable[[str], Awaitable[Any]]) -> None:
        self._room = room
        self._stage = stage
        self._stay = stay
        self._remove = remove
        self._caller = RoomCaller()
        self._leg: Leg | None = None
        self._changed = asyncio.Event()
        self._lost: set[str] = set()  # identities whose network is gone though they are not
        self._listening_to = ""  # sid of the track
        self._candidate: Person | None = None
        self._since: dict[str, float] = {}  # identity to when we first saw it without a microphone
        self._disconnected = False
        self._cut = False  # our own connection is down, and their sound with it
        self._mending: asyncio.Task[None] | None = None
        self._early: list[Request] = []

    # -- the stay --------------------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> Outcome:
        """Until the interview is over, the candidate stays away, or the room is lost. Raises LeaseLost, Stopped."""
        stay = self._stay
        self._watch_room()
        self._stage.attach(self._room)
        leasing = asyncio.create_task(stay.journal.keep_lease(stay.lease_seconds), name="leasing")
        timing = asyncio.create_task(self._caller.delay.watch(self._room), name="room-timing")
        try:
            await self._send_others_away()
            track = rtc.LocalAudioTrack.create_audio_track("viva", self._caller.source)
            await self._room.local_participant.publish_track(
                track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            )
            if stay.silent and not stay.journal.state.started and not stay.journal.state.yielded:
                await stay.journal.write(
                    Yielded(at=time.time(), t=0.0, to="notes" if stay.silent == "notes" else "panel", by="organiser")
                )
            while self._over is None and not (stay.journal.state.ended and self._leg and self._candidate is None):
                self._stage.phase("waiting")
                if not await self._wait_for_candidate(stopping, leasing):
                    return "room_lost" if self._disconnected else "nobody"
                await self._run_leg(stopping, leasing)
            self._stage.phase("ended")
            await asyncio.sleep(LINGER)
            return "ended"
        finally:
            tasks = [task for task in (leasing, timing, self._mending) if task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for part in (self._stage, self._caller):
                # A room that was lost and found again may leave a request unanswered; nobody stays in it for that.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(part.aclose(), LEAVING)

    @property
    def _over(self) -> str | None:
        state = self._stay.journal.state
        return state.ended if not state.farewell_pending else None

    async def _run_leg(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None:
        stay, journal = self._stay, self._stay.journal
        self._caller.gone = False  # before anything that takes time: they may leave meanwhile
        person = self._candidate
        assert person is not None
        self._stage.candidate_is(person.identity)
        self._caller.delay.listen_to(person)
        was_recorded = stay.raw.stat().st_mtime if stay.raw.is_file() else time.time()
        recorder = Recorder(stay.raw)
        now, names = time.time(), stay.engines.names
        if not journal.state.started:
            await journal.write(Started(at=now, owner=stay.owner, engines=names))
        else:
            cause: Literal["takeover", "rejoin"] = "rejoin" if self._leg else "takeover"
            gap = max(0.0, now - was_recorded)
            await journal.write(
                Resumed(at=now, t=recorder.start / RATE, gap=gap, cause=cause, owner=stay.owner, engines=names)
            )
            await recover_speech(journal, stay.raw, stay.engines.decoder)
        plan = CallPlan(
            stay.engines, stay.mind, self._caller, self._stage.watcher, stay.lease_seconds, by_phone=person.kind == "sip"
        )  # fmt: skip
        self._leg = Leg(plan, journal, recorder)
        for request in self._early:
            self._leg.call.ask(request)
        self._early = []
        await self._leg.run(stopping, leasing)

    async def _wait_for_candidate(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> bool:
        """Whether one came in time."""
        deadline = time.monotonic() + self._stay.wait_seconds
        while not self._disconnected and time.monotonic() < deadline:
            self._changed.clear()
            self._look()
            if self._candidate is not None:
                return True
            if stopping.is_set():
                return False
            if leasing.done():
                leasing.result()
            try:
                async with asyncio.timeout(0.5):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return False

    # -- who is there ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Find the candidate and listen to them; end the leg where they are gone."""
        people = {p.identity: p for p in self._room.remote_participants.values()}
        present = [person_of(p) for p in people.values() if p.identity not in self._lost]
        found = candidate_of(present, self._stay.named) if not (self._disconnected or self._cut) else None
        track: rtc.RemoteTrack | None = None
        if found is not None:
            publication = _microphone(people[found.identity])
            if publication is not None:
                if not publication.subscribed:
                    publication.set_subscribed(True)
                track = publication.track
        if found is not None and track is None:
            since = self._since.setdefault(found.identity, time.monotonic())
            if time.monotonic() - since < MICROPHONE_WAIT and self._candidate is None:
                found = None  # its microphone is on its way
        elif found is not None:
            self._since.pop(found.identity, None)
        if found is None or (self._candidate is not None and found.order != self._candidate.order):
            self._caller.gone = True
        if (track.sid if track else "") != self._listening_to:
            self._listening_to = track.sid if track else ""
            self._caller.listen(track)
        self._candidate = found

    def _watch_room(self) -> None:
        room = self._room
        for event in (
            "participant_connected", "track_published", "track_unpublished", "track_subscribed", "track_unsubscribed",
            "participant_attributes_changed",
        ):  # fmt: skip
            room.on(event, lambda *_: self._looked())  # type: ignore[call-overload]
        room.on("participant_disconnected", self._on_left)
        room.on("connection_quality_changed", self._on_quality)
        room.on("disconnected", self._on_disconnected)
        room.on("reconnecting", self._on_reconnecting)
        room.on("reconnected", self._on_reconnected)
        room.on("active_speakers_changed", self._on_speakers)
        room.on("sip_dtmf_received", self._on_dtmf)
        room.on("data_received", self._on_data)
        room.register_text_stream_handler(CHAT, self._on_chat)
        room.local_participant.register_rpc_method(RPC, self._on_rpc)

    def _looked(self) -> None:
        self._look()
        self._changed.set()

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self._lost.discard(participant.identity)
        self._since.pop(participant.identity, None)
        self._looked()

    def _on_quality(self, participant: rtc.Participant, quality: Any) -> None:
        lost = quality == rtc.ConnectionQuality.QUALITY_LOST
        if lost != (participant.identity in self._lost):
            (self._lost.add if lost else self._lost.discard)(participant.identity)
            self._looked()

    def _on_disconnected(self, reason: Any) -> None:
        log.warning("the room is gone (%s); the session is kept", reason)
        self._disconnected = True
        self._looked()

    def _on_reconnecting(self) -> None:
        """Without this the agent takes a dead connection for the end of the answer, and talks to nobody."""

        async def mending() -> None:
            while time.monotonic() - self._caller.heard_at < DEAF:  # a signal line may be mended while media go on
                await asyncio.sleep(0.1)
            self._cut = True
            self._looked()

        if self._mending is None or self._mending.done():
            self._mending = asyncio.create_task(mending(), name="room-mending")

    def _on_reconnected(self) -> None:
        if self._mending is not None:
            self._mending.cancel()
        self._cut = False
        self._looked()

    async def _send_others_away(self) -> None:
        """One interview, one agent: whoever held it before us has lost it."""
        for participant in list(self._room.remote_participants.values()):
            ours = participant.attributes.get(SESSION) == self._stay.journal.session
            if person_of(participant).kind == "agent" and ours:
                log.warning("sending away the agent that ran this interview before")
                await self._remove(participant.identity)

    # -- what people ask -------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> None:
        if self._leg is not None and not self._caller.gone:
            self._leg.call.ask(request)
        else:
            self._early.append(request)

    async def _on_rpc(self, data: rtc.RpcInvocationData) -> str:
        person = self._person(data.caller_identity)
        problem = self._heed(data.payload, person)
        if problem:
            raise rtc.RpcError(1400, problem)
        return "ok"

    def _on_data(self, packet: rtc.DataPacket) -> None:
        # The server's API has no identity, but neither has a participant whom the SDK cannot name: a signature decides.
        if packet.topic == CONTROL and packet.participant is None:
            try:
                problem = self._heed(gate_of(self._stay.journal.session).open(packet.data, time.time()), None)
            except Refused as refused:
                problem = str(refused)
            if problem:
                log.warning("a command was refused: %s", problem)

    def _heed(self, payload: str, person: Person | None) -> str:
        """What was wrong with it, or nothing."""
        try:
            asked = Asked.model_validate(json.loads(payload))
        except (ValueError, ValidationError):
            return 'not a request: send {"kind": ...} with repeat, pause, go_on, typed, yield, take_back, leave, cancel or delay'
        role = role_of(person, self._stay.named) if person else "organiser"
        own = ("repeat", "pause", "go_on", "typed", "leave")
        if asked.kind == "delay":
            if person is not None and role == "candidate":
                self._caller.delay.report(person.identity, asked.seconds)
        elif role == "candidate" and asked.kind in own:
            if asked.kind == "typed" and not asked.text.strip():
                return "nothing was typed"
            self._ask(Request(asked.kind, "candidate", asked.text[:LONGEST_TYPED]))
        elif may_command(person, self._stay.named) and asked.kind in ("yield", "take_back", "leave", "cancel"):
            self._ask(Request(asked.kind, role, to=asked.to))
        else:
            return f"{role} may not ask for {asked.kind}"
        return ""

    def _on_chat(self, reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            text = await reader.read_all()
            person = self._person(identity)
            if person and role_of(person, self._stay.named) == "candidate" and text.strip():
                self._ask(Request("typed", "candidate", text[:LONGEST_TYPED]))

        self._reading = asyncio.create_task(read())

    def _on_dtmf(self, dtmf: rtc.SipDTMF) -> None:
        person = person_of(dtmf.participant) if dtmf.participant else None
        if person and role_of(person, self._stay.named) == "candidate" and dtmf.digit in DTMF:
            self._ask(Request(DTMF[dtmf.digit], "candidate"))

    def _on_speakers(self, speakers: list[rtc.Participant]) -> None:
        if self._leg is not None:
            others = [p for p in speakers if isinstance(p, rtc.RemoteParticipant)]
            self._leg.call.others_speaking = any(
                role_of(person_of(p), self._stay.named) in ("panel", "observer") for p in others
            )

    def _person(self, identity: str) -> Person | None:
        found = self._room.remote_participants.get(identity)
        return person_of(found) if found else Person(identity)


def person_of(participant: rtc.RemoteParticipant) -> Person:
    """A participant as the cast knows it."""
    kinds: dict[int, Literal["standard", "sip", "agent"]] = {
        rtc.ParticipantKind.PARTICIPANT_KIND_SIP: "sip",
        rtc.ParticipantKind.PARTICIPANT_KIND_AGENT: "agent",
    }
    joined = participant.joined_at.timestamp() if participant.joined_at else 0.0
    kind = kinds.get(participant.kind, "standard")
    return Person(participant.identity, kind, dict(participant.attributes), joined, participant.name)


def _microphone(participant: rtc.RemoteParticipant) -> rtc.RemoteTrackPublication | None:
    for publication in participant.track_publications.values():
        if (
            publication.kind == rtc.TrackKind.KIND_AUDIO
            and publication.source != rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
        ):
            return publication
    return None
