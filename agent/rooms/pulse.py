"""Whether anything comes over the network from the one who answers.

A dead line does not fall silent in the SDK: its jitter buffer goes on handing out frames, of zeros. Neither do zeros mean
a dead line (a headset with its switch off). Packets tell: they come several times a second, whatever is said.
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
    """`last`: when packets were last seen to come, on the loop's clock; None before."""

    def __init__(self) -> None:
        self.last: float | None = None
        self._counted: dict[str, int] = {}

    def look(self, stats: Sequence[RtcStats], now: float) -> None:
        """The W3C's packetsReceived of each track that is delivered to us."""
        before = self._counted
        self._counted = {
            entry.inbound_rtp.rtc.id: entry.inbound_rtp.received.packets_received
            for entry in stats
            if entry.HasField("inbound_rtp") and entry.inbound_rtp.stream.kind == "audio"
        }
        if any(count > before[id_] for id_, count in self._counted.items() if id_ in before):
            self.last = now

    async def watch(self, room: rtc.Room, silent: Callable[[], bool]) -> None:
        """Until cancelled. `silent`: whether nothing but zeros has come for a while from a track that is listened to."""
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
                self._counted = {}  # what came while there was sound says nothing of the silence after it
            await asyncio.sleep(OFTEN)
