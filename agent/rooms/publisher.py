"""What the room sees of the interview: captions as LiveKit transcriptions, and the agent's state as attributes.

Attributes are state, so whoever joins late has them too; captions are a stream. Nothing here is needed by the call: a
room that cannot be told loses a caption, never an answer.
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
# The phase of ours, and what LiveKit's own components make of it.
_AGENT_STATES = {
    "waiting": "initializing", "speaking": "speaking", "listening": "listening", "thinking": "thinking",
    "paused": "listening", "silent": "idle", "ended": "idle",
}  # fmt: skip
MOST_CAPTIONS = 100  # that wait for a room that is away; then the oldest is dropped
SENDING = 5.0  # s for which one telling is waited for
AGAIN = 0.5  # s after which a state that was not sent is sent again
CLOSING = 0.5  # s for which the last news are waited for
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Caption:
    who: str
    text: str
    final: bool
    segment: str


class RoomPublisher:
    """Its `watcher` goes to the call, `follow` is told the state after each event; `attach` connects it to a room."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._candidate = ""
        self._captions: deque[_Caption] = deque(maxlen=MOST_CAPTIONS)
        self._captioned = asyncio.Event()
        self._sending = 0  # captions and states that are on their way
        self._told = asyncio.Event()  # everything
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
        """Captions of the candidate's words are marked as theirs."""
        self._candidate = identity

    def follow(self, state: State) -> None:
        """Progress and the open question, from what is stored."""
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
        """After what is still to be told was told, or half a second."""
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
            self._captions.pop()  # a newer one is there
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
