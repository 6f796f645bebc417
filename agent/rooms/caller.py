"""The candidate in a room as the line's other end: 20 ms in, 20 ms out, on one clock."""

from __future__ import annotations

import asyncio
import contextlib
import time

import numpy as np
from livekit import rtc

from agent.recorder import RATE
from agent.rooms.delay import LineDelay
from voice.audio import Samples, from_int16, to_int16
from voice.jitter import JitterBuffer

FRAME = RATE // 50
CUSHION = 3 * FRAME  # heard before it is passed on: the network's jitter
MOST = RATE  # a second; what comes later than that after a stall is dropped, oldest first
LEAD = 4 * FRAME
QUEUE_MS = 200  # of the outgoing source: what a late tick may make up for
BEHIND = (LEAD + 2 * FRAME) / RATE  # s; what waits longer has been held up, and silence in it is left out
SILENT = 1e-3  # peak, -60 dBFS


class RoomCaller:
    """Implements the line's Caller. `listen` connects it to a track, `gone` ends the line. `delay`: of the network."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        self.gone = False
        self.heard_at = time.monotonic()  # when the last frame arrived, or when we began to wait for one
        self.delay = LineDelay()
        self._incoming = JitterBuffer(CUSHION, MOST)
        self._outgoing: asyncio.Queue[Samples] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._sending = asyncio.create_task(self._send(), name="room-sending")

    def speak(self, count: int) -> Samples:
        return self._incoming.take(count)

    @property
    def transport(self) -> float | None:
        """For the next sound: our queues as full as they are, the way there and back. None where nobody can say."""
        line = self.delay.seconds
        return None if line is None else self._waiting + self._incoming.depth / RATE + line

    @property
    def _waiting(self) -> float:
        """Seconds of our own sound that are not yet sent."""
        return self.source.queued_duration + self._outgoing.qsize() * FRAME / RATE

    def hear(self, samples: Samples) -> None:
        self._outgoing.put_nowait(samples)

    def listen(self, track: rtc.Track | None) -> None:
        """Listen to this track from now on, and to no other; None: to nobody."""
        if self._reading:
            self._reading.cancel()
        self._incoming.clear()
        self.heard_at = time.monotonic()
        self._reading = asyncio.create_task(self._read(track), name="room-reading") if track else None

    async def aclose(self) -> None:
        for task in (self._reading, self._sending):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self.source.aclose()

    async def _read(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        try:
            async for event in stream:
                self.heard_at = time.monotonic()
                self._incoming.push(from_int16(np.frombuffer(event.frame.data, np.int16)))
        finally:
            await stream.aclose()

    async def _send(self) -> None:
        while True:
            samples = await self._outgoing.get()
            if self._waiting > BEHIND and np.abs(samples).max(initial=0.0) < SILENT:
                continue  # after a stall: caught up within the next pause, or all that follows would be late
            if self.source.queued_duration == 0.0:
                # A little silence first: what a late tick is made up from, so that no syllable is torn.
                samples = np.concatenate([np.zeros(LEAD, np.float32), samples])
            frame = rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, len(samples))
            with contextlib.suppress(Exception):  # the SDK raises plain Exception while a room reconnects
                await self.source.capture_frame(frame)
