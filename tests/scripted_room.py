"""A scripted LiveKit room for virtual time: people join, leave, lose their network; tracks carry sound or are dead.

It has only the parts of the SDK that a stay uses, with the same signatures, and delays where the real one has them.
"""

from __future__ import annotations

import asyncio
import datetime
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from livekit import rtc

from agent.call.requests import Request, Requests
from agent.rooms.caller import FRAME, RoomCaller
from agent.rooms.publisher import RoomPublisher
from agent.rooms.roles import ROLE, Person
from agent.rooms.room_session import RoomSession
from dialogue.state import fold
from memory.events import AnyEvent

DELIVERY = 0.1  # s from asking for a track to having it
EPOCH = 1_800_000_000


@dataclass
class Track:
    """A published track as subscribers see it. `alive`: frames arrive; `stuck`: only after the next subscription."""

    room: ScriptedRoom
    sid: str
    alive: bool = True
    stuck: bool = False

    async def frames(self) -> AsyncIterator[Any]:
        while True:
            await asyncio.sleep(0.02)
            if self.alive and not self.stuck and self.room.media:
                data = np.full(FRAME, 1000, np.int16).tobytes()
                yield SimpleNamespace(frame=SimpleNamespace(data=data))


@dataclass
class Publication:
    """A remote publication of a microphone."""

    participant: Participant
    sid: str
    sound: Track
    muted: bool = False
    kind: int = rtc.TrackKind.KIND_AUDIO
    source: int = rtc.TrackSource.SOURCE_MICROPHONE
    track: Any = None
    asked: list[bool] = field(default_factory=list)

    @property
    def subscribed(self) -> bool:
        return self.track is not None

    def set_subscribed(self, wanted: bool) -> None:
        self.asked.append(wanted)
        room = self.participant.room
        room.later(DELIVERY, lambda: self._deliver(wanted))

    def _deliver(self, wanted: bool) -> None:
        room = self.participant.room
        if self.participant.track_publications.get(self.sid) is not self or wanted == self.subscribed:
            return
        if not wanted:
            self.sound.stuck = False
        self.track = self.sound if wanted else None
        room.emit("track_subscribed" if wanted else "track_unsubscribed", self.sound, self, self.participant)


