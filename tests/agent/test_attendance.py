"""Any sequence of joins, leaves, tracks and network changes: one leg at a time, the right one, never deaf for long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from livekit import rtc

from agent.rooms.attendance import (
    ANOTHER,
    BROKEN,
    LONGEST_RETRY,
    MICROPHONE_WAIT,
    STILL_THERE,
    Attendance,
    Microphone,
    Present,
)
from agent.rooms.roles import ROLE, Person
from agent.rooms.room_session import LOOK
from simulation import virtual_time
from tests.scripted_room import DELIVERY, Participant, Publication, Scene, ScriptedLegs

SLOW, CLOSING = 1.5, 0.8  # s that a leg takes to get ready and to end
NOTICE = 3 * LOOK  # s in which what happened is noticed
# s after which the right leg runs, while the one who answers is there and is heard: the one before ends, and it begins; once
# more, where the candidate changed while it got ready.
SETTLED = MICROPHONE_WAIT + 2 * (SLOW + CLOSING) + NOTICE
MOST_MICROPHONES = 4
NEVER_DEAF_FOR = MOST_MICROPHONES * (ANOTHER + LOOK) + 2 * DELIVERY + NOTICE  # s, while a microphone of theirs lives
LOST, GOOD = rtc.ConnectionQuality.QUALITY_LOST, rtc.ConnectionQuality.QUALITY_GOOD

OF_A_MICROPHONE = ("unpublish", "die", "live", "mute", "unmute")

actions = st.one_of(
    st.tuples(st.just("join"), st.sampled_from(["candidate", "phone"]), st.booleans()),
    st.tuples(st.just("join"), st.sampled_from(["ada"]), st.booleans()),
    st.tuples(st.just("leave"), st.sampled_from(["candidate", "phone", "ada"])),
    st.tuples(st.just("publish"), st.sampled_from(["candidate", "phone"]), st.booleans()),
    st.tuples(st.sampled_from(OF_A_MICROPHONE), st.integers(0, 5)),
    st.tuples(st.just("quality"), st.sampled_from(["candidate", "phone"]), st.sampled_from([LOST, GOOD])),
    st.tuples(st.just("mending"), st.booleans()),
    st.tuples(st.just("mended")),
    st.tuples(st.sampled_from(["stall", "nothing"])),
)
scripts = st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.3, 1.0, 4.0, 12.0, 50.0]), actions), max_size=25)


@dataclass
class Judge:
    """Watches every 0.1 s and fails if something is wrong."""

    scene: Scene
    well_since: tuple[Any, float] = (None, 0.0)  # who should answer, and since when nothing has changed for them
    deaf_since: tuple[Any, float] = (None, 0.0)
    wrong_since: float | None = None

    async def watch(self) -> None:
        """By a clock that stops while the machine stands still, like the stay's own."""
        loop, looks = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(0.1)
            looks += 1
            self.look(looks * 0.1, loop.time())

    def look(self, now: float, loop_time: float) -> None:
        scene, room = self.scene, self.scene.room
        assert scene.legs.at_once <= 1, "two voices"
        assert not scene.staying.done(), scene.staying
        leg = scene.leg
        present = {p.sid for p in room.remote_participants.values()}
        gone = leg is not None and leg.sid not in present
        self.wrong_since = (self.wrong_since or now) if gone else None
        assert self.wrong_since is None or now - self.wrong_since <= NOTICE, "it talks to nobody"

        right = self.right()
        microphones = list(right.track_publications.values()) if right else []
        well = right is not None and all(map(self.lives, microphones))
        if right is None or not well or self.well_since[0] != right.sid:
            self.well_since = (right.sid if right and well else None, now)
        elif now - self.well_since[1] > SETTLED:
            assert leg is not None and leg.sid == right.sid, "nobody, or somebody else, is talked to"

        living = tuple(p.sid for p in microphones if self.lives(p))
        heard = scene.conduct._caller.heard_at
        hears = heard is not None and loop_time - heard < 1.0
        if hears or not living or self.deaf_since[0] != living:
            self.deaf_since = (living, now)
        assert now - self.deaf_since[1] <= NEVER_DEAF_FOR, "it is deaf though a microphone lives"

    def lives(self, publication: Publication) -> bool:
        return publication.sound.alive and not publication.muted

    def right(self) -> Participant | None:
        """Whom it should be talking to, as far as the network allows."""
        room = self.scene.room
        if not room.media or room.connection_state != rtc.ConnectionState.CONN_CONNECTED:
            return None
        candidates = [p for p in room.remote_participants.values() if p.attributes.get(ROLE) == "candidate"]
        if not candidates or any(p.connection_quality == LOST for p in candidates):
            return None
        return max(candidates, key=lambda p: int(p.sid.removeprefix("PA_")))


async def play(script: list[tuple[float, tuple[Any, ...]]]) -> None:
    async with Scene(legs=ScriptedLegs(slow=SLOW, closing=CLOSING), wait_seconds=1e9) as scene:
        judge = Judge(scene)
        judging = asyncio.create_task(judge.watch(), name="judge")

        async def after(pause: float, *actions: tuple[Any, ...]) -> None:
            await asyncio.wait({judging}, timeout=pause)
            if judging.done():
                judging.result()
            for action in actions:
                act(scene, *action)
            judge.well_since = (None, 0.0)  # what came and went between two looks of the judge's was seen by the stay

        for pause, action in script:
            await after(pause, action)
        mended = [("mended",), ("quality", "candidate", GOOD), ("quality", "phone", GOOD)]
        await after(0.0, *mended, *((what, nth) for nth in range(6) for what in ("unmute", "live")))
        await after(NEVER_DEAF_FOR + SETTLED + 5.0)
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)


