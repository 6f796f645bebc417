"""How an interview runs: its beginning and its end, the questions of the plan, time."""

from __future__ import annotations

from collections import Counter

from dialogue.state import fold
from memory.events import decode, encode
from tests.battery.properties.register import prop
from tests.battery.stage import MINUTES, QUESTIONS, Show, show

COMING_BACK = "the candidate asked to come back to it"


@prop
def it_ends(s: Show) -> bool:
    return s.call.ended and bool(s.state.ended)


@prop
def consent_comes_before_any_word(s: Show) -> bool:
    kinds = [e.kind for e in s.events]
    return kinds.index("consented") < min(kinds.index("said"), kinds.index("asked"))


@prop
def the_first_words_say_that_it_is_an_ai(s: Show) -> bool:
    return "AI interviewer" in s.call.said[0]


@prop
def the_first_words_say_how_many_questions(s: Show) -> bool:
    return "four questions" in s.call.said[0]


@prop
def turns_are_numbered_from_zero(s: Show) -> bool:
    return [t.number for t in s.turns] == list(range(len(s.turns)))


@prop
def nothing_is_said_after_the_end(s: Show) -> bool:
    kinds = [e.kind for e in s.events]
    return "ended" not in kinds or all(k == "spoken" for k in kinds[kinds.index("ended") + 1 :])


@prop
def the_last_words_are_a_farewell(s: Show) -> bool:
    return "Goodbye" in s.call.said[-1]


@prop
def the_log_replays_to_the_same_state(s: Show) -> bool:
    return fold([decode(encode(e)) for e in s.events]) == s.state


@prop
def proposals_leave_no_trace(s: Show) -> bool:
    """Neither at once, nor later: without them the interview would have been the same, word for word."""
    plain = show(s.name, s.mode, s.pack, proposing=False)
    return s.call.untouched and s.events == plain.events and s.call.said == plain.call.said


# -- the questions of the plan ---------------------------------------------------------------------------------------


@prop
def nothing_is_asked_twice(s: Show) -> bool:
    """But a question that was put off comes once more."""
    fresh = [e.question for e in s.asked if e.why != COMING_BACK]
    back = [e.question for e in s.asked if e.why == COMING_BACK]
    return len(set(fresh)) == len(fresh) and len(set(back)) == len(back)


@prop
def core_questions_are_put_word_for_word(s: Show) -> bool:
    return all(s.state.planned(t.question).text == t.text for t in s.turns if t.probe is None)


@prop
def the_plan_is_asked_in_order(s: Show) -> bool:
    plan = [q.id for q in s.call.interview.questions]
    fresh = [e.question for e in s.asked if e.why != COMING_BACK]
    return fresh == (plan[: len(fresh)] if s.mode == "screen" else [q for q in plan if q in fresh])


@prop
def screening_leaves_out_nothing_unless_the_candidate_ends_it(s: Show) -> bool:
    return s.mode != "screen" or s.state.ended != "completed" or len({e.question for e in s.asked}) == QUESTIONS


@prop
def every_question_says_why(s: Show) -> bool:
    return all(t.why for t in s.turns)


# -- time ------------------------------------------------------------------------------------------------------------


@prop
def practice_ends_about_on_time(s: Show) -> bool:
    return s.mode != "practice" or s.call.t <= MINUTES * 60 + 300


@prop
def nobody_is_kept_for_more_than_half_as_long_again(s: Show) -> bool:
    return s.call.t <= MINUTES * 60 * 1.5 + 300


@prop
def no_question_takes_more_than_ten_turns(s: Show) -> bool:
    return max(Counter(t.question for t in s.turns).values()) <= 10
