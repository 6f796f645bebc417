"""The candidate in a room as the line's other end: 20 ms in, 20 ms out, on one clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

import numpy as np
from livekit import rtc

from agent.recorder import RATE
from voice.audio import Samples, from_int16, to_int16

FRAME = RATE // 50
CUSHION = 3 * FRAME  # heard before it is passed on: the network's jitter
MOST = RATE  # a second; what comes later than that after a stall is dropped, oldest first
QUEUE_MS = 200  # of the outgoing source: what a late tick may make up for


class RoomCaller:
    """Implements the line's Caller. `listen` connects it to a track, `gone` ends the line."""

    def __init__(self) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS)
        self.gone = False
        self._incoming: deque[Samples] = deque()
        self._count = 0
        self._flowing = False
        self._outgoing: asyncio.Queue[Samples] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._sending = asyncio.create_task(self._send(), name="room-sending")

    def speak(self, count: int) -> Samples:
        out = np.zeros(count, np.float32)
        if not self._flowing:
            if self._count < CUSHION:
                return out
            self._flowing = True
        filled = 0
        while filled < count and self._incoming:
            head = self._incoming.popleft()
            part = min(count - filled, len(head))
            out[filled : filled + part] = head[:part]
            if part < len(head):
                self._incoming.appendleft(head[part:])
            filled += part
        self._count -= filled
        self._flowing = filled == count
        return out

    def hear(self, samples: Samples) -> None:
        self._outgoing.put_nowait(samples)

    def listen(self, track: rtc.Track | None) -> None:
        """Listen to this track from now on, and to no other; None: to nobody."""
        if self._reading:
            self._reading.cancel()
        self._incoming.clear()
        self._count, self._flowing = 0, False
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
                samples = from_int16(np.frombuffer(event.frame.data, np.int16))
                self._incoming.append(samples)
                self._count += len(samples)
                while self._count > MOST:
                    self._count -= len(self._incoming.popleft())
        finally:
            await stream.aclose()

    async def _send(self) -> None:
        while True:
            samples = await self._outgoing.get()
            frame = rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, len(samples))
            with contextlib.suppress(Exception):  # the SDK raises plain Exception while a room reconnects
                await self.source.capture_frame(frame)
