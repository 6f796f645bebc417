"""One way to spoil an interview for each property of the battery, to show that the property can fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialogue.report_model import Statement
from dialogue.state import State
from memory.events import Said
from memory.records import Mode, PointRead, ProbeRead, Span
from tests.battery.properties.course import COMING_BACK
from tests.battery.spoiling import (
    NEVER_SAID,
    Spoil,
    also_says,
    each,
    later,
    never_says,
    points,
    questions,
    reported,
    says,
    sentences,
    spoilt,
    states,
    turns,
    without,
)
from tests.battery.stage import Show


def consent_at_last(s: Show) -> Show:
    return spoilt(s, events=sorted(s.events, key=lambda e: e.kind == "consented"))


def asked_again_later(s: Show) -> Show:
    """A question of the plan is asked twice."""
    return spoilt(s, events=[*s.events, s.asked[0].model_copy(update={"turn": len(s.turns)})])


def other_order(s: Show) -> Show:
    first, second = s.asked[:2]
    turned = {id(first): second, id(second): first}
    return spoilt(s, events=[turned.get(id(e), e) for e in s.events])


def one_left_out(s: Show) -> Show:
    last = s.asked[-1].question
    return spoilt(s, events=[e for e in s.events if e.kind != "asked" or e.question != last])


def smaller_budget(s: Show) -> Show:
    return spoilt(s, interview=s.call.interview.model_copy(update={"probe_budget": 0}))


def repeated(s: Show) -> Show:
    """The second follow-up is the first."""
    first, second = s.follow_ups[:2]
    copy = second.model_copy(update={"text": first.text})
    return spoilt(s, events=[copy if e is second else e for e in s.events])


def asked_for_before(state: State) -> dict[int, dict[str, Any]]:
    """What was asked had been read as answered one turn earlier."""
    follow_up = next(t for t in state.turns if t.probe)
    before = state.turns[follow_up.number - 1]
    assert before.reading is not None
    known = [ProbeRead(text=follow_up.text, state="answered")]
    return {before.number: {"reading": before.reading.model_copy(update={"probes": known})}}


def all_said(state: State) -> dict[int, dict[str, Any]]:
    """Every core answer was read as full."""
    changes: dict[int, dict[str, Any]] = {}
    for turn in state.turns:
        assert turn.reading is not None
        at = turn.reading.acts[0].passage
        full = [PointRead(name=p.name, state="said", passage=at) for p in state.planned(turn.question).key_points]
        changes[turn.number] = {"reading": turn.reading.model_copy(update={"points": full})}
    return changes


def unsure_and_probed(state: State) -> dict[int, dict[str, Any]]:
    """The candidate was probed right after saying they do not know."""
    return {t.number - 1: {"intent": "dont_know"} for t in state.turns if t.probe}


def aimed_at_private(state: State) -> dict[int, dict[str, Any]]:
    """A number of the reading is a private passage."""
    found = next(t for t in state.turns if t.reading and t.reading.private)
    assert found.reading is not None
    private = [p.passage for t in state.turns if t.reading for p in t.reading.private]
    return {found.number: {"reading": found.reading.model_copy(update={"numbers": private})}}


def talks_on(s: Show) -> Show:
    again = [s.asked[0].model_copy(update={"turn": 100 + i, "why": "asked again"}) for i in range(11)]
    return spoilt(s, events=[*s.events, *again])


def forgetful(s: Show) -> Show:
    """The stored state differs from the log."""
    return spoilt(s, state=replace(s.state, turns=s.state.turns[:-1]))


def one_word_more(s: Show) -> Show:
    return spoilt(s, events=[*s.events, Said(at=0.0, t=0.0, purpose="notice", text="Well.")])


def always_okay(s: Show) -> Show:
    return spoilt(s, said=[f"Okay. {x}" for x in s.call.said])


def led_back(s: Show) -> Show:
    """To a question that nobody put off."""
    back = s.asked[0].model_copy(update={"turn": len(s.turns), "why": COMING_BACK})
    return spoilt(s, events=[*s.events, back])


def requests_with_credit(s: Show) -> Show:
    """The report treats as answers what the log records as requests."""
    return spoilt(each("answered", intent="repeat")(s), report=s.report)


def advice_for_all(s: Show) -> Show:
    advice = Statement(text="Say more.", evidence=[NEVER_SAID])
    return questions(lambda q: {"try_next": advice})(s)


def quoting_private(s: Show) -> Show:
    """Something private is evidence."""
    told = next(
        p.passage for t in s.turns if t.reading for p in t.reading.private if p.kind not in ("none", "logistics")
    )
    everything = Span(quote=" ".join(t.answer for t in s.turns), t0=told.t0, t1=told.t1)
    return states("You told it.", everything)(s)


def speaks_of_it(s: Show) -> Show:
    return says(" ".join(t.answer for t in s.turns))(s)


def asked_open(s: Show) -> Show:
    return questions(lambda q: {"open_probes": [s.follow_ups[0].text]})(s)


def nothing_kept(s: Show) -> Show:
    return questions(lambda q: {"exchanges": [e.model_copy(update={"intent": "end"}) for e in q.exchanges]})(s)


AVERAGE: tuple[str, Mode] = ("average", "practice")
HIRING: tuple[str, Mode] = ("average", "screen")
PRIVATE: tuple[str, Mode] = ("private", "practice")
# Property: who, in which mode, and what is done to their interview.
SPOILT: dict[str, tuple[str, Mode, Spoil]] = {
    "it_ends": (*AVERAGE, without("ended")),
    "consent_comes_before_any_word": (*AVERAGE, consent_at_last),
    "the_first_words_say_that_it_is_an_ai": (*AVERAGE, says("Hello.", 0)),
    "the_first_words_say_how_many_questions": (*AVERAGE, says("Hello.", 0)),
    "turns_are_numbered_from_zero": (*AVERAGE, each("asked", 0, turn=77)),
    "nothing_is_said_after_the_end": (*AVERAGE, one_word_more),
    "the_last_words_are_a_farewell": (*AVERAGE, says("So.", -1)),
    "the_log_replays_to_the_same_state": (*AVERAGE, forgetful),
    "proposals_leave_no_trace": (*AVERAGE, one_word_more),
    "nothing_is_asked_twice": (*AVERAGE, asked_again_later),
    "core_questions_are_put_word_for_word": (*AVERAGE, each("asked", 0, text="What about it?")),
    "the_plan_is_asked_in_order": (*HIRING, other_order),
    "screening_leaves_out_nothing_unless_the_candidate_ends_it": (*HIRING, one_left_out),
    "every_question_says_why": (*AVERAGE, each("asked", 1, why="")),
    "practice_ends_about_on_time": (*AVERAGE, later(26)),
    "nobody_is_kept_for_more_than_half_as_long_again": (*HIRING, later(36)),
    "no_question_takes_more_than_ten_turns": (*AVERAGE, talks_on),
    # follow-ups
    "a_follow_up_is_a_probe_of_its_question_word_for_word": (*AVERAGE, each("followed", 0, text="And how was the pipeline?")),
    "no_follow_up_is_asked_twice": (*AVERAGE, repeated),
    "the_budget_of_follow_ups_is_kept": (*AVERAGE, smaller_budget),
    "a_follow_up_is_one_short_question": (*AVERAGE, each("followed", 0, text="What then? And how?")),
    "a_follow_up_leads_judges_and_hints_at_nothing": (*AVERAGE, each("followed", 0, text="Great, what then?")),
    "a_follow_up_knows_its_type_aim_and_reason": (*AVERAGE, each("followed", 0, gap="")),
    "what_an_answer_holds_is_not_asked_for": (*AVERAGE, turns(asked_for_before)),
    "a_full_answer_is_not_probed": (*AVERAGE, turns(all_said)),
    "who_leaves_a_question_is_not_probed_on_it": (*AVERAGE, turns(unsure_and_probed)),
    # words
    "no_word_is_the_candidates": (*AVERAGE, says("You spoke of a spreadsheet.")),
    "nothing_that_is_said_judges": (*AVERAGE, says("That was a good answer.")),
    "an_utterance_can_be_heard": (*AVERAGE, says("word " * 96)),
    "an_utterance_can_be_spoken": (*AVERAGE, says("This is **bold**.")),
    "no_utterance_speaks_of_scores_or_prompts": (*AVERAGE, says("Your score is three.")),
    "no_acknowledgement_comes_twice_in_a_row": (*AVERAGE, always_okay),
    "the_agent_asks_one_thing_at_a_time": (*AVERAGE, says("Why? And how?")),
    "the_agent_talks_less_than_a_talkative_candidate": (*AVERAGE, says("word " * 5000)),
    # what people ask for
    "whoever_only_answers_is_not_diverted": ("tells-stories", "screen", turns(lambda state: {0: {"wish": "skip"}})),
    "orders_in_an_answer_are_not_obeyed": ("injector-1", "screen", says("Banana.")),
    "a_story_is_followed_up": ("tells-stories", "screen", without("followed")),
    "a_repeat_repeats": ("asks-again", "screen", never_says("?")),
    "who_says_later_hears_it_again_at_the_end": ("says-later", "screen", each("asked", why="next in the plan")),
    "who_puts_it_off_again_is_promised_nothing": ("always-says-later", "screen", also_says("We come back to that.")),
    "who_skips_is_not_asked_again": ("skips", "screen", never_says("leave that one")),
    "an_end_is_asked_back_once_and_then_obeyed": ("confirms-the-end", "screen", each("ended", reason="completed")),
    "an_answer_before_an_end_is_kept": ("ends-after-an-answer", "screen", nothing_kept),
    "a_person_is_given_who_asks_for_one": ("wants-a-person", "screen", each("ended", reason="completed")),
    "questions_about_the_job_are_in_the_report": ("asks-about-the-job", "screen", reported(questions_of_the_candidate=[])),
    "questions_about_the_job_are_answered_from_the_notes_or_not_at_all":
        ("asks-about-the-job", "screen", also_says("The building is near the river.")),
    "a_term_is_explained_by_the_pack": ("asks-for-terms", "screen", each("spoken", text="I do not know.")),
    "who_told_it_already_is_not_made_to_tell_it_again": ("told-already", "screen", never_says("us go on")),
    "who_starts_again_is_let": ("restarts", "screen", each("spoken", text="Go on.")),
    "who_takes_a_break_gets_one_and_answers_after_it": ("takes-a-break", "screen", never_says("when you are back")),
    "a_greeting_is_returned": ("chats", "screen", never_says("good to have you here")),
    "tears_are_met_with_time_and_a_way_out": ("crier", "screen", never_says("nothing of it counts against you")),
    "anger_is_met_with_a_way_out": ("hostile", "screen", never_says("You can stop at any time")),
    "another_language_is_told": ("foreign", "screen", never_says("English only")),
    "silence_is_helped_before_anything_is_left": ("silent", "screen", without("said")),
    # what is private
    "nothing_private_is_spoken": (*PRIVATE, speaks_of_it),
    "nothing_private_is_in_the_report_beside_the_transcript": (*PRIVATE, quoting_private),
    "nothing_private_is_a_reason_or_an_aim": (*PRIVATE, turns(aimed_at_private)),
    "what_is_private_stands_in_the_transcript_and_is_marked": (*PRIVATE, sentences(private="")),
    "the_private_candidate_is_private": (*PRIVATE, turns(lambda state: {t.number: {"heard": ()} for t in state.turns})),
    "what_is_left_out_is_counted": (*PRIVATE, reported(left_out=0)),
    "work_is_not_left_out": (*HIRING, reported(left_out=99)),
    # the report
    "the_report_follows_its_schema": (*AVERAGE, questions(lambda q: {"difficulty": None})),
    "every_statement_has_evidence_that_was_said": (*AVERAGE, states("The outcome was told.")),
    "a_key_point_is_shown_by_words_that_were_said": (*AVERAGE, points(state="said", evidence=NEVER_SAID)),
    "a_request_is_no_answer": (*AVERAGE, requests_with_credit),
    "big_words_and_other_topics_earn_nothing": ("bluffer", "screen", points(state="said")),
    "the_report_grades_nobody": (*AVERAGE, states("You reached the fourth level.")),
    "the_report_never_says_that_something_was_not_said": (*AVERAGE, points(state="not_found")),
    "the_report_names_no_feeling_and_no_accent": (*AVERAGE, states("You sounded nervous.")),
    "an_open_probe_was_not_asked": (*AVERAGE, asked_open),
    "the_report_holds_every_question_of_the_plan": (*AVERAGE, reported(questions=[])),
    "advice_is_for_practice": (*HIRING, advice_for_all),
    "a_screening_says_that_a_person_decides": (*HIRING, reported(limits=[])),
}  # fmt: skip
