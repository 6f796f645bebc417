"""Tracks the candidate's speech on the sample clock: when it starts and stops, and how final it sounds.

The recogniser listens to the same front end, so both count the same samples. Times are on the session's timeline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from livekit import rtc

from memory.records import Interval
from voice.audio import SPEECH_RATE, Samples
from voice.turn.end_of_turn import WINDOW, EndOfTurnModel
from voice.turn.endpointing import Endpointer
from voice.vad.boundaries import EDGE, SpeechMap, speech_in
from voice.vad.detector import SpeechGate
from voice.vad.frames import FRAME_SECONDS
from voice.vad.front_end import FrontEnd
from voice.vad.refiner import LOOK_AHEAD, Refiner

KEPT = 600.0  # s of sound kept for measuring; an answer longer than this is measured from its last ten minutes
SLACK = 5.0  # s kept beyond that, so the sound at `earliest` is still there when it is read
PART = 10 * SPEECH_RATE  # samples copied at once

log = logging.getLogger(__name__)


class SpeechTracker:
    """`offset`: session time of the first sample. Drives the current `endpointer`. Close it when the call ends."""

    def __init__(self, offset: float, end_of_turn: EndOfTurnModel, executor: Executor) -> None:
        self.offset = offset
        self.front_end = FrontEnd(KEPT + SLACK)
        self._model = end_of_turn
        self._executor = executor
        self._refiner = Refiner(kept=KEPT + SLACK)
        self._gate = SpeechGate()
        self._asking: asyncio.Task[None] | None = None
        self.endpointer: Endpointer | None = None
        self.speech_since: float | None = None
        self.on_frame: Callable[[], None] = lambda: None
        self._held_up: list[Interval] = []

    @property
    def now(self) -> float:
        """Session time of the newest sample heard."""
        return self.offset + self.front_end.now

    @property
    def earliest(self) -> float:
        """Session time from which sound is kept: nothing before it can be measured."""
        return max(self.offset, self.now - KEPT)

    @property
    def speaking(self) -> bool:
        return self._gate.speaking

    @property
    def nbytes(self) -> int:
        """Memory used for the sound heard, in bytes."""
        return self.front_end.nbytes + self._refiner.nbytes

    def speech_seconds(self) -> float:
        """How long the current speech has lasted; 0 if nobody speaks."""
        return self.now - self.speech_since if self.speaking and self.speech_since is not None else 0.0

    def held_up(self, start: float, end: float) -> None:
        """The machine stalled between these session times: silence there need not be the candidate's."""
        self._held_up.append(Interval(start=round(start, 3), end=round(end, 3)))

    def take_held_up(self) -> list[Interval]:
        """Those intervals since the last call."""
        taken, self._held_up = self._held_up, []
        return taken

    def hear(self, frame: rtc.AudioFrame) -> None:
        heard = self.front_end.push(frame)
        self._refiner.push(heard.samples, heard.detected)
        for probability, end in heard.detected:
            change = self._gate.update(probability, end)
            if change is None:
                continue
            at = self.offset + change.time
            self.speech_since = at if change.speaking else None
            if self.endpointer is None:
                continue
            if change.speaking:
                self.endpointer.speech_began(at)
            else:
                self.endpointer.speech_stopped(at)
                self._ask(self.endpointer)
        self.on_frame()

    async def sound(self, start: float, end: float) -> Samples | None:
        """16 kHz samples between two session times, as far as they were heard; None if they are no longer all kept.

        Copied in parts: the sound of a long answer all at once would stop the loop for a tenth of a second.
        """
        kept = self.front_end.sound
        a, b = (max(0, round((time - self.offset) * SPEECH_RATE)) for time in (start, end))
        found = np.empty(max(0, min(b, kept.end) - a), np.float32)
        for at in range(0, len(found), PART):
            part = kept.read(a + at, a + min(at + PART, len(found)))
            if kept.first > a + at:
                return None
            found[at : at + PART] = part
            await asyncio.sleep(0)
        return found

    async def speech(self, start: float, end: float) -> SpeechMap | None:
        """Where the speech is between two session times, once it is judged; None if the sound ends before it can be."""
        needed = round((end - self.offset) / FRAME_SECONDS) + EDGE
        for _ in range(round((LOOK_AHEAD + 2.0) / 0.05)):
            if self._refiner.judged >= needed:
                return speech_in(self._refiner, start - self.offset, end - self.offset)
            await asyncio.sleep(0.05)
        return None

    async def aclose(self) -> None:
        """Stop asking the model, and wait until that has stopped."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _ask(self, endpointer: Endpointer) -> None:
        """Ask the audio model how final the silence sounds; the answer counts for this silence only."""
        if self._asking is not None:
            self._asking.cancel()
        window = self.front_end.sound.read(self.front_end.sound.end - WINDOW, self.front_end.sound.end)
        self._asking = asyncio.create_task(self._sounds_final(endpointer, window), name="how final it sounds")

    async def _sounds_final(self, endpointer: Endpointer, window: Samples) -> None:
        loop = asyncio.get_running_loop()
        try:
            probability = await loop.run_in_executor(self._executor, self._model.probability, window)
        except Exception as error:  # whatever the model raises, words and silence decide without it
            log.warning("the end-of-turn model failed (%s); the turn is decided by words and silence", error)
            return
        if endpointer is self.endpointer and not endpointer.speaking:
            endpointer.sounded_final(probability)
