"""The line's delay is known from its queues and the connection's statistics, and recovers after a stall."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from livekit.rtc._proto.stats_pb2 import RtcStats

from agent.call.audio_bridge import SETTLING, TICK, AudioBridge
from agent.call.recording import Recorder
from agent.rooms.caller import BEHIND, FRAME, LEAD, RATE, RoomCaller
from agent.rooms.roles import Person
from agent.rooms.transport_delay import TransportDelay
from simulation.reciter import Reciter


def pair(round_trip: float) -> RtcStats:
    stats = RtcStats()
    stats.candidate_pair.candidate_pair.current_round_trip_time = round_trip
    return stats


def inbound(delay: float, emitted: int, kind: str = "audio") -> RtcStats:
    stats = RtcStats()
    stats.inbound_rtp.rtc.id = kind
    stats.inbound_rtp.stream.kind = kind
    stats.inbound_rtp.inbound.jitter_buffer_delay = delay
    stats.inbound_rtp.inbound.jitter_buffer_emitted_count = emitted
    return stats


def test_the_delay_is_known_once_the_page_of_the_one_who_answers_has_reported() -> None:
    line = TransportDelay()
    line.report("laptop", 0.2)
    assert line.seconds is None, "nobody is listened to yet"
    line.listen_to(Person("laptop"))
    assert line.seconds == 0.2
    line.listen_to(Person("tablet"))
    assert line.seconds is None
    line.report("+1555", 0.1)
    line.listen_to(Person("+1555", kind="sip"))
    assert line.seconds is None, "of a telephone network nobody knows"


def test_network_and_jitter_buffer_count_and_a_stall_that_is_over_does_not() -> None:
    line = TransportDelay()
    line.report("laptop", 0.0)
    line.listen_to(Person("laptop"))
    line.look([pair(0.05), pair(0.0), inbound(9.0, 10, "video"), inbound(48.0, 1000)])
    assert line.seconds == pytest.approx(0.05 + 0.048)
    line.look([pair(0.04), inbound(48.0 + 400.0, 2000)])  # 0.4 s each while this process stood still
    assert line.seconds == pytest.approx(0.04 + 0.048)
    line.look([inbound(448.0 + 30.0, 3000)])
    assert line.seconds == pytest.approx(0.04 + 0.03), "no pair has an answer yet: the last one counts"
    line.look([inbound(478.0, 3000)])
    assert line.seconds == pytest.approx(0.04 + 0.03), "nothing was played since"


async def test_what_a_stall_has_queued_is_caught_up_in_silence_and_no_sound_is_left_out() -> None:
    caller = RoomCaller()
    try:
        caller.delay.report("laptop", 0.0)
        caller.delay.listen_to(Person("laptop"))
        speech, silence = np.full(FRAME, 0.1, np.float32), np.zeros(FRAME, np.float32)
        sent = 0
        plain = caller.source.capture_frame

        async def counting(frame: object) -> None:
            nonlocal sent
            sent += bool(np.frombuffer(frame.data, np.int16).any())  # type: ignore[attr-defined]
            await plain(frame)  # type: ignore[arg-type]

        caller.source.capture_frame = counting  # type: ignore[method-assign, assignment]
        for sound in [speech] * 30 + [silence] * 30:  # 1.2 s at once
            caller.hear(sound)
        behind = caller.transport
        assert behind is not None and behind > 1.0
        while (now := caller.transport) is not None and now > BEHIND and sent <= 30:
            await asyncio.sleep(FRAME / RATE)
            caller.hear(silence)
        assert sent == 30
        caught_up = caller.transport
        assert caught_up is not None and caught_up < BEHIND + 2 * FRAME / RATE
        await asyncio.sleep(BEHIND + 0.2)  # run dry
        caller.hear(speech)
        while caller._outgoing:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        again = caller.transport
        assert again is not None and again > LEAD / RATE / 2, "the next sound has a cushion before it"
    finally:
        await caller.aclose()


@pytest.mark.parametrize(("transport", "told"), [(0.2, 1), (None, 1), (0.0, 0)])
async def test_a_line_that_stood_still_says_where_unless_the_caller_waits_for_it(
    tmp_path: Path, transport: float | None, told: int
) -> None:
    caller, ticks = Reciter([]), 0
    caller.transport = transport

    def clock() -> float:
        return ticks * TICK / RATE + (0.7 if ticks >= 50 else 0.0)  # 0.7 s were lost before the 50th tick

    def count(candidate: object, agent: object) -> None:
        nonlocal ticks
        ticks += 1
        caller.gone = ticks == 150

    line = AudioBridge(caller, Recorder(tmp_path), clock, count)
    found: list[tuple[float, float]] = []
    line.on_held_up = lambda start, end: found.append((start, end))
    await line.run()
    # The clock here never catches up, so the line is told to be late once, and again when that has been settled.
    assert found[:1] == [(pytest.approx(1.0), pytest.approx(1.7 + SETTLING))] * told
    assert (found == []) == (told == 0)