def act(scene: Scene, what: str, *arguments: Any) -> None:
    room = scene.room
    publications = [p for person in room.remote_participants.values() for p in person.track_publications.values()]
    nth = publications[arguments[0] % len(publications)] if publications and what in OF_A_MICROPHONE else None
    match what:
        case "join":
            role = "panel" if arguments[0] == "ada" else "candidate"
            room.join(arguments[0], role, microphone=arguments[1])
        case "leave":
            room.leave(arguments[0])
        case "publish":
            person = room.remote_participants.get(arguments[0])
            if person is not None and len(person.track_publications) < MOST_MICROPHONES:
                room.publish(arguments[0], alive=arguments[1])
        case "quality":
            room.quality(*arguments)
        case "mending":
            room.connection(rtc.ConnectionState.CONN_RECONNECTING, media=arguments[0])
        case "mended":
            room.connection(rtc.ConnectionState.CONN_CONNECTED, media=True)
        case "stall":
            asyncio.get_running_loop().advance(7.0)  # type: ignore[attr-defined]
        case "unpublish" if nth:
            room.unpublish(nth)
        case "die" | "live" if nth:
            nth.sound.alive = what == "live"
        case "mute" | "unmute" if nth:
            room.mute(nth, what == "mute")


# No shrinking: it would take minutes. Failing scripts are short as they are.
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(scripts)
def test_whatever_happens_there_is_one_leg_with_the_right_candidate_and_it_is_not_deaf(script: Any) -> None:
    virtual_time.run(play(script))


# -- the decisions alone -----------------------------------------------------------------------------------------------


def candidate(sid: str, *microphones: Microphone, lost: bool = False, order: float = 0.0) -> Present:
    return Present(Person("candidate", "standard", {ROLE: "candidate"}, order, "", sid), microphones, lost)


def test_two_that_joined_in_the_same_second_are_told_apart_by_who_was_seen_later() -> None:
    attendance = Attendance()
    first, second = (candidate(sid, Microphone(f"TR_{sid}", ready=True), order=1.0) for sid in ("one", "two"))
    attendance.look([first], 0.0, "up", None)
    for people in ([first, second], [second, first]):
        view = attendance.look(people, 0.2, "up", None)
        assert view.candidate is not None and view.candidate.sid == "two" and view.visit == 2


def test_the_same_look_twice_changes_nothing() -> None:
    """So an event that is told twice, or together with another, does not matter."""
    attendance = Attendance()
    here = [candidate("one", Microphone("TR_1", ready=True))]
    views = [attendance.look(here, 1.0, "up", 0.9) for _ in range(10)]
    assert {view.visit for view in views} == {1} and {view.microphone for view in views} == {"TR_1"}


def test_a_track_is_asked_for_until_it_is_there_and_not_with_every_look() -> None:
    attendance = Attendance()
    here = [candidate("one", Microphone("TR_1"))]
    asked = [bool(attendance.look(here, n * 0.2, "up", None).subscribe) for n in range(100)]
    assert asked[0] and 8 <= sum(asked) <= 11


def test_a_line_that_was_heard_and_falls_dead_is_cut_until_it_is_clear_that_only_the_microphone_died() -> None:
    attendance = Attendance()
    here = [candidate("one", Microphone("TR_1", ready=True))]
    for n in range(50):
        attendance.look(here, n * 0.2, "up", n * 0.2)
    there = [attendance.look(here, 10.0 + n * 0.2, "up", 9.8).candidate is not None for n in range(400)]
    away = there.index(False), there.index(True, there.index(False))
    assert away[0] * 0.2 == pytest.approx(BROKEN, abs=0.5)
    assert away[1] * 0.2 == pytest.approx(STILL_THERE, abs=0.5)
    assert all(there[away[1] :])


def test_a_network_that_is_lost_for_longer_than_the_server_keeps_anybody_is_none_that_is_lost() -> None:
    attendance = Attendance()
    here = [candidate("one", Microphone("TR_1", ready=True), lost=True)]
    there = [attendance.look(here, n * 0.2, "up", None).candidate is not None for n in range(300)]
    assert not any(there[: round(STILL_THERE / 0.2) - 5]) and all(there[round(STILL_THERE / 0.2) + 5 :])


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=100))
def test_a_machine_that_stands_still_between_two_looks_never_takes_that_for_silence(steps: Any) -> None:
    """However long it stood: a sign that comes with each second look keeps the line up."""
    attendance, now = Attendance(), 0.0
    here = [candidate("one", Microphone("TR_1", ready=True))]
    attendance.look(here, now, "up", now)
    for step, _ in steps:
        now += step
        late = attendance.look(here, now, "up", now - step)
        assert late.candidate is not None and late.deaf <= 1.0
        now += 0.2
        attendance.look(here, now, "up", now)


def test_how_often_a_dead_microphone_is_renewed_is_bounded() -> None:
    attendance = Attendance()
    here = [candidate("one", Microphone("TR_1", ready=True))]
    renewed = [n * 0.2 for n in range(5 * 3600) if attendance.look(here, n * 0.2, "up", None).renew]
    assert len(renewed) <= 3600 / LONGEST_RETRY + 3
