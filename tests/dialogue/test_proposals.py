"""Replies worked out ahead: used only where they fit, and without a trace."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dialogue.manager.reply import Reply
from memory.events import Heard
from tests.dialogue.helpers import GOOD, Conversation, conversation, timed
from tests.dialogue.test_mind import STORY


def test_a_proposal_is_used_only_for_the_words_it_was_made_for() -> None:
    plain, proposed = conversation(), conversation()
    for call in (plain, proposed):
        call.open()
    assert plain.answer(GOOD["improved-process"]) == proposed.answer(GOOD["improved-process"], propose=True)


def proposed_for(call: Conversation, words: str, turn: int, said: str) -> str:
    """What is said after `said`, given a proposal that was made for `words` in turn `turn` and announces itself."""

    async def reply() -> Reply:
        state = call.state
        asked = state.awaiting
        assert asked is not None
        made = await call.interviewer.propose(state, asked, timed(words, call.t))
        assert made.wording is not None, "there is something to tell it by"
        marked = replace(made, turn=turn, wording=replace(made.wording, text="This is the proposal."))
        call.events.append(
            Heard(at=0, t=call.t, turn=asked.number, text=said, words=timed(said, call.t), end=call.t + 9)
        )
        call.t += 10
        assert call.state.awaiting is not None
        return await call.interviewer.commit(call.state, call.state.awaiting, at=0, t=call.t, proposal=marked)

    return call.take(asyncio.run(reply()))


@pytest.mark.parametrize(
    ("turn", "said", "used"),
    [
        (0, STORY, True),
        (0, STORY.upper().replace(",", ""), True),  # the same words, written otherwise
        (0, f"{STORY} We saved six hours.", False),  # they went on
        (0, STORY.replace("streaming", "batches"), False),
        (1, STORY, False),  # made for another turn
    ],
)
def test_a_proposal_that_does_not_match_is_not_used(turn: int, said: str, used: bool) -> None:
    call = conversation(ids=["improved-process"])
    call.open()
    assert ("This is the proposal." in proposed_for(call, STORY, turn, said)) is used
    if not used:
        plain = conversation(ids=["improved-process"])
        plain.open()
        plain.answer(said)
        assert call.said[-1] == plain.said[-1], "as if there had been none"


class Broken:
    """A model that fails in an unforeseen way."""

    name = "broken"

    async def complete(self, prompt: object) -> str:
        raise ZeroDivisionError

    async def close(self) -> None: ...


def test_a_model_that_fails_costs_its_wording_and_nothing_else() -> None:
    plain, broken = conversation(ids=["improved-process"]), conversation(Broken(), ids=["improved-process"])
    for call in (plain, broken):
        call.open()
    assert plain.answer(STORY) == broken.answer(STORY, propose=True)
    followed = next(e for e in broken.events if e.kind == "followed")
    assert "ZeroDivisionError" in followed.note and followed.engine == "authored probe"


def test_proposals_have_no_side_effects() -> None:
    call = conversation()
    call.open()
    before = list(call.events)
    state = call.state
    for text in ("I", "I moved", GOOD["improved-process"]):
        asyncio.run(call.interviewer.propose(state, call.open_turn, timed(text, 10.0)))
    assert call.events == before and call.state == state
