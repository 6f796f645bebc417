"""The candidate in a room as the line's other end: 20 ms in, 20 ms out, on one clock."""

from __future__ import annotations

import asyncio
import contextlib
import time

import numpy as np
from livekit import rtc

from agent.recorder import RATE
from voice.audio import Samples, from_int16, to_int16
from voice.jitter import JitterBuffer

FRAME = RATE // 50
CUSHION = 3 * FRAME  # heard before it is passed on: the network's jitter
MOST = RATE  # a second; what comes later than that after a stall is dropped, oldest first
LEAD = 4 * FRAME
QUEUE_MS = 200  # of the outgoing source: what a late tick may make up for


class RoomCaller:
    """Implements the line's Caller. `listen` connects it to a track, `gone` ends the line."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        self.gone = False
        self.heard_at = time.monotonic()  # when the last frame arrived, or when we began to wait for one
        self.phone = False
        self.reported: float | None = None  # s that the candidate's page says its side of the line takes
        self.round_trip = 0.0  # s from here to the LiveKit server and back
        self._incoming = JitterBuffer(CUSHION, MOST)
        self._outgoing: asyncio.Queue[Samples] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._sending = asyncio.create_task(self._send(), name="room-sending")

    def speak(self, count: int) -> Samples:
        return self._incoming.take(count)

    @property
    def transport(self) -> float | None:
        """Our queue, the way there and back, and our cushion. None on a phone, and before the page has reported."""
        if self.phone or self.reported is None:
            return None
        return (LEAD + self._incoming.depth) / RATE + self.round_trip + self.reported

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
        # A little silence first: what a late tick is made up from, so that no syllable is torn.
        self._outgoing.put_nowait(np.zeros(LEAD, np.float32))
        while True:
            samples = await self._outgoing.get()
            frame = rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, len(samples))
            with contextlib.suppress(Exception):  # the SDK raises plain Exception while a room reconnects
                await self.source.capture_frame(frame)
