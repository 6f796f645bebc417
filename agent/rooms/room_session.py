"""An agent's stay in a room: find the candidate, run the call leg by leg, handle requests, leave when it is over.

A leg ends when the candidate is gone (a closed laptop, a lost network, another device) and a new one begins when they
are back. Resuming after a crash takes the same path, so that path is exercised all the time. Who answers is decided in
`attendance`, who may ask for what in `commands`; this module deals with the room.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from livekit import rtc

from agent.call.requests import Request
from agent.rooms.attendance import Attendance, View
from agent.rooms.caller import RoomCaller, Visitor
from agent.rooms.commands import DTMF, Refused, typed_by_candidate, understand
from agent.rooms.control import gate_of
from agent.rooms.legs import Legs, RoomLegs, RunningLeg, Stay
from agent.rooms.messages import Messages
from agent.rooms.pending_requests import PendingRequests
from agent.rooms.publisher import RoomPublisher
from agent.rooms.roles import SESSION, Person, role_of
from agent.rooms.snapshot import Subscriptions, connection_of, person_of, present_in
from agent.signals import Stopped
from agent.tasks import cancel_and_wait
from memory.events import Ended, Yielded

LOOK = 0.2  # s between two looks at the room, even without room events
LINGER = 0.6  # s between the last sound and leaving: it has to reach the listener
LEAVING = 3.0  # s that cleaning up may take at most
UNHEARD = 300.0  # s of nothing from an open microphone, after which nobody is there; longer than any pause
CONTROL = "viva.control"  # topic of commands from the server
RPC = "viva.ask"  # method for participants
CHAT = "lk.chat"
log = logging.getLogger(__name__)

Outcome = Literal["ended", "nobody", "room_lost"]
__all__ = ["CONTROL", "LEAVING", "Outcome", "RoomSession", "Stay"]


class _Closing(Protocol):
    async def aclose(self) -> None: ...


class RoomSession:
    """`remove`: removes another participant: an agent that has lost the interview without knowing it."""

    def __init__(
        self,
        room: rtc.Room,
        publisher: RoomPublisher,
        stay: Stay,
        remove: Callable[[str], Awaitable[Any]],
        *,
        caller: RoomCaller | None = None,
        legs: Legs | None = None,
    ) -> None:
        self._room = room
        self._publisher = publisher
        self._stay = stay
        self._remove = remove
        self._caller = caller or RoomCaller()
        self._legs = legs or RoomLegs(stay, publisher.watcher)
        self._now = asyncio.get_running_loop().time
        self._attendance = Attendance(stay.named)
        self._subscriptions = Subscriptions(room)
        self._pending = PendingRequests(stay.journal, stay.folder)
        self._messages = Messages()
        self._leg: RunningLeg | None = None
        self._had_leg = False
        self._changed = asyncio.Event()
        self._room_lost = False
        self._unheard = False
        self._speaking: set[str] = set()  # sids of others who are speaking

    # -- the stay --------------------------------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> Outcome:
        """Run until the interview is over, the candidate stays away, or the room is lost. Raises LeaseLost, Stopped."""
        async with contextlib.AsyncExitStack() as leaving:
            leaving.push_async_callback(_bounded, self._caller)
            leaving.push_async_callback(_bounded, self._publisher)
            background = asyncio.create_task(self._in_the_background(), name="room-background")
            leaving.push_async_callback(_ended, background)
            self._watch_room()
            self._publisher.attach(self._room)
            await self._enter()
            outcome = await self._attend(stopping, background)
            if outcome == "ended":
                self._publisher.phase("ended")
                await asyncio.sleep(LINGER)
            return outcome

    async def _enter(self) -> None:
        stay = self._stay
        await self._send_others_away()
        await self._caller.publish(self._room)
        if stay.silent and not stay.journal.state.started and not stay.journal.state.yielded:
            await stay.journal.write(
                Yielded(at=time.time(), t=0.0, to="notes" if stay.silent == "notes" else "panel", by="organiser")
            )

    async def _attend(self, stopping: asyncio.Event, background: asyncio.Task[None]) -> Outcome:
        """Run leg by leg."""
        while True:
            self._publisher.phase("waiting")
            outcome = await self._until_candidate(stopping, background)
            if outcome is not None:
                return outcome
            await self._run_leg(stopping, background)

    async def _until_candidate(self, stopping: asyncio.Event, background: asyncio.Task[None]) -> Outcome | None:
        """None once a candidate is there, else how the stay ends. Handles people's requests meanwhile."""
        deadline = self._now() + self._stay.wait_seconds
        while True:
            self._changed.clear()
            view = self._look()
            if self._unheard and not self._stay.journal.state.ended:
                log.warning("no sound came from an open microphone for %.0f s; the interview ends", UNHEARD)
                await self._stay.journal.write(Ended(at=time.time(), t=self._pending.recorded, reason="silence"))
            if self._over:
                return "ended"
            if background.done():
                background.result()
            if stopping.is_set():
                raise Stopped
            if view.candidate is not None:
                return None
            await self._pending.handle()
            if self._over:
                return "ended"
            if self._room_lost:
                return "room_lost"
            if self._now() >= deadline:
                return "nobody"
            try:
                async with asyncio.timeout(LOOK):
                    await self._changed.wait()
            except TimeoutError:
                pass

    @property
    def _over(self) -> bool:
        """Whether nothing is left to do: a farewell that was cut off is said again if somebody is there to hear it.

        A candidate who leaves before its end has heard enough; one whose line breaks is waited for.
        """
        state = self._stay.journal.state
        if not state.ended:
            return False
        return self._unheard or not state.farewell_pending or (self._had_leg and not self._in_the_room)

    @property
    def _in_the_room(self) -> bool:
        """Whether a candidate is in the room, whatever the state of their line."""
        return any(role_of(p.person, self._stay.named) == "candidate" for p in present_in(self._room))

    async def _run_leg(self, stopping: asyncio.Event, background: asyncio.Task[None]) -> None:
        view = self._attendance.view
        person, visit = view.candidate, view.visit
        assert person is not None

        def there() -> bool:
            now = self._attendance.view
            return now.candidate is not None and now.visit == visit and not self._unheard

        self._publisher.candidate_is(person.identity)
        self._caller.delay.listen_to(person)
        leg = await self._legs.begin(
            Visitor(self._caller, lambda: not there()), person, there, self._pending.requests
        )  # fmt: skip
        if leg is None:
            return
        self._leg, self._had_leg = leg, True
        self._note_others()
        try:
            await leg.run(stopping, background)
        finally:
            self._leg = None
            self._pending.carry_over()

    async def _in_the_background(self) -> None:
        """What runs for the whole stay. Raises the first failure of any part, such as LeaseLost."""
        try:
            async with asyncio.TaskGroup() as group:
                journal = self._stay.journal
                group.create_task(journal.keep_lease(self._stay.lease_seconds), name="leasing")
                group.create_task(self._caller.watch(self._room), name="room-line")
                group.create_task(self._keep_looking(), name="room-looking")
                group.create_task(
                    self._messages.read(lambda text: self._ask(typed_by_candidate(text))), name="room-messages"
                )
        except ExceptionGroup as failures:
            raise _first(failures) from None

    # -- who is there ----------------------------------------------------------------------------------------------

    def _look(self) -> View:
        """See who is there, and listen to whoever answers."""
        connection = "gone" if self._room_lost else connection_of(self._room)
        view = self._attendance.look(present_in(self._room), self._now(), connection, self._caller.heard_at)
        self._caller.listen(self._subscriptions.apply(view))
        if view.renew:
            log.warning("nothing comes from an open microphone; asking the server for it again")
        if self._stay.journal.state.yielded:
            self._attendance.sign_of_life()  # not ours to end while people have the floor
        elif view.deaf >= UNHEARD:
            self._unheard = True
        self._note_others()
        return view

    def _note_others(self) -> None:
        """Tell the call when silence is not the candidate's: somebody else is speaking, or nothing gets through.

        Somebody who left in the middle of a word no longer counts as speaking.
        """
        present = {p.sid for p in self._room.remote_participants.values()}
        if self._leg is not None:
            self._leg.call.others_speaking = bool(self._speaking & present) or self._attendance.view.doubtful

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            before = self._attendance.view
            after = self._look()
            if (before.candidate, before.visit) != (after.candidate, after.visit) or self._unheard:
                self._changed.set()

    def _watch_room(self) -> None:
        room = self._room
        for event in (
            "participant_connected", "participant_disconnected", "participant_attributes_changed", "track_published",
            "track_unpublished", "track_subscribed", "track_unsubscribed", "track_muted", "track_unmuted",
            "connection_quality_changed", "connection_state_changed",
        ):  # fmt: skip
            room.on(event, lambda *_: self._on_change())  # type: ignore[call-overload]
        room.on("disconnected", self._on_disconnected)
        room.on("active_speakers_changed", self._on_speakers)
        room.on("sip_dtmf_received", self._on_dtmf)
        room.on("data_received", self._on_data)
        room.register_text_stream_handler(CHAT, self._on_chat)
        room.local_participant.register_rpc_method(RPC, self._on_rpc)

    def _on_change(self) -> None:
        self._look()
        self._changed.set()

    def _on_disconnected(self, reason: Any) -> None:
        log.warning("the room is gone (%s); the session is kept", reason)
        self._room_lost = True
        self._on_change()

    async def _send_others_away(self) -> None:
        """One interview, one agent: any agent that held it before us has lost it."""
        for participant in list(self._room.remote_participants.values()):
            ours = participant.attributes.get(SESSION) == self._stay.journal.session
            if person_of(participant).kind == "agent" and ours:
                log.warning("sending away the agent that ran this interview before")
                try:
                    async with asyncio.timeout(LEAVING):
                        await self._remove(participant.identity)
                except Exception as error:  # it may have left by itself; its writes are refused in any case
                    log.warning("it was not sent away: %s", error)

    # -- what people ask -------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> str:
        """Queue a request for the call or, between two legs, for us. Returns what was wrong with it, or ""."""
        if request.by == "candidate":
            self._attendance.sign_of_life()
        if not self._pending.requests.put(request):
            return "too many requests wait; try again in a moment"
        self._changed.set()
        return ""

    async def _on_rpc(self, data: rtc.RpcInvocationData) -> str:
        person = self._person(data.caller_identity)
        problem = self._handle(data.payload, person)
        if problem:
            raise rtc.RpcError(1400, problem)
        return "ok"

    def _on_data(self, packet: rtc.DataPacket) -> None:
        # The server's API has no identity, but neither has a participant that the SDK cannot name; a signature decides.
        if packet.topic == CONTROL and packet.participant is None:
            try:
                problem = self._handle(gate_of(self._stay.journal.session).open(packet.data, time.time()), None)
            except Refused as refused:
                problem = str(refused)
            if problem:
                log.warning("a command was refused: %s", problem)

    def _handle(self, payload: str, person: Person | None) -> str:
        """Returns what was wrong with it, or ""."""
        try:
            asked = understand(payload, person, self._stay.named)
        except Refused as problem:
            return str(problem)
        if isinstance(asked, Request):
            return self._ask(asked)
        if asked is not None and person is not None:
            self._caller.delay.report(person.identity, asked)
        return ""

    def _on_chat(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if role_of(self._person(identity), self._stay.named) == "candidate":
            self._messages.take(reader)
        else:
            reader.close()  # or the SDK keeps the unread data

    def _on_dtmf(self, dtmf: rtc.SipDTMF) -> None:
        person = person_of(dtmf.participant) if dtmf.participant else None
        if person and role_of(person, self._stay.named) == "candidate" and dtmf.digit in DTMF:
            self._ask(Request(DTMF[dtmf.digit], "candidate"))

    def _on_speakers(self, speakers: list[rtc.Participant]) -> None:
        others = [person_of(p) for p in speakers if isinstance(p, rtc.RemoteParticipant)]
        self._speaking = {p.sid for p in others if role_of(p, self._stay.named) in ("panel", "observer")}
        self._note_others()

    def _person(self, identity: str) -> Person:
        found = self._room.remote_participants.get(identity)
        return person_of(found) if found else Person(identity)


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The first exception, out of possibly nested groups."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


async def _ended(background: asyncio.Task[None]) -> None:
    if not background.done():
        await cancel_and_wait(background)


async def _bounded(part: _Closing) -> None:
    """Close within LEAVING s: a room that was lost and found again may leave a request unanswered for ever."""
    try:
        async with asyncio.timeout(LEAVING):
            await part.aclose()
    except TimeoutError:
        log.warning("%s was not tidied up within %.0f s", type(part).__name__, LEAVING)
