"""What the room sees of the interview: captions as LiveKit transcriptions, and the agent's state as attributes.

Attributes are state, so whoever joins late has them too; captions are a stream. Nothing here is needed by the call: a
room that cannot be told loses a caption, never an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from livekit import rtc

from agent.rooms.cast import SESSION
from agent.speaking import Watcher
from dialogue.state import State

TOPIC = "lk.transcription"
# The phase of ours, and what LiveKit's own components make of it.
_AGENT_STATES = {
    "waiting": "initializing", "speaking": "speaking", "listening": "listening", "thinking": "thinking",
    "paused": "listening", "silent": "idle", "ended": "idle",
}  # fmt: skip
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Caption:
    who: str
    text: str
    final: bool
    segment: str


class Stage:
    """Its `watcher` goes to the call, `follow` is told the state after each event; `attach` connects it to a room."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._candidate = ""
        self._captions: asyncio.Queue[_Caption] = asyncio.Queue()
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
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while self._changed.is_set() or not self._captions.empty():
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.1)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _caption(self, who: str, text: str, final: bool) -> None:
        self._captions.put_nowait(_Caption(who, text, final, f"{who}-{self._segment}"))
        if final:
            self._segment += 1

    async def _send_captions(self, room: rtc.Room) -> None:
        while True:
            caption = await self._captions.get()
            if not caption.final and not self._captions.empty():
                continue  # a newer one is there
            attributes = {
                "lk.segment_id": f"{self._session}-{caption.segment}",
                "lk.transcription_final": str(caption.final).lower(),
                "viva.who": caption.who,
            }
            sender = self._candidate if caption.who == "candidate" and self._candidate else None
            try:
                writer = await room.local_participant.stream_text(
                    topic=TOPIC, attributes=attributes, sender_identity=sender
                )
                await writer.write(caption.text)
                await writer.aclose()
            except Exception as error:  # the SDK raises its own kinds while a room reconnects
                log.debug("a caption was not sent: %s", type(error).__name__)

    async def _send_state(self, room: rtc.Room) -> None:
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
            try:
                await room.local_participant.set_attributes(attributes)
            except Exception as error:
                log.debug("the state was not sent: %s", type(error).__name__)
                await asyncio.sleep(0.5)
                self._changed.set()
