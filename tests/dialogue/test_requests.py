"""What is said to somebody who asks for something, and how the interview goes on; what they meant is made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from dialogue.manager.interviewer import Interviewer
from dialogue.manager.requests import MOST_ASIDES
from tests.dialogue.helpers import GOOD, Conversation, agreed, conversation
from tests.dialogue.made import ScriptedReader

MEANT: Mapping[str, str] = {
    "Repeat it.": "repeat", "Rephrase it.": "rephrase", "Which case?": "which_case", "What is a handover?": "explain_term",
    "What is a gizmo?": "explain_term", "Skip it.": "skip", "Later.": "later", "No idea.": "dont_know", "Wait.": "time",
    "Break.": "break", "I am back.": "resume", "Start again.": "restart", "I told you.": "already", "What are the hours?": "ask_job",
    "What is the pay?": "ask_job", "How long is this?": "ask_interview", "Who are you?": "ask_who", "A person.": "person",
    "End it.": "end", "Wrong one.": "wrong", "Erase it.": "consent_worry", "This is bad.": "complaint", "Damn.": "swearing",
    "I am crying.": "distress", "Hello.": "greeting", "Nice weather.": "small_talk", "Mhm.": "backchannel", "Yes.": "confirm",
    "No.": "deny", "Was?": "other_language",
}  # fmt: skip
ABOUT = "The working hours are from eight to four."
GLOSSARY = {"handover": "A handover is the talk at the change of shift."}
IDS = ("improved-process", "mistake", "slow-service")


def talk(probes: int = 1, ids: tuple[str, ...] = IDS, **reader: Any) -> Conversation:
    interview = agreed(ids=ids, probes=probes).model_copy(update={"about": ABOUT, "glossary": GLOSSARY})
    made = Conversation(interview, Interviewer(reader=ScriptedReader(meant=MEANT, **reader)))
    made.open()
    return made


def awaiting(call: Conversation) -> tuple[str, str | None, str]:
    turn = call.state.awaiting
    assert turn is not None
    return turn.question, turn.probe, turn.text


ASKS = [
    ("Repeat it.", "{text}", "repeat"), ("Rephrase it.", "{short}", "rephrase"), ("Which case?", "Any real case", "reply"),
    ("What is a handover?", "talk at the change of shift", "reply"), ("What is a gizmo?", "{short}", "rephrase"),
    ("Start again.", "gain", "reply"), ("What are the hours?", "from eight to four. ", "reply"), ("What is the pay?", "note the question", "reply"),
    ("How long is this?", "3 questions left", "reply"), ("Who are you?", "Yes, I am an AI", "reply"), ("This is bad.", "I hear that", "reply"),
    ("Damn.", "I hear that", "reply"), ("I am crying.", "counts against you", "reply"), ("Hello.", "good to have you here", "reply"),
    ("Nice weather.", "Thank you", "reply"), ("Was?", "English only", "reply"), ("I am back.", "{text}", "repeat"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "hears", "purpose"), ASKS)
def test_each_request_has_its_reply_and_the_question_stays_open(said: str, hears: str, purpose: str) -> None:
    call = talk()
    open_ = awaiting(call)
    question = call.state.planned(open_[0])
    text = call.answer(said)
    assert hears.format(text=question.text, short=question.short) in text
    assert awaiting(call) == open_ and call.state.awaiting is not None and call.state.awaiting.answer == ""
    assert (
        call.state.turns[0].intent == MEANT[said]
        and [e.purpose for e in call.events if e.kind == "said"][-1] == purpose
    )
    assert text.count("?") <= question.text.count("?") + 1 and "{" not in text


@pytest.mark.parametrize(("said", "hears", "purpose"), ASKS)
def test_the_same_on_a_follow_up_which_stays_the_same_follow_up_and_spends_no_budget(
    said: str, hears: str, purpose: str
) -> None:
    call = talk(probes=2)
    call.answer(GOOD["improved-process"])
    open_ = awaiting(call)
    assert open_[1] is not None
    text = call.answer(said)
    assert awaiting(call) == open_ and hears.format(text=open_[2], short=open_[2]) in text
    call.answer("It was a long story.")
    second = awaiting(call)
    assert second[0] == open_[0] and second[1] is not None and second[2] != open_[2]
    call.answer("And another.")
    assert awaiting(call)[0] == "mistake"


def test_time_a_break_and_a_mumble_leave_the_turn_as_it_is() -> None:
    for said, hears in (
        ("Wait.", ("Take your time.", "No hurry.")),
        ("Break.", ("when you are back",)),
        ("Mhm.", ("Take your time.", "No hurry.")),
    ):
        call = talk()
        text = call.answer(said)
        assert any(h in text for h in hears) and len(call.state.turns) == 1 and not call.state.turns[0].answered
        call.answer("We moved it.")
        assert call.state.turns[0].intent == "answer"


def test_after_a_break_the_question_comes_once_more() -> None:
    call = talk()
    call.answer("Break.")
    question = awaiting(call)[2]
    assert question in call.answer("I am back.") and "when you are back" not in call.said[-1]


def test_skipping_and_not_knowing_go_on_in_their_own_words() -> None:
    for said, hears in (("Skip it.", "we leave that one"), ("No idea.", "That is fine.")):
        call = talk()
        assert hears in call.answer(said) and awaiting(call)[:2] == ("mistake", None)


def test_a_request_after_an_answer_keeps_the_answer() -> None:
    call = talk()
    call.answer(f"{GOOD['improved-process']} Skip it.")
    assert (call.state.turns[0].intent, call.state.turns[0].wish) == ("answer", "skip") and awaiting(call)[:2] == (
        "mistake",
        None,
    )


def test_too_many_requests_on_one_question_and_it_is_left() -> None:
    call = talk()
    for _ in range(MOST_ASIDES):
        call.answer("Damn.")
        assert awaiting(call)[0] == "improved-process"
    assert "leave this one" in call.answer("Repeat it.") and awaiting(call)[0] == "mistake"


def test_an_end_is_heard_even_after_many_requests() -> None:
    call = talk()
    for _ in range(MOST_ASIDES):
        call.answer("Damn.")
    assert "Shall I end" in call.answer("End it.")
    call.answer("Yes.")
    assert call.state.ended == "candidate_left"


# -- later -----------------------------------------------------------------------------------------------------------


def test_a_question_that_was_put_off_comes_back_once_at_the_end() -> None:
    call = talk(probes=0)
    assert "come back to that one" in call.answer("Later.")
    call.answer(GOOD["mistake"])
    assert "wanted to come back" in call.answer(GOOD["slow-service"]) and awaiting(call)[0] == "improved-process"
    call.answer(GOOD["improved-process"])
    assert call.ended and call.state.ended == "completed"


def test_later_twice_does_not_go_round_and_promises_nothing() -> None:
    call = talk(probes=0, ids=("mistake", "slow-service"))
    call.answer("Later.")
    call.answer("Later.")
    assert "come back to that" not in call.answer("Later.") and awaiting(call)[0] == "slow-service"
    call.answer("Later.")
    assert call.ended and len(call.state.turns) == 4


def test_the_rest_of_an_answer_or_a_follow_up_that_is_put_off_does_not_come_back() -> None:
    call = talk(ids=("mistake", "slow-service"))
    assert "come back to that" not in call.answer(f"{GOOD['mistake']} Later.") and awaiting(call)[:2] == (
        "slow-service",
        None,
    )
    call.answer(GOOD["slow-service"])
    assert awaiting(call)[1] is not None
    assert "come back to that" not in call.answer("Later.") and call.ended


# -- ends are asked back ---------------------------------------------------------------------------------------------

ENDS = ["End it.", "Wrong one.", "Erase it."]


@pytest.mark.parametrize("said", ENDS)
def test_an_end_is_asked_back_and_a_yes_ends_it(said: str) -> None:
    for yes in ("Yes.", "Yes. My train leaves soon.", said):
        call = talk()
        assert "Shall I end" in call.answer(said) and not call.ended
        assert "Goodbye" in call.answer(yes) and call.state.ended == "candidate_left"
        assert call.state.turns[-1].intent == MEANT[said]


@pytest.mark.parametrize("said", ENDS)
def test_a_no_puts_the_question_again(said: str) -> None:
    call = talk()
    call.answer(said)
    text = call.answer("No.")
    assert "let's go on" in text and awaiting(call)[0] == "improved-process" and awaiting(call)[2] in text
    call.answer(GOOD["improved-process"])
    assert call.state.turns[-2].intent == "answer" and awaiting(call)[1] is not None, "probed as ever"


def test_an_answer_instead_of_a_yes_or_no_is_one() -> None:
    call = talk(probes=0)
    call.answer("End it.")
    call.answer(GOOD["improved-process"])
    assert not call.ended and call.state.turns[1].intent == "answer" and awaiting(call)[0] == "mistake"


def test_another_request_instead_is_dealt_with() -> None:
    call = talk()
    call.answer("End it.")
    assert awaiting(call)[2] in call.answer("Repeat it.") and not call.ended
    call.answer("A person.")
    assert call.state.ended == "human_requested"


def test_who_answered_and_changes_their_mind_is_not_asked_that_again() -> None:
    call = talk(probes=0)
    call.answer(f"{GOOD['improved-process']} End it.")
    assert call.state.turns[0].intent == "answer"
    text = call.answer("No.")
    assert "let's go on" in text and awaiting(call)[0] == "mistake" and text.count("?") <= 2


def test_a_person_is_given_at_once() -> None:
    call = talk()
    assert "person" in call.answer("A person.") and call.state.ended == "human_requested"


def test_a_yes_or_no_to_a_question_of_the_interview_answers_it() -> None:
    for said in ("Yes.", "No."):
        call = talk()
        call.answer(said)
        assert (
            call.state.turns[0].intent == "answer" and awaiting(call)[:1] == ("improved-process",) and awaiting(call)[1]
        )
        call.answer(said)
        assert call.state.turns[1].intent == "answer" and not call.ended


# -- "I told you" ----------------------------------------------------------------------------------------------------


def test_who_did_tell_it_hears_that_and_who_perhaps_did_is_not_contradicted() -> None:
    call = talk(ids=("mistake", "slow-service"))
    call.answer(GOOD["mistake"])
    put = awaiting(call)[2]
    assert "have it in what you said" in call.answer("I told you.") and awaiting(call)[:2] == ("slow-service", None)
    known = talk(ids=("mistake", "slow-service"))
    known.answer(GOOD["mistake"])
    turn = known.state.turns[0]
    assert turn.reading is not None
    seen = [p.model_copy(update={"state": "answered"}) if p.text == put else p for p in turn.reading.probes]
    known.events = [
        e.model_copy(update={"reading": e.reading.model_copy(update={"probes": seen})}) if e.kind == "read" else e
        for e in known.events
    ]
    assert "you did say that" in known.answer("I told you.") and awaiting(known)[:2] == ("slow-service", None)


# -- asked within an answer ------------------------------------------------------------------------------------------


def test_a_question_about_the_job_inside_an_answer_is_noted_and_the_answer_goes_on() -> None:
    call = talk()
    assert "note" in call.answer(f"What is the pay? {GOOD['improved-process']}")
    assert (call.state.turns[0].intent, call.state.turns[0].wish) == ("answer", "ask_job") and awaiting(call)[
        1
    ] is not None


def test_within_an_answer_it_is_answered_too_where_the_notes_hold_it() -> None:
    call = talk()
    text = call.answer(f"{GOOD['improved-process']} What are the hours?")
    assert ABOUT in text and awaiting(call)[1] is not None and text.endswith(awaiting(call)[2])


def test_the_last_question_is_called_the_last_unless_one_was_put_off() -> None:
    call = talk(probes=0, ids=("mistake", "slow-service"))
    call.answer("Later.")
    assert "2 questions left" in call.answer("How long is this?")
    call.answer(GOOD["slow-service"])
    assert "the last question" in call.answer("How long is this?")


def test_a_short_answer_after_a_fresh_start_is_taken_for_one() -> None:
    """The question was heard before; "start again" need not say it once more."""
    call = talk(probes=0)
    call.answer("We had. Start again.")
    call.answer("We moved it.")
    assert call.state.turns[1].intent == "answer" and awaiting(call)[0] == "mistake"


def test_what_is_ready_ahead_is_the_same_for_requests() -> None:
    for said, *_ in ASKS:
        plain, ahead = talk(), talk()
        assert plain.answer(said) == ahead.answer(said, propose=True) and ahead.untouched


def test_is_request_tells_requests_from_answers() -> None:
    from memory.records import untimed

    interviewer = talk().interviewer
    assert interviewer.is_request(untimed("Repeat it.")) and interviewer.is_request(untimed("A person."))
    assert not any(interviewer.is_request(untimed(x)) for x in ("We moved it.", "Wait.", "What is the pay?", "Mhm."))
    assert not asyncio.iscoroutinefunction(interviewer.is_request), "asked while somebody speaks"


def test_what_is_wanted_with_the_recording_is_said_to_the_end() -> None:
    call = conversation()
    call.open()
    call.answer("Please delete everything you have of me.")
    text = call.answer("Yes.")
    assert call.ended and "erased" in text and "is kept" not in text


def test_who_says_goodbye_is_asked_whether_to_end() -> None:
    call = conversation()
    call.open()
    assert "Shall I end the interview" in call.answer("Goodbye, take care.")
    assert call.answer("Yes.").endswith("Goodbye.") and call.ended


def test_a_maybe_to_an_end_is_asked_once_more_and_no_answer() -> None:
    call = conversation()
    call.open()
    call.answer("I want to stop the interview.")
    assert "Say yes to end" in call.answer("Maybe.")
    assert not any(t.intent == "answer" for t in call.state.turns)


def test_i_told_you_is_not_believed_where_nothing_was_told() -> None:
    call = conversation()
    call.open()
    question = call.state.awaiting.text
    assert question in call.answer("I already told you that.") and "not have that" in call.said[-1]
