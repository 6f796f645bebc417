"""Nothing grows with the length of a call: neither the queue for a stuck room, nor the memory of past participants."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit.rtc._proto.stats_pb2 import RtcStats

from agent.rooms.attendance import Attendance, Microphone, Present
from agent.rooms.caller import FRAME, MOST_WAITING, RATE, RoomCaller
from agent.rooms.outage import Outage
from agent.rooms.publisher import MOST_CAPTIONS, RoomPublisher
from agent.rooms.pulse import OFTEN, Pulse
from agent.rooms.roles import ROLE, Person
from agent.rooms.transport_delay import MOST_REPORTS, TransportDelay
from agent.tasks import cancel_and_wait
from simulation import virtual_time
from tests.agent.test_line_delay import inbound
from tests.scripted_room import ScriptedCaller, ScriptedRoom, Source, Stream, Track

HOUR = 3600


def test_our_sound_does_not_pile_up_while_the_room_takes_none() -> None:
    class Blocked(Source):
        async def capture_frame(self, frame: Any) -> None:
            await asyncio.Event().wait()

    async def scenario() -> None:
        caller = RoomCaller(Blocked(), Stream)
        for number in range(HOUR * 50 // 10):
            caller.hear(np.full(FRAME, number, np.float32))
        await asyncio.sleep(1.0)
        assert len(caller._outgoing) <= MOST_WAITING * RATE / FRAME
        assert caller._outgoing[-1][0] == HOUR * 5 - 1, "the oldest is dropped"
        await caller.aclose()

    virtual_time.run(scenario())


def test_captions_do_not_pile_up_while_the_room_is_away_and_come_through_when_it_is_back() -> None:
    async def scenario() -> None:
        room, publisher = ScriptedRoom(), RoomPublisher("abc")
        plain, away = room.local_participant.stream_text, asyncio.Event()

        async def hangs(**_: Any) -> Any:
            await away.wait()
            return await plain()

        room.local_participant.stream_text = hangs
        publisher.attach(room)  # type: ignore[arg-type]
        for number in range(1000):
            for part in range(5):
                publisher.watcher.caption("candidate", f"{number} {part}", False)
            publisher.watcher.caption("candidate", f"{number}", True)
        assert len(publisher._captions) <= MOST_CAPTIONS
        await asyncio.sleep(60.0)
        away.set()
        publisher.watcher.caption("agent", "the newest", True)
        await asyncio.sleep(1.0)
        assert room.captions[-1] == "the newest" and not publisher._captions
        await publisher.aclose()

    virtual_time.run(scenario())


def test_of_partial_words_only_the_newest_wait() -> None:
    async def scenario() -> None:
        room, publisher = ScriptedRoom(), RoomPublisher("abc")
        for part in range(100):
            publisher.watcher.caption("candidate", f"partial {part}", False)
        publisher.watcher.caption("candidate", "whole", True)
        assert [caption.text for caption in publisher._captions] == ["whole"]
        publisher.attach(room)  # type: ignore[arg-type]
        await publisher.aclose()
        assert room.captions == ["whole"] and len(room.told) == 1, "told before it leaves"

    virtual_time.run(scenario())


def test_a_stage_whose_room_is_dead_ends_in_time() -> None:
    async def scenario() -> None:
        room, publisher = ScriptedRoom(), RoomPublisher("abc")

        async def hangs(*_: Any, **__: Any) -> None:
            await asyncio.Event().wait()

        room.local_participant.set_attributes = room.local_participant.stream_text = hangs
        publisher.attach(room)  # type: ignore[arg-type]
        publisher.watcher.caption("agent", "bye", True)
        await publisher.aclose()
        assert asyncio.get_running_loop().time() < 1 and len(asyncio.all_tasks()) == 1

    virtual_time.run(scenario())


def test_of_tracks_and_pages_that_are_gone_the_line_keeps_nothing() -> None:
    line, pulse = TransportDelay(), Pulse()
    for number in range(1000):
        entry = inbound(1.0, 10)
        entry.inbound_rtp.rtc.id = f"track {number}"
        line.look([entry])
        pulse.look([entry], float(number))
        line.report(f"page {number}", 0.1)
    assert len(line._counted) == len(pulse._counted) == 1 and len(line._reported) == MOST_REPORTS
    line.listen_to(Person("page 999"))
    assert line.seconds is not None, "the newest are kept"


def test_of_people_and_microphones_that_are_gone_the_attendance_keeps_nothing() -> None:
    attendance = Attendance()
    for number in range(1000):
        person = Person("candidate", attributes={ROLE: "candidate"}, sid=f"PA_{number}")
        here = Present(person, [Microphone(f"TR_{number}", ready=number % 2 > 0)], lost=number % 3 == 0)
        attendance.look([here], number * 1.0, "up", None)
    attendance.look([], 1000.0, "up", None)
    kept = [value for value in vars(attendance).values() if isinstance(value, dict | set)]
    assert len(kept) >= 5 and not any(kept)


# -- what fails in the SDK is said once, and heals ---------------------------------------------------------------------


def test_a_failure_is_said_once_with_where_and_once_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("sending")
    with caplog.at_level(logging.INFO):
        for _ in range(1000):
            outage.failed(RuntimeError("closed"))
        outage.failed(TypeError("a bug of ours"))
        outage.worked()
        outage.worked()
    assert [r.message for r in caplog.records] == [
        "sending failed: closed", "sending failed: a bug of ours", "sending works again",
    ]  # fmt: skip
    assert caplog.records[1].exc_info is not None


def test_a_track_whose_stream_fails_or_ends_is_read_again() -> None:
    async def scenario() -> None:
        caller = ScriptedCaller()
        track, failures = Track(ScriptedRoom(), "TR_1"), 3

        def fragile(track: Track) -> Stream:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise Exception("the SDK raises plain ones")
            return Stream(track)

        caller._stream_of = fragile
        caller.listen(track)  # type: ignore[arg-type]
        await asyncio.sleep(5.0)
        assert caller.heard_at is not None and caller.speak(FRAME).any()
        await caller.aclose()
        caller.listen(Track(ScriptedRoom(), "TR_2"))  # type: ignore[arg-type]  # an event that comes late
        assert len(asyncio.all_tasks()) == 1

    virtual_time.run(scenario())


def packets(count: int) -> RtcStats:
    stats = inbound(0.0, 0)
    stats.inbound_rtp.received.packets_received = count
    return stats


def test_a_line_is_alive_while_packets_come_and_dead_when_only_zeros_do() -> None:
    async def scenario() -> None:
        pulse, room = Pulse(), ScriptedRoom()
        count, grows, silent, looks = 0, True, True, 0

        async def stats() -> Any:
            nonlocal count, looks
            looks += 1
            count += grows
            return SimpleNamespace(publisher_stats=[], subscriber_stats=[packets(count)])

        room.get_rtc_stats = stats  # type: ignore[method-assign]
        now = asyncio.get_running_loop().time
        watching = asyncio.create_task(pulse.watch(room, lambda: silent))  # type: ignore[arg-type]
        await asyncio.sleep(10.0)
        assert pulse.last is not None and now() - pulse.last <= OFTEN
        grows = False
        await asyncio.sleep(10.0)
        assert now() - pulse.last > 9
        silent = False
        looked = looks
        await asyncio.sleep(10.0)
        assert looks <= looked + 1, "nobody looks while there is sound"
        count, silent = count + 500, True  # what came meanwhile says nothing of now
        last = pulse.last
        await asyncio.sleep(10.0)
        assert pulse.last == last
        await cancel_and_wait(watching)

    virtual_time.run(scenario())


def test_ending_a_task_lets_our_own_cancellation_through_and_says_what_went_wrong(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(HOUR)
        finally:
            await asyncio.sleep(5.0)

    async def broken() -> None:
        try:
            await asyncio.sleep(HOUR)
        finally:
            raise ValueError("while it was ended")

    async def scenario() -> None:
        children = [asyncio.create_task(stubborn(), name="stubborn"), asyncio.create_task(broken(), name="broken")]
        await asyncio.sleep(1.0)
        ending = asyncio.create_task(cancel_and_wait(*children))
        await asyncio.sleep(1.0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        await cancel_and_wait(*children, None)

    virtual_time.run(scenario())
    assert [r.message for r in caplog.records] == ["broken failed: ValueError"]