@dataclass
class Participant:
    """A remote participant."""

    room: ScriptedRoom
    identity: str
    sid: str
    attributes: dict[str, str]
    joined: float
    kind: int = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
    name: str = ""
    connection_quality: int = rtc.ConnectionQuality.QUALITY_GOOD
    track_publications: dict[str, Publication] = field(default_factory=dict)

    @property
    def joined_at(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(EPOCH + int(self.joined), tz=datetime.UTC)  # whole seconds


class ScriptedRoom:
    """Call its methods to make things happen; `emit` tells the listeners."""

    def __init__(self) -> None:
        self.remote_participants: dict[str, Participant] = {}
        self.connection_state: int = rtc.ConnectionState.CONN_CONNECTED
        self.media = True  # sound comes through
        self.told: list[dict[str, str]] = []  # the agent's attributes
        self.captions: list[str] = []
        self.text_handlers: dict[str, Callable[..., Any]] = {}
        self.rpc: dict[str, Callable[..., Any]] = {}
        self.local_participant: Any = SimpleNamespace(
            set_attributes=self._set_attributes,
            stream_text=self._stream_text,
            register_rpc_method=self.rpc.__setitem__,
        )
        self._handlers: dict[str, list[Callable[..., Any]]] = defaultdict(list)
        self._number = 0

    # -- what the SDK's room has -----------------------------------------------------------------------------------

    def on(self, event: str, handler: Callable[..., Any]) -> None:
        self._handlers[event].append(handler)

    def register_text_stream_handler(self, topic: str, handler: Callable[..., Any]) -> None:
        self.text_handlers[topic] = handler

    async def get_rtc_stats(self) -> Any:
        return SimpleNamespace(publisher_stats=[], subscriber_stats=[])

    async def _set_attributes(self, attributes: dict[str, str]) -> None:
        self.told.append(attributes)

    async def _stream_text(self, **_: Any) -> Any:
        async def write(text: str) -> None:
            self.captions.append(text)

        async def aclose() -> None:
            pass

        return SimpleNamespace(write=write, aclose=aclose)

    def emit(self, event: str, *arguments: Any) -> None:
        for handler in self._handlers[event]:
            handler(*arguments)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, what)

    # -- what happens ----------------------------------------------------------------------------------------------

    def join(self, identity: str = "candidate", role: str = "candidate", *, microphone: bool = True) -> Participant:
        """Somebody joins; a participant with the same identity is removed first, as LiveKit does."""
        if identity in self.remote_participants:
            self.leave(identity)
        self._number += 1
        now = asyncio.get_running_loop().time()
        attributes = {ROLE: role} if role else {}
        person = Participant(self, identity, f"PA_{self._number}", attributes, now)
        self.remote_participants[identity] = person
        self.emit("participant_connected", person)
        if microphone:
            self.publish(identity)
        return person

    def leave(self, identity: str = "candidate") -> None:
        gone = self.remote_participants.pop(identity, None)
        if gone is not None:
            for publication in list(gone.track_publications.values()):
                publication.track = None
            self.emit("participant_disconnected", gone)

    def publish(self, identity: str = "candidate", *, alive: bool = True, stuck: bool = False) -> Publication:
        self._number += 1
        person = self.remote_participants[identity]
        sid = f"TR_{self._number}"
        publication = Publication(person, sid, Track(self, sid, alive, stuck))
        person.track_publications[sid] = publication
        self.emit("track_published", publication, person)
        return publication

    def unpublish(self, publication: Publication) -> None:
        person = publication.participant
        if person.track_publications.pop(publication.sid, None) is not None:
            publication.track = None
            self.emit("track_unpublished", publication, person)

    def mute(self, publication: Publication, muted: bool = True) -> None:
        publication.muted = muted
        self.emit("track_muted" if muted else "track_unmuted", publication.participant, publication)

    def quality(self, identity: str, quality: int) -> None:
        person = self.remote_participants.get(identity)
        if person is not None:
            person.connection_quality = quality
            self.emit("connection_quality_changed", person, quality)

    def connection(self, state: int, *, media: bool) -> None:
        """Change our own connection: the state the SDK reports, and whether sound gets through."""
        self.connection_state, self.media = state, media
        self.emit("connection_state_changed", state)
        if state == rtc.ConnectionState.CONN_DISCONNECTED:
            self.emit("disconnected", "SERVER_SHUTDOWN")

    def type(self, text: str, identity: str = "candidate", *, pieces: int = 1, pause: float = 0.0) -> Any:
        """A chat message that arrives in pieces."""
        reader = Reader(text, pieces, pause)
        self.text_handlers["lk.chat"](reader, identity)
        return reader


