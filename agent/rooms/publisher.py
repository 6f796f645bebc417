"""What the room sees of the interview: captions as LiveKit transcriptions, and the agent's state as attributes.

Attributes are state, so late joiners get them too; captions are a stream. The call depends on nothing here: a room that
cannot be reached loses a caption, never an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from livekit import rtc

from agent.call.speaking import Watcher
from agent.rooms.outage import Outage
from agent.rooms.roles import SESSION
from agent.tasks import cancel_and_wait
from dialogue.state import State

TOPIC = "lk.transcription"
# Our phases, and the states that LiveKit's own components know.
_AGENT_STATES = {
    "waiting": "initializing", "speaking": "speaking", "listening": "listening", "thinking": "thinking",
    "paused": "listening", "silent": "idle", "ended": "idle",
}  # fmt: skip
MOST_CAPTIONS = 100  # waiting for a room that is unreachable; beyond that the oldest is dropped
SENDING = 5.0  # s that one send may take
AGAIN = 0.5  # s before a state that could not be sent is sent again
CLOSING = 0.5  # s to wait for the last updates to be sent
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Caption:
    who: str
    text: str
    final: bool
    segment: str


class RoomPublisher:
    """`watcher` is for the call, `follow` is called with the state after each event, `attach` connects it to a room."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._candidate = ""
        self._captions: deque[_Caption] = deque(maxlen=MOST_CAPTIONS)
        self._captioned = asyncio.Event()
        self._sending = 0  # captions and states being sent
        self._told = asyncio.Event()  # a send is over
        self._segment = 0
        self._phase = "waiting"
        self._progress = ""
        self._question = ""
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.watcher = Watcher(caption=self._caption, phase=self.phase, note=lambda text: log.info("wording: %s", text))

    def attach(self, room: rtc.Room) -> None:
        self._tasks = [
            asyncio.create_task(self._send_captions(room), name="captions"),
            asyncio.create_task(self._send_state(room), name="state"),
        ]
        self._changed.set()

    def candidate_is(self, identity: str) -> None:
        """Captions of the candidate's words are attributed to `identity`."""
        self._candidate = identity

    def follow(self, state: State) -> None:
        """Update progress and the open question from what is stored."""
        if state.interview is None:
            return
        done = {turn.question for turn in state.turns} | {question for question, _ in state.skipped}
        self._progress = f"{len(done)}/{len(state.interview.questions)}"
        turn = state.awaiting
        self._question = turn.text if turn else ""
        self._changed.set()

    def phase(self, phase: str) -> None:
        self._phase = phase
        self._changed.set()

    async def aclose(self) -> None:
        """Close once everything has been sent, or after half a second."""
        try:
            if self._tasks:
                try:
                    async with asyncio.timeout(CLOSING):
                        while self._changed.is_set() or self._captions or self._sending:
                            self._told.clear()
                            await self._told.wait()
                except TimeoutError:
                    log.info("the room was not told everything before we left")
        finally:
            await cancel_and_wait(*self._tasks)

    def _caption(self, who: str, text: str, final: bool) -> None:
        caption = _Caption(who, text, final, f"{who}-{self._segment}")
        if self._captions and not self._captions[-1].final and self._captions[-1].segment == caption.segment:
            self._captions.pop()  # superseded
        self._captions.append(caption)
        self._captioned.set()
        if final:
            self._segment += 1

    async def _send_captions(self, room: rtc.Room) -> None:
        outage = Outage("sending captions")
        while True:
            while not self._captions:
                self._captioned.clear()
                await self._captioned.wait()
            caption = self._captions.popleft()
            attributes = {
                "lk.segment_id": f"{self._session}-{caption.segment}",
                "lk.transcription_final": str(caption.final).lower(),
                "viva.who": caption.who,
            }
            sender = self._candidate if caption.who == "candidate" and self._candidate else None
            self._sending += 1
            try:
                async with asyncio.timeout(SENDING):
                    writer = await room.local_participant.stream_text(
                        topic=TOPIC, attributes=attributes, sender_identity=sender
                    )
                    await writer.write(caption.text)
                    await writer.aclose()
            except Exception as error:  # the SDK raises its own kinds while a room reconnects
                outage.failed(error)
            else:
                outage.worked()
            finally:
                self._sending -= 1
                self._told.set()

    async def _send_state(self, room: rtc.Room) -> None:
        outage = Outage("sending the agent's state")
        while True:
            await self._changed.wait()
            self._changed.clear()
            attributes = {
                "lk.agent.state": _AGENT_STATES.get(self._phase, "idle"),
                "viva.phase": self._phase,
                "viva.progress": self._progress,
                "viva.question": self._question,
                SESSION: self._session,
            }
            self._sending += 1
            try:
                async with asyncio.timeout(SENDING):
                    await room.local_participant.set_attributes(attributes)
            except Exception as error:
                outage.failed(error)
                self._changed.set()
                await asyncio.sleep(AGAIN)
            else:
                outage.worked()
            finally:
                self._sending -= 1
                self._told.set()
