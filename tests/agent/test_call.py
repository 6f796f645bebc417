"""A call, scene by scene, in virtual time: who leaves, who interrupts, what fails, and what the log then holds."""

from __future__ import annotations

import asyncio
import gc
import itertools
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit.agents.voice import SpeechHandle

from agent.call.recording import Recording
from agent.engines.measuring import Answer, measure_answer, measure_recorded
from agent.reporting.write_up import measure_missing
from agent.signals import Stopped
from dialogue.manager.interviewer import Interviewer, Proposal
from dialogue.state import State, Turn
from memory.records import Delivery, Word
from simulation import virtual_time
from tests.agent.scene import Scene
from voice.stt.stream import LocalSTT

ANSWER = "Two years ago I deleted a customer table by accident."
MORE = "I told my manager at once and we repaired it."
NEXT = "First I would look at what changed yesterday, maybe a release."


def play(scene: Scene, scenario: Callable[[Scene], Awaitable[None]], limit: float = 900.0) -> Scene:
    return virtual_time.run(scene.play(scenario, limit=limit))


class Thinking(Interviewer):
    """Its proposals never finish."""

    async def propose(self, state: State, turn: Turn, words: Sequence[Word]) -> Proposal:
        await asyncio.Event().wait()
        raise AssertionError


class Failing(Interviewer):
    """Its proposals fail."""

    async def propose(self, state: State, turn: Turn, words: Sequence[Word]) -> Proposal:
        raise RuntimeError("this proposal fails")


# -- a whole interview -------------------------------------------------------------------------------------------------


