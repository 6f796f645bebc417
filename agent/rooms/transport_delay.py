"""The line's delay apart from our own queues: the network, and the buffers at either end of it."""

from __future__ import annotations

import asyncio
from collections import deque

from livekit import rtc
from livekit.rtc._proto.stats_pb2 import RtcStats  # the SDK has no public name for it

from agent.rooms.outage import Outage
from agent.rooms.roles import Person

TIMING = 5.0  # s between two looks
MOST_REPORTS = 8  # identities whose last report is kept


class TransportDelay:
    """`listen_to` says whose line it is; `report` stores what each page says about its own side, in s."""

    def __init__(self) -> None:
        self._reported: dict[str, float] = {}
        self._person: Person | None = None
        self._round_trip = 0.0  # s from here to the LiveKit server and back
        self._waits: deque[float] = deque(maxlen=2)  # s that their sound waits in the SDK's jitter buffer
        self._counted: dict[str, tuple[float, int]] = {}

    def listen_to(self, person: Person) -> None:
        self._person = person

    def report(self, identity: str, seconds: float) -> None:
        """A report may come before we listen to that person."""
        self._reported.pop(identity, None)
        self._reported[identity] = seconds
        while len(self._reported) > MOST_REPORTS:
            del self._reported[next(iter(self._reported))]  # the oldest report

    @property
    def seconds(self) -> float | None:
        """Round trip. None on a phone, and before the page has reported."""
        if self._person is None or self._person.kind == "sip" or self._person.identity not in self._reported:
            return None
        return self._reported[self._person.identity] + self._round_trip + min(self._waits, default=0.0)

    async def watch(self, room: rtc.Room) -> None:
        """Check the connection every few seconds, until cancelled."""
        outage = Outage("looking at the connection's statistics")
        while True:
            try:
                async with asyncio.timeout(TIMING):
                    stats = await room.get_rtc_stats()
                self.look([*stats.publisher_stats, *stats.subscriber_stats])  # one connection or two
            except Exception as error:  # the SDK raises its own kinds while a room reconnects
                outage.failed(error)
            else:
                outage.worked()
            await asyncio.sleep(TIMING)

    def look(self, stats: list[RtcStats]) -> None:
        """The W3C's statistics: currentRoundTripTime, and jitterBufferDelay per emitted sample since the last look.

        The shorter wait of two looks counts: a past stall shows up in only one of them.
        """
        pairs = [s.candidate_pair.candidate_pair for s in stats if s.HasField("candidate_pair")]
        trips = [p.current_round_trip_time for p in pairs if p.current_round_trip_time > 0]
        self._round_trip = min(trips, default=self._round_trip)
        before, self._counted = self._counted, {}  # nothing is kept about tracks that are gone
        for entry in stats:
            audio = entry.inbound_rtp
            if not entry.HasField("inbound_rtp") or audio.stream.kind != "audio":
                continue
            delay, emitted = audio.inbound.jitter_buffer_delay, audio.inbound.jitter_buffer_emitted_count
            delay_before, emitted_before = before.get(audio.rtc.id, (0.0, 0))
            self._counted[audio.rtc.id] = (delay, emitted)
            if emitted > emitted_before:
                self._waits.append((delay - delay_before) / (emitted - emitted_before))
