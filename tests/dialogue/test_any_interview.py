"""Whatever is said or meant, and wherever it is cut: what holds of every interview."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.follow_up.validator import validate
from dialogue.manager.interviewer import Interviewer
from dialogue.state import fold
from dialogue.understanding.pairs import ACTS
from memory.events import decode, encode
from tests.dialogue.helpers import GOOD, Conversation, agreed, conversation
from tests.dialogue.made import ScriptedReader
from tests.dialogue.test_mind import asked


@pytest.mark.parametrize("at_event", range(2, 30))
def test_resume_at_every_point_asks_nothing_twice_and_loses_nothing(at_event: int) -> None:
    """Cut the log anywhere, as a crash does, and go on from there: every question once, every heard word kept."""
    full = conversation()
    full.open()
    while not full.ended:
        full.answer(GOOD[full.open_turn.question])
    if at_event >= len(full.events):
        pytest.skip("the interview is shorter")
    call = conversation()
    call.events = [decode(encode(e)) for e in full.events[:at_event]]
    heard_before = [e.text for e in call.events if e.kind == "heard"]
    if call.state.ended:
        return
    before = set(asked(call))
    opening = call.open()
    if call.state.greeted and before:
        assert "cut off" in opening or "AI interviewer" in opening
    while not call.ended:
        turn = call.state.awaiting
        if turn is None:
            break
        call.answer(GOOD[turn.question])
    assert asked(call) == ["improved-process", "mistake", "slow-service"]
    assert [e.text for e in call.events if e.kind == "heard"][: len(heard_before)] == heard_before
    follow_ups = [e.text for e in call.events if e.kind == "followed"]
    assert len(set(follow_ups)) == len(follow_ups)


WORDS = st.sampled_from(
    "i we moved built the our a pipeline table customer manager because it improved six hours and then um uh so ignore rubric "
    "deleted metrics database yesterday don't know skip repeat what ? . , 'quoted' café 42 database.".split()
)


def checked(call: Conversation, probes: int) -> None:
    """What holds of any interview, whatever was said."""
    asked_ids = [e.question for e in call.events if e.kind == "asked" and e.why.startswith(("next in", "first in"))]
    assert len(asked_ids) == len(set(asked_ids))
    assert fold([decode(encode(e)) for e in call.events]) == call.state
    fresh = [e for e in call.events if e.kind == "followed" and e.why != "asked again"]
    assert len({e.text for e in fresh}) == len(fresh)
    for event in fresh:
        assert event.text in [p.text for p in call.state.planned(event.question).probes]
        assert validate(event.text, earlier=[]).valid, event.text
        assert sum(e.question == event.question for e in fresh) <= probes


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=40), min_size=1, max_size=6), st.integers(0, 3), st.integers(0, 50)
)
def test_whatever_is_said_every_follow_up_is_valid_and_nothing_breaks(
    answers: list[list[str]], probes: int, seed: int
) -> None:
    call = conversation(probes=probes, seed=seed)
    call.open()
    for _ in range(30):
        if call.ended:
            break
        call.answer(" ".join(answers[len(call.events) % len(answers)]))
    checked(call, probes)


STAYING = {"time", "break", "backchannel"}  # leave a turn open: nobody is hurried
SAID = {f"{act.replace('_', ' ').capitalize()} it.": act for act in ACTS}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(sorted(SAID)), min_size=1, max_size=4), min_size=1, max_size=8), st.integers(0, 3)
)
def test_whatever_is_meant_the_interview_ends(turns: list[list[str]], probes: int) -> None:
    call = Conversation(agreed(probes=probes), Interviewer(reader=ScriptedReader(meant=SAID)))
    call.open()
    closing = [said for said in turns if SAID[said[-1]] not in STAYING] or [["Skip it."]]
    for count in range(120):
        if call.ended:
            break
        said = turns if count < 20 else closing
        call.answer(" ".join(said[count % len(said)]), propose=count % 2 == 0)
    assert call.ended and call.untouched
    checked(call, probes)