def test_a_whole_interview(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        await scene.asked(1)
        await scene.says(NEXT)
        await scene.until("ended")

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.ended == "completed" and scene.state.farewell_heard
    assert [turn.answer for turn in scene.state.turns] == [ANSWER, NEXT]
    assert all(turn.delivery and 0.0 < (turn.delivery.response_delay or 0.0) < 1.0 for turn in scene.state.turns)
    candidate, agent = Recording(tmp_path).read()
    assert len(candidate) == len(agent) and np.abs(agent).max() > 0.05


def test_the_session_keeps_nothing_of_what_was_said(tmp_path: Path) -> None:
    """The log has it; an utterance that LiveKit keeps holds its tasks and their contexts, too."""

    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        session, said = scene.leg.call.session, []
        say = session.say

        def noted(*given: Any, **named: Any) -> SpeechHandle:
            handle = say(*given, **named)
            said.append(weakref.ref(handle))
            return handle

        session.say = noted  # type: ignore[method-assign]
        for count in range(2, 8):
            scene.presses("repeat")
            await scene.until("spoken", count)
        gc.collect()
        assert len(said) == 6 and sum(handle() is not None for handle in said) <= 1, "the last one may still end"
        assert not [item for item in session.history.items if item.type == "message"]
        scene.leaves()

    play(Scene(tmp_path), scenario)


# -- somebody goes -----------------------------------------------------------------------------------------------------


def test_a_candidate_who_leaves_while_the_agent_thinks_ends_the_leg(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        await scene.when(lambda: scene.phases[-1] == "thinking")
        scene.leaves()

    scene = play(Scene(tmp_path, interviewer=Thinking()), scenario, limit=60.0)
    assert scene.state.turns[0].answer == ANSWER and not scene.state.ended


def test_the_last_words_of_a_candidate_who_leaves_are_kept(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        scene.leaves()  # before the recogniser made them final

    scene = play(Scene(tmp_path), scenario, limit=60.0)
    assert scene.state.turns[0].answer == ANSWER


def test_measuring_that_never_ends_does_not_hold_the_leg_and_is_done_from_the_recording(tmp_path: Path) -> None:
    scene = Scene(tmp_path)

    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)

        async def never(start: float, end: float) -> None:
            await asyncio.Event().wait()

        scene.leg.call.tracker.speech = never  # type: ignore[assignment]
        await scene.asked(1)
        await scene.says(NEXT)
        await scene.until("ended")
        await asyncio.sleep(5.0)
        raw = Recording(tmp_path)
        await measure_missing(scene.journal, raw, broken)  # no reason to write no report
        assert [turn.delivery is not None for turn in scene.state.turns] == [False, False]
        await measure_missing(scene.journal, raw)

    def broken(answer: Answer) -> Delivery:
        raise ZeroDivisionError

    play(scene, scenario, limit=120.0)
    assert scene.state.ended == "completed"
    assert [turn.delivery is not None for turn in scene.state.turns] == [True, True]


def test_a_stop_signal_in_the_middle_of_an_answer_keeps_the_sound(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.caller.say(ANSWER)
        await asyncio.sleep(1.5)
        scene.stopping.set()
        await asyncio.Event().wait()

    scene = Scene(tmp_path)
    with pytest.raises(Stopped):
        play(scene, scenario, limit=60.0)
    candidate, _ = Recording(tmp_path).read()
    began = round(scene.of("spoken")[0].end * 24_000)
    assert np.abs(candidate[began:]).max() > 0.05 and not scene.state.ended


# -- who has the floor -------------------------------------------------------------------------------------------------


def test_who_goes_on_just_after_the_agent_began_opens_the_answer_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        await scene.when(lambda: scene.phases.count("speaking") == 2)
        await scene.says(MORE)
        await scene.until("answered", count=2, turn=0)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert "reopened" in scene.kinds and scene.state.turns[0].answer == f"{ANSWER} {MORE}"
    assert [turn.number for turn in scene.state.turns if turn.answered] == [0]


def test_a_barge_in_stops_the_agent_and_is_counted(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        await scene.when(lambda: scene.phases.count("speaking") == 2)
        await asyncio.sleep(3.0)
        await scene.says(NEXT)
        spoken = await scene.asked(1)
        assert spoken.interrupted and 0.0 < spoken.heard_share < 1.0
        await scene.until("answered", turn=1)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.turns[1].interruptions == 1 and scene.state.turns[1].answer == NEXT


def test_a_pause_that_was_asked_for_is_kept(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.presses("pause")
        await scene.when(lambda: scene.phases[-1] == "paused")
        before = len(scene.events)
        await asyncio.sleep(120.0)
        assert len(scene.events) == before, "nobody is nudged in a pause"
        await scene.says(ANSWER)
        await scene.asked(1)
        scene.leaves()

    assert play(Scene(tmp_path), scenario).state.turns[0].answer == ANSWER


def test_a_typed_answer_is_an_answer_and_is_not_measured(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.presses("typed", ANSWER)
        await scene.asked(1)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.turns[0].answer == ANSWER and scene.state.turns[0].heard[0].typed
    assert not scene.measured and scene.state.turns[0].delivery is None


def test_what_is_typed_while_people_have_the_floor_is_noted(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.presses("yield")
        await scene.until("yielded")
        scene.presses("typed", "My number is in the chat.")
        await scene.until("noted")
        scene.presses("leave")

    assert play(Scene(tmp_path), scenario, limit=120.0).of("noted")[0].text == "My number is in the chat."


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_let_me_think_and_a_nudge_leave_the_delay_before_the_answer_alone(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await asyncio.sleep(1.0)
        await scene.says("Let me think about that for a moment.")
        await scene.until("said", purpose="nudge")
        await scene.until("spoken", count=2)
        await scene.says(ANSWER)
        await scene.asked(1)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    delivery = scene.state.turns[0].delivery
    assert delivery is not None and delivery.response_delay == pytest.approx(1.0, abs=0.3)


def test_a_request_is_no_answer_and_is_not_measured(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says("Could you repeat that, please?")
        await scene.asked(1)
        await scene.says(ANSWER)
        await scene.asked(2)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert [turn.intent for turn in scene.state.turns] == ["repeat", "answer", None]
    assert [turn.delivery is not None for turn in scene.state.turns] == [False, True, False]


async def measured_again(scene: Scene) -> list[object]:
    """The deliveries measured from the recording."""
    candidate, _ = Recording(scene.folder).read()
    turns = [turn for turn in scene.state.turns if turn.answered and turn.intent == "answer"]
    return [measure_recorded(candidate, 24_000, turn, scene.state.holes, measure_answer) for turn in turns]


def test_a_call_gives_the_numbers_that_its_recording_gives(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await asyncio.sleep(1.0)
        await scene.says("Let me think about that for a moment.")
        await scene.until("said", purpose="nudge")
        await scene.until("spoken", count=2)
        await scene.says(ANSWER)
        await scene.asked(1)
        await scene.says("Could you repeat that, please?")
        await scene.asked(2)
        await scene.says(NEXT)
        await scene.until("ended")

    scene = play(Scene(tmp_path), scenario)
    live = [turn.delivery for turn in scene.state.turns if turn.delivery]
    assert len(live) == 2 and live == asyncio.run(measured_again(scene))


class Counting(Interviewer):
    """Counts how often it has to read the words."""

    read = 0

    def is_request(self, heard: str) -> bool:
        self.read += 1
        return super().is_request(heard)


def test_words_are_read_when_they_change_and_not_when_time_passes(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        before = scene.interviewer.read
        await scene.says("Let me think about that for a moment.")
        await asyncio.sleep(10.0)  # 500 frames
        scene.leaves()
        assert 0 < scene.interviewer.read - before < 20

    play(Scene(tmp_path, interviewer=Counting()), scenario)


# -- what fails --------------------------------------------------------------------------------------------------------


def test_a_proposal_that_fails_is_no_proposal(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        await scene.says(ANSWER)
        await scene.asked(1)
        scene.leaves()

    scene = play(Scene(tmp_path, interviewer=Failing()), scenario)
    assert scene.state.turns[0].answered


def test_a_store_that_is_away_for_a_moment_stops_nobody(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.store.away = True
        await scene.says(ANSWER)
        await asyncio.sleep(5.0)
        scene.store.away = False
        await scene.asked(1)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.turns[0].answer == ANSWER
    assert [said.purpose for said in scene.of("said")] == ["greeting", "notice"]


def test_what_the_voice_fails_to_say_is_said_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.voice.fails = 1
        await scene.says(ANSWER)
        spoken = await scene.asked(1)
        assert spoken.heard_share > 0.9 and scene.state.turns[1].spoken is not None
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    question = scene.state.turns[1].text
    assert question.split()[-1] in scene.voice.said[-1], "it sounded to its end"


def test_a_question_that_nobody_heard_is_put_again(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.voice.fails = 10**6
        await scene.says(ANSWER)
        silent = await scene.asked(1)
        assert silent.heard_share == 0.0 and scene.state.turns[1].spoken is None
        scene.voice.fails = 0
        await scene.until("spoken", count=2, turn=1)
        assert scene.state.turns[1].spoken is not None
        await scene.says(NEXT)
        await scene.until("ended")

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.ended == "completed" and scene.state.turns[1].answer == NEXT


def test_a_hello_to_a_silent_agent_is_no_answer(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.voice.fails = 10**6
        await scene.says(ANSWER)
        await scene.asked(1)
        scene.voice.fails = 0
        await scene.says("Hello? Are you still there?")
        await scene.asked(2)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert scene.state.turns[1].intent == "repeat" and scene.state.turns[2].text == scene.state.turns[1].text
    assert scene.state.turns[2].spoken is not None


def test_a_voice_that_is_gone_for_good_ends_by_the_rules_for_silence(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.voice.fails = 10**6
        await scene.until("ended")

    assert play(Scene(tmp_path), scenario).state.ended == "silence"


def test_a_recogniser_that_fails_once_loses_no_word(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.decoder.fails_timed = 2
        await scene.says(ANSWER)
        await scene.asked(1)
        await scene.says(NEXT)
        await scene.until("ended")

    scene = play(Scene(tmp_path), scenario)
    assert [turn.answer for turn in scene.state.turns] == [ANSWER, NEXT]


def test_a_recogniser_that_hears_nothing_is_started_anew_and_the_candidate_is_asked_once_more(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.decoder.deaf = lambda: not scene.of("said")[1:]
        await scene.says(ANSWER)
        await scene.until("spoken", count=2)
        await scene.says(ANSWER)
        await scene.asked(1)
        scene.leaves()

    scene = play(Scene(tmp_path), scenario)
    assert any("anew" in note for note in scene.notes) and "once more" in scene.of("said")[1].text
    assert scene.state.turns[0].answer == ANSWER


def test_a_candidate_who_is_not_understood_is_told_so_but_not_often(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.decoder.deaf = lambda: True
        for _ in range(22):
            await scene.says(f"{ANSWER} {MORE}")
            await asyncio.sleep(4.0)
        scene.leaves()

    scene = play(Scene(tmp_path, mode="screen"), scenario)
    told = [said for said in scene.of("said") if said.purpose == "notice"]
    assert len(told) == 3 and "type" in told[-1].text
    assert all(b.t - a.t >= 60.0 for a, b in itertools.pairwise(told))


def test_a_recogniser_that_never_finishes_does_not_hold_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalSTT, "finish_speech", lambda stt: None)

    async def scenario(scene: Scene) -> None:
        await scene.asked(0)
        scene.leg.call._transcript.open = True
        scene.presses("typed", ANSWER)
        await scene.asked(1)
        scene.leaves()

    assert play(Scene(tmp_path), scenario, limit=120.0).state.turns[0].answer == ANSWER
