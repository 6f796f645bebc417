"""Listening to the candidate's track: speech on and off, the words so far, how final it sounds. On the sample clock.

Fed by the same frames that the recogniser gets, so both count the same samples. Times are on the session's timeline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
import soxr
from livekit import rtc

from memory.records import Stretch
from voice.audio import SPEECH_RATE, Samples, ear_resampler, from_int16
from voice.boundaries import EDGE, SpeechMap, speech_in
from voice.end_of_turn import WINDOW, EndOfTurnModel
from voice.frames import FRAME_SECONDS
from voice.refiner import LOOK_AHEAD, Refiner
from voice.turn_taking import Turn
from voice.vad import SpeechGate

KEPT = 600.0  # s of sound kept for measuring; an answer longer than this is measured from its last ten minutes


class Ear:
    """`offset`: session time of the first sample. Drives whatever `turn` is set."""

    def __init__(self, offset: float, end_of_turn: EndOfTurnModel, executor: Executor) -> None:
        self.offset = offset
        self._model = end_of_turn
        self._executor = executor
        self._refiner = Refiner()
        self._gate = SpeechGate()
        self._resampler: soxr.ResampleStream | None = None
        self._chunks: list[Samples] = []
        self._first = 0  # position of the first kept sample
        self._count = 0  # samples heard, at 16 kHz
        self._asking: asyncio.Task[None] | None = None
        self.turn: Turn | None = None
        self.speech_since: float | None = None
        self.on_frame: Callable[[], None] = lambda: None
        self._held_up: list[Stretch] = []

    @property
    def now(self) -> float:
        """Session time of the newest sample heard."""
        return self.offset + self._count / SPEECH_RATE

    @property
    def speaking(self) -> bool:
        return self._gate.speaking

    def speech_seconds(self) -> float:
        """How long the speech that is going on has lasted."""
        return self.now - self.speech_since if self.speaking and self.speech_since is not None else 0.0

    def held_up(self, start: float, end: float) -> None:
        """Between these session times the machine stood still: silence there may be no silence of the candidate's."""
        self._held_up.append(Stretch(start=round(start, 3), end=round(end, 3)))

    def take_held_up(self) -> list[Stretch]:
        """Those stretches since it was last asked."""
        taken, self._held_up = self._held_up, []
        return taken

    def hear(self, frame: rtc.AudioFrame) -> None:
        samples = self._at_speech_rate(frame)
        self._keep(samples)
        for probability, end in self._refiner.push(samples):
            change = self._gate.update(probability, end)
            if change is None:
                continue
            at = self.offset + change.time
            self.speech_since = at if change.speaking else None
            if self.turn is None:
                continue
            if change.speaking:
                self.turn.speech_began(at)
            else:
                self.turn.speech_stopped(at)
                self._ask()
        self.on_frame()

    def sound(self, start: float, end: float) -> Samples:
        """16 kHz samples of a stretch of session time, as far as they are kept."""
        kept = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.float32)
        self._chunks = [kept]
        a = max(0, round((start - self.offset) * SPEECH_RATE) - self._first)
        b = max(a, round((end - self.offset) * SPEECH_RATE) - self._first)
        return kept[a:b].copy()

    async def speech(self, start: float, end: float) -> SpeechMap | None:
        """Where the speech is between two session times, once it is judged; None if the line ends before it can be."""
        needed = round((end - self.offset) / FRAME_SECONDS) + EDGE
        for _ in range(round((LOOK_AHEAD + 2.0) / 0.05)):
            if len(self._refiner.probabilities) >= needed:
                return speech_in(self._refiner, start - self.offset, end - self.offset)
            await asyncio.sleep(0.05)
        return None

    def _at_speech_rate(self, frame: rtc.AudioFrame) -> Samples:
        samples = from_int16(np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)[:, 0])
        if frame.sample_rate == SPEECH_RATE:
            return samples
        if self._resampler is None:
            self._resampler = ear_resampler(frame.sample_rate, SPEECH_RATE)
        resampled: Samples = self._resampler.resample_chunk(samples)
        return resampled

    def _keep(self, samples: Samples) -> None:
        self._chunks.append(samples)
        self._count += len(samples)
        while len(self._chunks) > 1 and self._count - self._first - len(self._chunks[0]) > KEPT * SPEECH_RATE:
            self._first += len(self._chunks.pop(0))

    def _ask(self) -> None:
        """Ask the audio model how final the silence sounds; the answer is for this silence only."""
        turn, at = self.turn, self.now
        window = self.sound(at - WINDOW / SPEECH_RATE, at)

        async def ask() -> None:
            loop = asyncio.get_running_loop()
            probability = await loop.run_in_executor(self._executor, self._model.probability, window)
            if turn is self.turn and turn is not None and not turn.speaking:
                turn.sounded_final(probability)

        self._asking = asyncio.create_task(ask())
