"""The candidate in a room as the other end of the bridge: 20 ms in, 20 ms out, on one clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from livekit import rtc

from agent.call.recording import RATE
from agent.rooms.outage import Outage
from agent.rooms.pulse import Pulse
from agent.rooms.transport_delay import TransportDelay
from agent.tasks import cancel_and_wait
from voice.audio import Samples, from_int16, to_int16
from voice.jitter import JitterBuffer

FRAME = RATE // 50
CUSHION = 3 * FRAME  # buffered before it is passed on, to absorb network jitter
MOST = RATE  # one second; anything beyond that after a stall is dropped, oldest first
LEAD = 4 * FRAME
QUEUE_MS = 200  # of the outgoing source: what a late tick may make up for
BEHIND = (LEAD + 2 * FRAME) / RATE  # s; a longer backlog means we were held up, and silence in it is skipped
MOST_WAITING = 3.0  # s of our own sound that may wait while the room accepts none; older sound would come too late
SILENT = 1e-3  # peak, -60 dBFS
ZEROS = 0.3  # s of nothing but zeros, after which we check for packets
READ_AGAIN = 1.0  # s before a track that ended or failed, but is still published, is read again


class Source(Protocol):
    """Where our sound goes: an rtc.AudioSource."""

    @property
    def queued_duration(self) -> float: ...

    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...

    async def aclose(self) -> None: ...


class Stream(Protocol):
    """Where their sound comes from: an rtc.AudioStream."""

    def __aiter__(self) -> AsyncIterator[rtc.AudioFrameEvent]: ...

    async def aclose(self) -> None: ...


def _stream_of(track: rtc.Track) -> Stream:
    return rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)


class RoomCaller:
    """Our voice in the room, and the track we listen to. `delay`: of the network; `pulse`: whether it is alive."""

    def __init__(self, source: Source | None = None, stream_of: Callable[[Any], Stream] = _stream_of) -> None:
        self.source = rtc.AudioSource(RATE, 1, queue_size_ms=QUEUE_MS) if source is None else source
        self.delay = TransportDelay()
        self.pulse = Pulse()
        self._stream_of = stream_of
        self._now = asyncio.get_running_loop().time
        self._incoming = JitterBuffer(CUSHION, MOST)
        self._outgoing: deque[Samples] = deque(maxlen=round(MOST_WAITING * RATE / FRAME))
        self._something_to_send = asyncio.Event()
        self._track: rtc.Track | None = None
        self._listening_since = 0.0
        self._sounded_at: float | None = None  # when the last frame that was not all zeros came
        self._closed = False
        self._readings: set[asyncio.Task[None]] = set()
        self._sending = asyncio.create_task(self._send(), name="room-sending")

    async def publish(self, room: rtc.Room) -> None:
        """Publish our voice as a track in the room."""
        track = rtc.LocalAudioTrack.create_audio_track("viva", self.source)  # type: ignore[arg-type]
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)

    def speak(self, count: int) -> Samples:
        return self._incoming.take(count)

    @property
    def transport(self) -> float | None:
        """For the next sound: our queues at their current fill, plus the way there and back. None if unknown."""
        line = self.delay.seconds
        return None if line is None else self._waiting + self._incoming.depth / RATE + line

    @property
    def _waiting(self) -> float:
        """Seconds of our own sound not yet sent."""
        return self.source.queued_duration + len(self._outgoing) * FRAME / RATE

    @property
    def heard_at(self) -> float | None:
        """When sound or packets of silence last came from the track, on the loop's clock; None: not yet."""
        signs = [at for at in (self._sounded_at, self.pulse.last) if at is not None and at > self._listening_since]
        return max(signs, default=None)

    def hear(self, samples: Samples) -> None:
        self._outgoing.append(samples)
        self._something_to_send.set()

    def listen(self, track: rtc.Track | None) -> None:
        """Listen to this track only from now on; None: to nobody."""
        if track is self._track or self._closed:
            return
        self._track = track
        for reading in self._readings:
            reading.cancel()  # awaited when we close
        self._incoming.clear()
        self._listening_since, self._sounded_at = self._now(), None
        if track is not None:
            reading = asyncio.create_task(self._read(track), name="room-reading")
            self._readings.add(reading)
            reading.add_done_callback(self._readings.discard)

    async def watch(self, room: rtc.Room) -> None:
        """Watch the line's delay and whether it is alive, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.delay.watch(room), name="room-timing")
            group.create_task(self.pulse.watch(room, self._silent), name="room-pulse")

    def _silent(self) -> bool:
        return self._track is not None and (self._sounded_at is None or self._now() - self._sounded_at >= ZEROS)

    async def aclose(self) -> None:
        self._closed = True
        try:
            await cancel_and_wait(self._sending, *self._readings)
        finally:
            await self.source.aclose()

    async def _read(self, track: rtc.Track) -> None:
        """Until cancelled: a stream that ends or fails while we should be listening to it is reopened."""
        outage = Outage("listening to the candidate's track")
        while True:
            try:
                stream = self._stream_of(track)
                try:
                    async for event in stream:
                        samples = from_int16(np.frombuffer(event.frame.data, np.int16))
                        self._incoming.push(samples)
                        if samples.any():
                            self._sounded_at = self._now()
                        outage.worked()
                finally:
                    await stream.aclose()
            except Exception as error:  # the SDK raises plain Exception
                outage.failed(error)
            await asyncio.sleep(READ_AGAIN)

    async def _send(self) -> None:
        outage = Outage("sending our sound")
        while True:
            while not self._outgoing:
                self._something_to_send.clear()
                await self._something_to_send.wait()
            samples = self._outgoing.popleft()
            if self._waiting > BEHIND and np.abs(samples).max(initial=0.0) < SILENT:
                continue  # after a stall, catch up in the next pause; otherwise everything that follows would be late
            if self.source.queued_duration == 0.0:
                # A little silence first: a reserve for late ticks, so no syllable is torn.
                samples = np.concatenate([np.zeros(LEAD, np.float32), samples])
            frame = rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, len(samples))
            try:
                await self.source.capture_frame(frame)
            except Exception as error:  # the SDK raises plain Exception while a room reconnects
                outage.failed(error)
            else:
                outage.worked()


@dataclass(frozen=True)
class Visitor:
    """The bridge's Caller for one leg: the room's sound, until `left` says that the leg's candidate is gone."""

    room: RoomCaller
    left: Callable[[], bool]

    def speak(self, count: int) -> Samples:
        return self.room.speak(count)

    def hear(self, samples: Samples) -> None:
        self.room.hear(samples)

    @property
    def gone(self) -> bool:
        return self.left()

    @property
    def transport(self) -> float | None:
        return self.room.transport
