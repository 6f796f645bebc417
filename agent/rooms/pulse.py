"""Whether anything arrives over the network from the one who answers.

Frames do not stop on a dead line: the SDK's jitter buffer goes on handing them out, all zeros. Nor do zeros mean a dead
line (a headset that is switched off). Packets can tell: they come several times a second, even in silence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from livekit import rtc
from livekit.rtc._proto.stats_pb2 import RtcStats  # the SDK has no public name for it

from agent.rooms.outage import Outage

OFTEN = 0.25  # s between two looks
ANSWER = 2.0  # s that the SDK may take to answer


class Pulse:
    """`last`: when packets were last seen to arrive, on the loop's clock; None before that."""

    def __init__(self) -> None:
        self.last: float | None = None
        self._counted: dict[str, int] = {}

    def look(self, stats: Sequence[RtcStats], now: float) -> None:
        """Compares the W3C's packetsReceived of each track delivered to us."""
        before = self._counted
        self._counted = {
            entry.inbound_rtp.rtc.id: entry.inbound_rtp.received.packets_received
            for entry in stats
            if entry.HasField("inbound_rtp") and entry.inbound_rtp.stream.kind == "audio"
        }
        if any(count > before[id_] for id_, count in self._counted.items() if id_ in before):
            self.last = now

    async def watch(self, room: rtc.Room, silent: Callable[[], bool]) -> None:
        """Until cancelled. `silent`: whether the track listened to has delivered nothing but zeros for a while."""
        now = asyncio.get_running_loop().time
        outage = Outage("looking for packets")
        while True:
            if silent():
                try:
                    async with asyncio.timeout(ANSWER):
                        stats = await room.get_rtc_stats()
                    self.look([*stats.publisher_stats, *stats.subscriber_stats], now())
                except Exception as error:  # the SDK raises its own kinds while a room reconnects
                    outage.failed(error)
                else:
                    outage.worked()
            else:
                self._counted = {}  # packets that came with the sound say nothing about the silence after it
            await asyncio.sleep(OFTEN)
