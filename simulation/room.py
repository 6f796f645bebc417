"""A simulated candidate in a LiveKit room, in place of a browser: publishes a microphone, hears the agent's track.

For tests and load: anything that speaks and hears in 20 ms steps (SimulatedCandidate, Reciter) can join.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Coroutine
from typing import Any, Protocol

import numpy as np
from livekit import rtc

from simulation.reciter import AUDIBLE
from voice.audio import Samples, from_int16, to_int16
from voice.jitter import JitterBuffer

RATE = 24_000
TICK = RATE // 50
LATE = 0.1  # s between two ticks above which this process was late
AROUND = 1.0  # s before the agent's last sound from which lateness matters: the sound was already on its way
log = logging.getLogger(__name__)


class Talker(Protocol):
    """Speaks and hears, 20 ms of 24 kHz at a time."""

    gone: bool

    def speak(self, count: int) -> Samples: ...

    def hear(self, samples: Samples) -> None: ...


class RoomPeer:
    """One participant. `heard` keeps all sound of the agents as it arrived, for tests to recognise.

    `waits`: for each time it spoke after the agent, the seconds from the arrival of the agent's last sound to the
    departure of its own first sound, and how late this process was meanwhile (s). Measured in real time, so the first
    number includes stalls of this process; it may be off by sound that was taken in late, by the second at most.
    """

    def __init__(self, talker: Talker, *, microphone: bool = True) -> None:
        self.room = rtc.Room()
        self.captions: list[tuple[str, str, bool]] = []  # who, text, final
        self.agents: list[str] = []  # identities in the order first heard
        self._talker = talker
        self._microphone = microphone
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
        self._incoming: dict[str, JitterBuffer] = {}
        self._kept: list[Samples] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.waits: list[tuple[float, float]] = []
        self._late: list[tuple[float, float]] = []  # (when a tick was late, by how many s)
        self._arrived: float | None = None  # when the agent's last audible sound arrived
        self.disconnected = asyncio.Event()

    @property
    def heard(self) -> Samples:
        """All sound since joining, 24 kHz."""
        return np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)

    async def join(self, url: str, token: str) -> None:
        room = self.room
        room.on("track_subscribed", self._on_track)
        room.on("disconnected", lambda *_: self.disconnected.set())  # type: ignore[arg-type]
        room.register_text_stream_handler("lk.transcription", self._on_caption)
        await room.connect(url, token)
        if self._microphone:
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)
        self._spawn(self._talk())

    async def leave(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.room.disconnect()

    @property
    def agent(self) -> rtc.RemoteParticipant | None:
        """The agent now in the room."""
        agents = [
            p for p in self.room.remote_participants.values() if p.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        ]
        return agents[0] if agents else None

    def attribute(self, name: str) -> str:
        """One of the agent's attributes; empty if there is none."""
        return self.agent.attributes.get(name, "") if self.agent else ""

    async def ask(self, payload: str) -> str:
        """Send a request to the agent, as the page's buttons do."""
        assert self.agent is not None, "no agent is in the room"
        return await self.room.local_participant.perform_rpc(
            destination_identity=self.agent.identity, method="viva.ask", payload=payload
        )

    async def tell_delay(self, every: float = 5.0) -> None:
        """Keep telling the agent this side's delay, as the page does: the round trip and the SDK's jitter buffer."""
        delay, emitted = 0.0, 0
        while True:
            with contextlib.suppress(Exception):  # while the room reconnects
                stats = await self.room.get_rtc_stats()
                entries = [*stats.publisher_stats, *stats.subscriber_stats]
                trips = [s.candidate_pair.candidate_pair.current_round_trip_time for s in entries]
                heard = max((s.inbound_rtp.inbound for s in entries), key=lambda i: i.jitter_buffer_emitted_count)
                if heard.jitter_buffer_emitted_count > emitted:
                    waits = (heard.jitter_buffer_delay - delay) / (heard.jitter_buffer_emitted_count - emitted)
                    delay, emitted = heard.jitter_buffer_delay, heard.jitter_buffer_emitted_count
                    seconds = waits + min((t for t in trips if t > 0), default=0.0)
                    await self.ask(json.dumps({"kind": "delay", "seconds": min(5.0, seconds)}))
            await asyncio.sleep(every)

    async def _talk(self) -> None:
        began, ticks = time.monotonic(), 0
        before = began
        while not self._talker.gone:
            now = time.monotonic()
            if now - before > LATE:
                self._late.append((now, now - before))
            before = now
            mixed = np.zeros(TICK, np.float32)
            for buffer in self._incoming.values():
                mixed += buffer.take(TICK)
            self._kept.append(mixed)
            if np.abs(mixed).max() > AUDIBLE:
                behind = max(buffer.depth for buffer in self._incoming.values())
                self._arrived = time.monotonic() - behind / RATE
            self._talker.hear(mixed)
            samples = self._talker.speak(TICK)
            if self._arrived is not None and np.abs(samples).max() > AUDIBLE:
                late = sum(by for at, by in self._late if at > self._arrived - AROUND)
                self.waits.append((time.monotonic() + self._source.queued_duration - self._arrived, late))
                self._arrived = None
            if self._microphone:
                frame = rtc.AudioFrame(to_int16(samples).tobytes(), RATE, 1, TICK)
                with contextlib.suppress(Exception):  # while the room reconnects
                    await self._source.capture_frame(frame)
            ticks += 1
            await asyncio.sleep(max(0.0, began + ticks * TICK / RATE - time.monotonic()))

    def _on_track(self, track: rtc.RemoteTrack, _: object, participant: rtc.RemoteParticipant) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.agents.append(participant.identity)
            self._spawn(self._listen(track, participant.identity))

    async def _listen(self, track: rtc.RemoteTrack, identity: str) -> None:
        buffer = self._incoming.setdefault(identity, JitterBuffer(4 * TICK, RATE))
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20):
            buffer.push(from_int16(np.frombuffer(event.frame.data, np.int16)))

    def _on_caption(self, reader: rtc.TextStreamReader, identity: str) -> None:
        async def read() -> None:
            text = await reader.read_all()
            attributes = reader.info.attributes or {}
            final = attributes.get("lk.transcription_final") == "true"
            self.captions.append((attributes.get("viva.who", identity), text, final))

        self._spawn(read())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Owned until `leave`. Failures are logged: a peer fallen silent would look like a fault of the agent."""
        task = asyncio.create_task(work, name=f"peer-{getattr(work, '__name__', 'work')}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s of a simulated candidate failed", task.get_name(), exc_info=error)
