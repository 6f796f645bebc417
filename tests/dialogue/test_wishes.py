"""What a whole turn is meant to do, from the acts of its pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.manager.wishes import Wish, agreed, wish_of
from dialogue.understanding.pairs import ACTS
from tests.dialogue.made import acts

STORY = ("answer", "I moved the pipeline to streaming.")
MORE = ("answer", "It took three weeks.")
END = ("end", "I would like to stop here.")
SKIP = ("skip", "Can we skip this one?")


def test_nothing_said_wishes_for_nothing() -> None:
    assert wish_of([]) == Wish("none")


@pytest.mark.parametrize("act", [a for a in ACTS if a not in ("answer", "correct", "inject")])
def test_a_turn_that_is_nothing_but_a_request_is_that_request(act: str) -> None:
    assert wish_of(acts((act, "Some words."))) == Wish(act, False, "Some words.")


@pytest.mark.parametrize("act", ["answer", "correct", "inject"])
def test_answers_corrections_and_orders_to_the_system_are_answers(act: str) -> None:
    assert wish_of(acts((act, "Some words."))) == Wish("answer", True)


def test_a_request_at_the_end_of_an_answer_counts_and_keeps_the_answer() -> None:
    assert wish_of(acts(STORY, END)) == Wish("end", True, END[1])
    assert wish_of(acts(STORY, ("later", "The rest later."))) == Wish("later", True, "The rest later.")


def test_a_request_in_the_middle_was_dealt_with_by_going_on() -> None:
    for act in (
        END,
        SKIP,
        ("repeat", "What was the question?"),
        ("already", "I said so."),
        ("restart", "Let me start again."),
    ):
        assert wish_of(acts(STORY, act, MORE)) == Wish("answer", True), act


@pytest.mark.parametrize("act", ["ask_job", "distress", "person"])
def test_these_count_wherever_they_stand(act: str) -> None:
    assert wish_of(acts((act, "Some words."), STORY)) == Wish(act, True, "Some words.")
    assert wish_of(acts(STORY, (act, "Some words."), MORE)).act == act


def test_of_several_requests_the_most_pressing_is_dealt_with() -> None:
    repeat, person = ("repeat", "Once more?"), ("person", "I want a person.")
    assert wish_of(acts(repeat, SKIP)).act == "skip"
    assert wish_of(acts(END, person, SKIP)).act == "person"
    assert wish_of(acts(("greeting", "Hello."), repeat)).act == "repeat"
    assert wish_of(acts(("distress", "I cannot go on."), person)).act == "distress"


def test_all_words_of_the_request_that_counts_are_kept() -> None:
    asked = wish_of(acts(("ask_job", "What are the hours?"), ("greeting", "Hello."), ("ask_job", "And the pay?")))
    assert asked.words == "What are the hours? And the pay?"


@pytest.mark.parametrize(
    "act",
    ["greeting", "small_talk", "backchannel", "time", "resume", "swearing", "confirm", "deny", "dont_know", "already"],
)
def test_beside_an_answer_some_words_mean_nothing(act: str) -> None:
    assert wish_of(acts((act, "Some words."), STORY)) == Wish("answer", True)
    assert wish_of(acts(STORY, (act, "Some words."))) == Wish("answer", True)


def test_who_is_back_from_a_break_asks_for_no_other() -> None:
    pause, back = ("break", "A short break, please."), ("resume", "I am back.")
    assert wish_of(acts(pause)).act == "break"
    assert wish_of(acts(pause, back)).act == "resume"
    assert wish_of(acts(pause, back, pause)).act == "break", "now they do"
    assert wish_of(acts(pause, back, STORY)) == Wish("answer", True)
    assert (
        wish_of(acts(pause, SKIP)).act == "skip"
        and wish_of(acts(pause, pause, ("repeat", "Once more?"))).act == "repeat"
    )


def test_a_yes_with_a_short_reason_is_one() -> None:
    yes = ("confirm", "Yes, please.")
    assert agreed(acts(yes)) and agreed(acts(yes, ("answer", "My train leaves at six.")))
    assert not agreed(acts(yes, ("answer", "At my last company we had a very long story about that, with many words.")))
    assert not agreed([]) and not agreed(acts(STORY)) and not agreed(acts(STORY, yes))


@given(st.lists(st.sampled_from(ACTS), min_size=1, max_size=8))
def test_whatever_is_said_there_is_one_wish_and_answers_are_noticed(said: list[str]) -> None:
    wish = wish_of(acts(*((act, "Some words.") for act in said)))
    assert wish.act == "answer" or wish.act in said
    assert wish.answered == any(act in ("answer", "correct", "inject") for act in said)
