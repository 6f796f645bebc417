"""An in-process audio bridge between caller and agent. Real time, 20 ms a tick, both directions recorded.

The same LiveKit AgentSession runs in a room and in an offline call: its audio input and output are the two ends below.
By construction the recorder gets exactly what each side heard, sample for sample.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from agent.call.recording import RATE, Recorder
from voice.audio import Samples, from_int16, to_int16

TICK = RATE // 50  # 20 ms
BREATH = 0.004  # s, the minimum between two ticks: sound that arrived during a stall must reach its buffer first
HELD_UP = 0.15  # s; if a tick is later than this, the sound is assumed to be late as well
SETTLING = 0.3  # s that the network's jitter buffer takes to catch up afterwards
AUDIBLE = 0.004  # -48 dBFS: quieter samples at the end of a clip are not heard as speech


class Caller(Protocol):
    """The other end of the bridge: the one who answers the questions."""

    def speak(self, count: int) -> Samples:
        """The next `count` samples at 24 kHz; room tone while silent."""
        ...

    def hear(self, samples: Samples) -> None:
        """The agent's sound for the same stretch of time."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the caller has hung up."""
        ...

    @property
    def transport(self) -> float | None:
        """Seconds for our sound to reach them plus theirs to reach us; None if unknown.

        0 only within one process, where the caller's sound waits whenever we stall.
        """
        ...


class BridgeInput(io.AudioInput):
    """What the agent hears."""

    def __init__(self) -> None:
        super().__init__(label="line")
        self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    def push(self, samples: Samples) -> None:
        self._frames.put_nowait(rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, len(samples)))

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.get()


class BridgeOutput(io.AudioOutput):
    """What the agent says: frames arrive faster than real time and are taken tick by tick."""

    def __init__(self) -> None:
        super().__init__(label="line", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=RATE)
        self._pending: list[Samples] = []
        self._count = 0  # samples pending
        self._played = 0  # samples of the current segment taken so far
        self._open = False  # a segment is being captured
        self._ended = False  # its last frame has been captured
        self._started = False
        self._paused = False
        self.segment_seconds = 0.0
        self.line_delay: Callable[[], float | None] = lambda: 0.0
        self.transport: float | None = None
        self.audible_start: float | None = None
        self.audible_end: float | None = None

    @property
    def playing(self) -> bool:
        return self._count > 0 or self._open

    def begin_utterance(self) -> None:
        """Forget when the last utterance was audible."""
        self.audible_start = self.audible_end = self.transport = None
        self.segment_seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        samples = from_int16(np.frombuffer(frame.data, np.int16))
        self._open, self._ended = True, False
        self._pending.append(samples)
        self._count += len(samples)
        self.segment_seconds += len(samples) / RATE

    def flush(self) -> None:
        super().flush()
        self._ended = True

    def clear_buffer(self) -> None:
        if self._open:
            self._pending, self._count = [], 0
            self._finish(interrupted=True)

    def pause(self) -> None:
        super().pause()
        self._paused = True

    def resume(self) -> None:
        super().resume()
        self._paused = False

    def take(self, count: int, now: float) -> Samples:
        """The next `count` samples, padded with silence. `now`: session time of the first one, s."""
        out = np.zeros(count, np.float32)
        filled = 0
        while filled < count and self._pending and not self._paused:
            head = self._pending[0]
            part = min(count - filled, len(head))
            out[filled : filled + part] = head[:part]
            if part == len(head):
                self._pending.pop(0)
            else:
                self._pending[0] = head[part:]
            filled += part
        self._count -= filled
        self._played += filled
        loud = np.flatnonzero(np.abs(out) > AUDIBLE)
        if len(loud):
            self.audible_start = self.audible_start if self.audible_start is not None else now + loud[0] / RATE
            self.audible_end = now + (loud[-1] + 1) / RATE
            self.transport = self.line_delay()  # for this very sound: how much is queued ahead of it varies
        if filled and not self._started:
            self._started = True
            self.on_playback_started(created_at=time.time())
        if self._open and self._ended and self._count == 0:
            self._finish(interrupted=False)
        return out

    def _finish(self, *, interrupted: bool) -> None:
        position = self._played / RATE
        self._open = self._ended = self._started = False
        self._played = 0
        self.on_playback_finished(playback_position=position, interrupted=interrupted)


class AudioBridge:
    """Connects a caller to an agent's input and output, tick by tick, in step with `clock`.

    `on_held_up` is told of intervals (session time, s) in which this process stalled and sound may be placed too late.
    """

    def __init__(
        self,
        caller: Caller,
        recorder: Recorder,
        clock: Callable[[], float] = time.monotonic,
        on_tick: Callable[[Samples, Samples], None] = lambda candidate, agent: None,
    ) -> None:
        self.input = BridgeInput()
        self.output = BridgeOutput()
        self.output.line_delay = lambda: caller.transport
        self._caller = caller
        self._recorder = recorder
        self._clock = clock
        self._on_tick = on_tick
        self.on_held_up: Callable[[float, float], None] = lambda start, end: None

    @property
    def now(self) -> float:
        """Seconds on the session's timeline."""
        return self._recorder.seconds

    async def run(self) -> None:
        """Runs until cancelled or the caller is gone. Late ticks are made up for, so the timeline never drifts."""
        began, ticks, held_up_until = self._clock(), 0, 0.0
        while not self._caller.gone:
            late = self._clock() - began - ticks * TICK / RATE
            if late > HELD_UP and self.now >= held_up_until and self._caller.transport != 0.0:
                held_up_until = self.now + late + SETTLING
                self.on_held_up(self.now, held_up_until)
            agent = self.output.take(TICK, self.now)
            candidate = self._caller.speak(TICK)
            self._caller.hear(agent)
            self._recorder.write(candidate, agent)
            self.input.push(candidate)
            self._on_tick(candidate, agent)
            ticks += 1
            await asyncio.sleep(max(BREATH, began + ticks * TICK / RATE - self._clock()))