class Reader:
    """An incoming text stream."""

    def __init__(self, text: str, pieces: int, pause: float) -> None:
        size = max(1, -(-len(text) // pieces))
        self._pieces = [text[i : i + size] for i in range(0, len(text), size)]
        self._pause = pause
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[str]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause)
            yield piece

    def close(self) -> None:
        self.closed = True


class Source:
    """A sink that takes all our sound immediately."""

    queued_duration = 0.0

    async def capture_frame(self, frame: Any) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        pass


class Stream:
    """A track's frames."""

    def __init__(self, track: Track) -> None:
        self._track = track

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._track.frames()

    async def aclose(self) -> None:
        pass


class ScriptedCaller(RoomCaller):
    """A RoomCaller without the SDK."""

    def __init__(self) -> None:
        super().__init__(Source(), Stream)

    async def publish(self, room: Any) -> None:
        await asyncio.sleep(0)


@dataclass
class Lived:
    """A past or running leg: the sid of the joining it served, and when it began and ended."""

    sid: str
    began: float
    ended: float | None = None
    was_handled: list[Request] = field(default_factory=list)


class ScriptedLegs:
    """Legs that listen until the caller is gone. `slow`: s to get ready; `closing`: s to end.

    `heeds`: whether a leg handles requests; `on_request` is called with each request handled.
    """

    def __init__(self, slow: float = 0.0, closing: float = 0.0, *, heeds: bool = True) -> None:
        self.slow = slow
        self.closing = closing
        self.heeds = heeds
        self.lived: list[Lived] = []
        self.at_once = 0
        self.most_at_once = 0
        self.calls: list[Any] = []
        self.on_request: Callable[[Request], Any] = lambda request: None

    async def begin(self, caller: Any, person: Person, there: Callable[[], bool], requests: Requests) -> Any:
        await asyncio.sleep(self.slow)
        if not there():
            return None
        call = SimpleNamespace(others_speaking=False)
        self.calls.append(call)
        return SimpleNamespace(call=call, run=lambda *a: self._run(caller, person, requests, *a))

    async def _run(
        self, caller: Any, person: Person, requests: Requests, stopping: asyncio.Event, leasing: asyncio.Task[None]
    ) -> None:
        now = asyncio.get_running_loop().time
        lived = Lived(person.sid, now())
        self.lived.append(lived)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            while not caller.gone and not stopping.is_set():
                if leasing.done():
                    leasing.result()
                if self.heeds and (request := requests.take()):
                    lived.was_handled.append(request)
                    if await asyncio.ensure_future(_awaited(self.on_request(request))):
                        return
                caller.speak(FRAME)
                await asyncio.sleep(0.02)
            lived.ended = now()
            await asyncio.sleep(self.closing)
        finally:
            lived.ended = lived.ended or now()
            self.at_once -= 1


async def _awaited(value: Any) -> Any:
    return await value if asyncio.iscoroutine(value) else value


class ScriptedJournal:
    """The session's log in memory. `slow`: s per write."""

    session = "abc"
    token = 1

    def __init__(self, *events: AnyEvent, slow: float = 0.0) -> None:
        self.state = fold(events)
        self.written: list[AnyEvent] = []
        self.slow = slow

    async def write(self, *events: AnyEvent) -> None:
        await asyncio.sleep(self.slow)
        self.written += events
        self.state = fold(events, self.state)

    async def keep_lease(self, seconds: float) -> None:
        await asyncio.Event().wait()

    def kinds(self) -> list[str]:
        return [event.kind for event in self.written]


@dataclass
class Scene:
    """A stay in a scripted room, from entering it on. Use `async with`; `outcome` waits for its end."""

    room: ScriptedRoom = field(default_factory=ScriptedRoom)
    legs: ScriptedLegs = field(default_factory=ScriptedLegs)
    journal: ScriptedJournal = field(default_factory=ScriptedJournal)
    wait_seconds: float = 60.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    removed: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Scene:
        stay: Any = SimpleNamespace(
            journal=self.journal, folder=Path("/nowhere"), wait_seconds=self.wait_seconds, lease_seconds=10.0,
            named="", silent="", owner="me",
        )  # fmt: skip

        async def remove(identity: str) -> None:
            self.removed.append(identity)

        self.conduct = RoomSession(
            self.room, RoomPublisher("abc"), stay, remove, caller=ScriptedCaller(), legs=self.legs,  # type: ignore[arg-type]
        )  # fmt: skip
        self.staying = asyncio.create_task(self.conduct.run(self.stopping), name="stay")
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.staying.cancel()
        await asyncio.gather(self.staying, return_exceptions=True)

    async def outcome(self) -> str:
        return await self.staying

    @property
    def lived(self) -> list[Lived]:
        return self.legs.lived

    @property
    def leg(self) -> Lived | None:
        """The running leg."""
        running = [leg for leg in self.lived if leg.ended is None]
        return running[-1] if running else None

    async def ask(self, kind: str, identity: str = "candidate", **more: str) -> str:
        """Send a request by RPC, as the page does. Raises rtc.RpcError if it is refused."""
        data = SimpleNamespace(caller_identity=identity, payload=json.dumps({"kind": kind, **more}))
        answer: str = await self.room.rpc["viva.ask"](data)
        return answer

    def command(self, kind: str, **more: str) -> str:
        """Send a command from the server. Returns what was wrong with it."""
        return self.conduct._handle(json.dumps({"kind": kind, **more}), None)
