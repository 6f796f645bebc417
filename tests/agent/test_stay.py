"""An agent's stay in a room, scene by scene: one leg at a time, with the right candidate, whatever happens there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from livekit import rtc

from agent.rooms.attendance import ANOTHER, BROKEN, LONGEST_RETRY, MICROPHONE_WAIT, RENEW, STILL_THERE
from agent.rooms.room_session import LOOK, UNHEARD
from agent.signals import Stopped
from memory.events import Asked, Created, Ended, Said, Started, Yielded
from memory.store import LeaseLost
from simulation import virtual_time
from tests.dialogue.helpers import agreed
from tests.scripted_room import Lived, Scene, ScriptedJournal, ScriptedLegs

LOST, GOOD = rtc.ConnectionQuality.QUALITY_LOST, rtc.ConnectionQuality.QUALITY_GOOD
UP, MENDING, GONE = (
    rtc.ConnectionState.CONN_CONNECTED,
    rtc.ConnectionState.CONN_RECONNECTING,
    rtc.ConnectionState.CONN_DISCONNECTED,
)
SOON = 1.0  # s in which a stay has noticed what happened


def played(script: Callable[[Scene], Awaitable[Any]], **parts: Any) -> Scene:
    """Play the script in virtual time and return the scene."""

    async def scenario() -> Scene:
        async with Scene(**parts) as scene:
            await script(scene)
            return scene

    return virtual_time.run(scenario())


def asked(*, yielded: bool = False) -> ScriptedJournal:
    """A log in which a question is open."""
    plan = agreed(["improved-process"])
    question = plan.questions[0]
    events = [
        Created(at=0, interview=plan), Started(at=0, owner="me"), Said(at=0, purpose="greeting", text="Hello."),
        Asked(at=0, turn=0, question=question.id, text=question.text, why="first"),
    ]  # fmt: skip
    return ScriptedJournal(*events, *([Yielded(at=0, to="panel", by="panel")] if yielded else []))


def sids(lived: list[Lived]) -> list[str]:
    return [leg.sid for leg in lived]


# -- coming and going --------------------------------------------------------------------------------------------------


def test_a_candidate_who_does_not_come_is_waited_for_and_then_left() -> None:
    async def script(scene: Scene) -> None:
        assert await scene.outcome() == "nobody"
        assert asyncio.get_running_loop().time() == pytest.approx(scene.wait_seconds, abs=5)

    assert played(script, wait_seconds=20.0).lived == []


def test_a_page_that_is_loaded_five_times_in_ten_seconds_by_a_slow_machine() -> None:
    async def script(scene: Scene) -> None:
        for _ in range(6):
            scene.room.join()
            await asyncio.sleep(2.0)
        await asyncio.sleep(5.0)
        assert scene.leg is not None and scene.leg.sid == scene.room.remote_participants["candidate"].sid

    scene = played(script, legs=ScriptedLegs(slow=1.5, closing=0.7))
    assert scene.legs.most_at_once == 1
    assert len(sids(scene.lived)) == len(set(sids(scene.lived))), "no joining gets two legs"


def test_a_page_that_is_loaded_again_within_the_same_second_gets_a_new_leg() -> None:
    """LiveKit tells the time of joining in whole seconds."""

    async def script(scene: Scene) -> None:
        await asyncio.sleep(0.9)
        first = scene.room.join()
        await asyncio.sleep(0.3)
        assert scene.leg is not None and scene.leg.sid == first.sid
        second = scene.room.join()
        await asyncio.sleep(SOON)
        assert sids(scene.lived) == [first.sid, second.sid]

    played(script)


def test_no_leg_for_a_candidate_who_left_while_the_machine_got_ready() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(1.0)
        scene.room.leave()
        await asyncio.sleep(10.0)
        assert scene.lived == [], "nobody is spoken to"
        back = scene.room.join()
        await asyncio.sleep(8.0)
        assert sids(scene.lived) == [back.sid]

    played(script, legs=ScriptedLegs(slow=4.0))


def test_who_left_and_came_back_while_the_machine_got_ready_is_spoken_to_once() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(1.0)
        scene.room.leave()
        await asyncio.sleep(0.5)
        back = scene.room.join()
        await asyncio.sleep(12.0)
        assert sids(scene.lived) == [back.sid], "and not first to nobody"

    played(script, legs=ScriptedLegs(slow=4.0))


def test_a_candidate_without_a_microphone_is_waited_for_and_may_then_type() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        await asyncio.sleep(MICROPHONE_WAIT - 1)
        assert scene.lived == []
        await asyncio.sleep(2.0)
        assert scene.leg is not None
        scene.room.publish()
        await asyncio.sleep(SOON)
        assert len(scene.lived) == 1 and scene.conduct._caller.heard_at is not None, "a late microphone is heard"

    played(script)


def test_each_joining_is_given_the_time_for_its_microphone() -> None:
    """Who came without one before, and comes again, is not greeted before theirs is there."""

    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        await asyncio.sleep(MICROPHONE_WAIT + 1)
        assert len(scene.lived) == 1
        scene.room.join(microphone=False)
        await asyncio.sleep(2.0)
        assert len(scene.lived) == 1 and scene.leg is None
        scene.room.publish()
        await asyncio.sleep(SOON)
        assert len(scene.lived) == 2

    played(script)


# -- networks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [5.0, 25.0, 84.0])
def test_a_link_that_is_away_ends_the_leg_and_begins_another_when_it_is_back(seconds: float) -> None:
    """As LiveKit tells it: nothing at first, after 10 s that the network is lost, after 20 s that they are out."""

    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(5.0)
        microphone = next(iter(person.track_publications.values())).sound
        microphone.alive = False
        if seconds > 10:
            scene.room.later(10.0, lambda: scene.room.quality("candidate", LOST))
        if seconds > 20:
            scene.room.later(20.0, lambda: scene.room.leave("candidate"))
        await asyncio.sleep(BROKEN + SOON)
        assert scene.leg is None, "silence of the line is no silence of the candidate"
        await asyncio.sleep(seconds - BROKEN - SOON)
        assert scene.leg is None and len(scene.lived) == 1
        if seconds > 20:
            person = scene.room.join()
        microphone.alive = True
        scene.room.quality("candidate", GOOD)
        await asyncio.sleep(SOON)
        assert scene.leg is not None and sids(scene.lived)[1:] == [person.sid]

    assert played(script, wait_seconds=100.0).legs.most_at_once == 1


def test_a_server_that_stands_still_for_20_s() -> None:
    """As it was seen: sound stops at once, the SDK says so after 14 s, and is through again a moment after."""

    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(5.0)
        scene.room.media = False
        await asyncio.sleep(BROKEN + SOON)
        assert scene.leg is None
        await asyncio.sleep(14.0 - BROKEN - SOON)
        scene.room.connection(MENDING, media=False)
        await asyncio.sleep(6.0)
        assert scene.leg is None and len(scene.lived) == 1
        scene.room.connection(UP, media=True)
        await asyncio.sleep(SOON)
        assert scene.leg is not None and len(scene.lived) == 2

    played(script)


def test_a_signal_line_that_is_mended_while_sound_flows_changes_nothing() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(5.0)
        scene.room.connection(MENDING, media=True)
        await asyncio.sleep(10.0)
        scene.room.connection(UP, media=True)
        await asyncio.sleep(10.0)
        assert len(scene.lived) == 1 and scene.leg is not None

    played(script)


def test_a_connection_that_is_mended_without_sound_ends_the_leg_at_once() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(5.0)
        scene.room.connection(MENDING, media=False)
        await asyncio.sleep(SOON)
        assert scene.leg is None
        scene.room.connection(UP, media=True)
        await asyncio.sleep(SOON)
        assert scene.leg is not None

    played(script)


def test_a_room_that_is_lost_is_left() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(5.0)
        scene.room.connection(GONE, media=False)
        assert await scene.outcome() == "room_lost"

    assert len(played(script).lived) == 1


def test_a_network_that_was_lost_before_our_own_was_is_not_lost_for_ever() -> None:
    """The server tells of a change once; what it told while our connection was down did not arrive."""

    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(2.0)
        scene.room.quality("candidate", LOST)
        await asyncio.sleep(2.0)
        assert scene.leg is None
        scene.room.connection(MENDING, media=True)
        await asyncio.sleep(2.0)
        scene.room.connection(UP, media=True)
        await asyncio.sleep(SOON)
        assert scene.leg is not None

    played(script)


def test_who_comes_back_with_the_same_name_is_not_lost_because_they_were_before() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(2.0)
        scene.room.quality("candidate", LOST)
        await asyncio.sleep(2.0)
        scene.room.join()
        await asyncio.sleep(SOON)
        assert scene.leg is not None

    played(script)


def test_a_machine_that_stood_still_has_not_heard_silence() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(5.0)
        asyncio.get_running_loop().advance(20.0)  # type: ignore[attr-defined]  # nothing ran meanwhile
        await asyncio.sleep(SOON)
        assert len(scene.lived) == 1 and scene.leg is not None

    played(script)


# -- devices and microphones -------------------------------------------------------------------------------------------


def test_the_newest_device_answers_and_the_one_before_it_when_that_is_gone() -> None:
    async def script(scene: Scene) -> None:
        laptop = scene.room.join("laptop")
        await asyncio.sleep(2.0)
        phone = scene.room.join("phone", microphone=False)
        await asyncio.sleep(2.0)
        assert scene.leg is not None and scene.leg.sid == laptop.sid, "not yet: its microphone is on its way"
        scene.room.publish("phone")
        await asyncio.sleep(SOON)
        assert sids(scene.lived) == [laptop.sid, phone.sid]
        scene.room.leave("phone")
        await asyncio.sleep(SOON)
        assert sids(scene.lived) == [laptop.sid, phone.sid, laptop.sid]

    played(script)


def test_a_track_that_was_replaced_is_not_listened_to() -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(2.0)
        old = next(iter(person.track_publications.values()))
        new = scene.room.publish()
        old.sound.alive = False  # and is still published
        await asyncio.sleep(SOON)
        caller = scene.conduct._caller
        assert caller._track is new.sound and caller.heard_at is not None
        assert len(scene.lived) == 1, "another microphone is no other candidate"

    played(script)


def test_of_two_open_microphones_the_one_that_lives_is_found() -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(2.0)
        old = next(iter(person.track_publications.values()))
        scene.room.publish(alive=False)
        await asyncio.sleep(ANOTHER + SOON)
        assert scene.conduct._caller._track is old.sound

    played(script)


def test_a_track_that_delivers_nothing_is_asked_for_again() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        stuck = scene.room.publish(stuck=True)
        await asyncio.sleep(RENEW + SOON)
        assert stuck.asked == [True, False, True] and scene.conduct._caller.heard_at is not None

    played(script)


def test_a_microphone_that_died_is_asked_for_less_and_less_and_in_the_end_nobody_attends() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        dead = scene.room.publish(alive=False)
        await asyncio.sleep(60.0)
        assert scene.leg is not None, "they hear us, and are asked about their microphone"
        assert not scene.legs.calls[-1].others_speaking, "and their silence counts, so that it helps and then ends"
        assert dead.asked.count(False) <= 3
        assert await scene.outcome() == "ended"
        assert asyncio.get_running_loop().time() == pytest.approx(UNHEARD, abs=10)
        assert dead.asked.count(False) <= UNHEARD / LONGEST_RETRY + 3

    scene = played(script, journal=asked())
    assert [(e.kind, e.reason) for e in scene.journal.written if e.kind == "ended"] == [("ended", "silence")]


def test_who_types_attends_whatever_the_microphone_does() -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(5.0)
        next(iter(person.track_publications.values())).sound.alive = False
        await asyncio.sleep(STILL_THERE + SOON)
        assert scene.leg is not None, "the server would have put out somebody without a network"
        assert not scene.legs.calls[-1].others_speaking
        began = len(scene.lived)
        for number in range(20):
            await asyncio.sleep(30.0)
            await scene.ask("typed", text=f"answer {number}")
        assert scene.leg is not None and len(scene.lived) == began

    played(script)


def test_while_people_have_the_floor_a_dead_microphone_ends_nothing() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join(microphone=False)
        scene.room.publish(alive=False)
        await asyncio.sleep(2 * UNHEARD)
        assert scene.leg is not None and not scene.journal.written

    played(script, journal=asked(yielded=True))


def test_a_muted_microphone_is_neither_dead_nor_asked_for_again() -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(2.0)
        microphone = next(iter(person.track_publications.values()))
        scene.room.mute(microphone)
        microphone.sound.alive = False
        await asyncio.sleep(2 * UNHEARD)
        assert scene.leg is not None and len(scene.lived) == 1 and microphone.asked == [True]
        microphone.sound.alive = True
        scene.room.mute(microphone, False)
        await asyncio.sleep(5.0)
        assert len(scene.lived) == 1

    played(script)


def test_silence_on_a_dead_line_is_not_taken_for_the_candidates() -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(2.0)
        call = scene.legs.calls[0]
        assert not call.others_speaking
        sound = next(iter(person.track_publications.values())).sound
        sound.alive = False
        await asyncio.sleep(1.0 + 2 * LOOK)
        assert call.others_speaking and scene.leg is not None
        sound.alive = True
        await asyncio.sleep(2 * LOOK)
        assert not call.others_speaking and len(scene.lived) == 1, "a hiccup ends nothing"

    played(script)


def test_whoever_leaves_in_the_middle_of_a_word_speaks_no_longer() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        ada = scene.room.join("ada", "panel")
        await asyncio.sleep(2.0)
        scene.conduct._speaking = {ada.sid}
        await asyncio.sleep(2 * LOOK)
        assert scene.legs.calls[0].others_speaking
        scene.room.leave("ada")
        await asyncio.sleep(2 * LOOK)
        assert not scene.legs.calls[0].others_speaking

    played(script)


# -- ends --------------------------------------------------------------------------------------------------------------


def test_a_stop_between_two_legs_is_heeded() -> None:
    async def script(scene: Scene) -> None:
        scene.stopping.set()
        with pytest.raises(Stopped):
            await scene.outcome()

    played(script)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_farewell_that_was_cut_off_is_said_again_to_whoever_is_still_there(leaves: bool) -> None:
    async def script(scene: Scene) -> None:
        person = scene.room.join()
        await asyncio.sleep(5.0)
        await scene.journal.write(
            Said(at=0, purpose="closing", text="Goodbye."), Ended(at=0, reason="completed")
        )  # fmt: skip
        sound = next(iter(person.track_publications.values())).sound
        sound.alive = False
        await asyncio.sleep(BROKEN + SOON)
        assert scene.leg is None and not scene.staying.done()
        if leaves:
            scene.room.leave()
            assert await scene.outcome() == "ended"
        else:
            sound.alive = True
            await asyncio.sleep(SOON)
            assert scene.leg is not None

    played(script, journal=asked())


def test_a_lease_that_is_lost_between_two_legs_ends_the_stay() -> None:
    class Lost(ScriptedJournal):
        async def keep_lease(self, seconds: float) -> None:
            await asyncio.sleep(5.0)
            raise LeaseLost("another has it")

    async def script(scene: Scene) -> None:
        with pytest.raises(LeaseLost):
            await scene.outcome()
        assert asyncio.get_running_loop().time() < 7

    played(script, journal=Lost())


def test_a_stay_that_is_cancelled_leaves_no_task_behind() -> None:
    async def script(scene: Scene) -> None:
        scene.room.join()
        await asyncio.sleep(3.0)
        scene.staying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scene.staying
        left = {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]
        assert not left

    played(script)


def test_tidying_up_that_hangs_is_given_up_and_does_not_swallow_a_cancellation() -> None:
    async def script(scene: Scene) -> None:
        async def hangs() -> None:
            await asyncio.Event().wait()

        scene.conduct._caller.source.aclose = hangs  # type: ignore[method-assign]
        scene.staying.cancel()
        began = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.CancelledError):
            await scene.staying
        assert asyncio.get_running_loop().time() - began < 8

    played(script)


def test_an_agent_that_cannot_be_sent_away_does_not_end_the_stay() -> None:
    async def scenario() -> None:
        scene = Scene()
        zombie = scene.room.join("viva-1", "agent", microphone=False)
        zombie.kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        zombie.attributes["viva.session"] = "abc"
        async with scene:
            assert scene.removed == ["viva-1"]

        async def gone(identity: str) -> None:
            raise RuntimeError("not found")

        again = Scene(room=scene.room)
        async with again:
            again.conduct._remove = gone
            await again.conduct._send_others_away()
            assert not again.staying.done()

    virtual_time.run(scenario())
