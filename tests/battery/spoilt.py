"""One way to spoil an interview for each property of the battery, to show that the property can fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dialogue.report_model import QuestionReport, Report, Rubric, Statement
from dialogue.state import State
from memory.events import AnyEvent, Said
from memory.records import Span
from tests.battery.stage import Show

Spoil = Callable[[Show], Show]
NEVER_SAID = Span(quote="twelve purple elephants", t0=1.0, t1=2.0)
HOLLOW = "Could you walk me through the dashboard step by step?"


def spoilt(
    s: Show, *, events: Sequence[AnyEvent] | None = None, said: Sequence[str] | None = None, state: State | None = None,
    report: Report | None = None, **call: Any,
) -> Show:  # fmt: skip
    """The same show with parts replaced. A report that is passed in is kept, whatever the events say."""
    changes = {
        "events": list(s.events if events is None else events),
        "said": list(s.call.said if said is None else said),
    }
    made = Show(s.character, s.mode, s.pack, replace(s.call, **changes, **call))
    made.__dict__.update({k: v for k, v in (("state", state), ("report", report)) if v is not None})
    return made


def each(kind: str, *only: int, **changes: Any) -> Spoil:
    """Changes events of a kind: all of them, or those at the given indices among their kind."""

    def spoil(s: Show) -> Show:
        number, events = -1, []
        for event in s.events:
            number += event.kind == kind
            hit = event.kind == kind and (not only or number in only)
            events.append(event.model_copy(update=changes) if hit else event)
        return spoilt(s, events=events)

    return spoil


def without(*kinds: str) -> Spoil:
    return lambda s: spoilt(s, events=[e for e in s.events if e.kind not in kinds])


def says(text: str, at: int = 1) -> Spoil:
    """Says `text` in place of utterance `at`."""
    return lambda s: spoilt(s, said=[text if i == at % len(s.call.said) else x for i, x in enumerate(s.call.said)])


def never_says(text: str) -> Spoil:
    return lambda s: spoilt(s, said=[x.replace(text, "") for x in s.call.said])


def later(minutes: float) -> Spoil:
    return lambda s: spoilt(s, t=minutes * 60.0)


def questions(change: Callable[[QuestionReport], QuestionReport]) -> Spoil:
    """Changes each question of the report."""
    return lambda s: spoilt(
        s, report=s.report.model_copy(update={"questions": [change(q) for q in s.report.questions]})
    )


def rubrics(change: Callable[[Rubric], dict[str, Any]]) -> Spoil:
    return questions(lambda q: q.model_copy(update={"rubric": q.rubric.model_copy(update=change(q.rubric))}))


def weakness(text: str, evidence: Span | None = None) -> Spoil:
    """The report states one more weakness."""

    def spoil(s: Show) -> Show:
        statement = Statement(text=text, evidence=[evidence or NEVER_SAID])
        overall = s.report.overall
        more = overall.model_copy(update={"weaknesses": [*overall.weaknesses, statement]})
        return spoilt(s, report=s.report.model_copy(update={"overall": more}))

    return spoil


def consent_at_last(s: Show) -> Show:
    return spoilt(s, events=sorted(s.events, key=lambda e: e.kind == "consented"))


def asked_again_later(s: Show) -> Show:
    """A question of the plan is asked twice."""
    first = next(e for e in s.events if e.kind == "asked")
    return spoilt(s, events=[*s.events, first.model_copy(update={"turn": len(s.state.turns)})])


def other_order(s: Show) -> Show:
    asked = [e for e in s.events if e.kind == "asked"]
    turned = {id(asked[0]): asked[1], id(asked[1]): asked[0]}
    return spoilt(s, events=[turned.get(id(e), e) for e in s.events])


def one_left_out(s: Show) -> Show:
    last = [e for e in s.events if e.kind == "asked"][-1]
    return spoilt(s, events=[e for e in s.events if e is not last])


def another_plan(s: Show) -> Show:
    """The plan in the log covers other competencies than agreed."""
    [created] = [e for e in s.events if e.kind == "created"]
    moved = {
        name: [q.model_copy(update={"competency": "another"}) for q in getattr(created.interview, name)]
        for name in ("questions", "reserve")
    }
    strange = created.model_copy(update={"interview": created.interview.model_copy(update=moved)})
    return spoilt(s, events=[strange if e is created else e for e in s.events])


def smaller_budget(s: Show) -> Show:
    return spoilt(s, interview=s.call.interview.model_copy(update={"probe_budget": 0}))


def unsure_and_probed(s: Show) -> Show:
    """The candidate was probed right after saying they do not know."""
    probed = {e.turn - 1 for e in s.events if e.kind == "followed"}
    return spoilt(
        s,
        events=[e.model_copy(update={"intent": "dont_know"}) if e.kind == "answered" and e.turn in probed else e for e in s.events],
    )  # fmt: skip


def talks_on(s: Show) -> Show:
    first = next(e for e in s.events if e.kind == "asked")
    again = [first.model_copy(update={"turn": 100 + i, "why": "asked again"}) for i in range(11)]
    return spoilt(s, events=[*s.events, *again])


def forgetful(s: Show) -> Show:
    """The stored state differs from the log."""
    return spoilt(s, state=replace(s.state, turns=s.state.turns[:-1]))


def one_word_more(s: Show) -> Show:
    return spoilt(s, events=[*s.events, Said(at=0.0, t=0.0, purpose="notice", text="Well.")])


def requests_with_credit(s: Show) -> Show:
    """The report treats as answers what the log records as requests."""
    made = each("answered", intent="repeat")(s)
    return spoilt(made, report=s.report)


def repeats_another(s: Show) -> Show:
    """Asked to repeat, it says something else."""
    [first, *_] = [e for e in s.events if e.kind == "said" and e.purpose == "repeat"]
    other = "Of course. What else did you want to tell me?"
    events = [e.model_copy(update={"text": other}) if e is first else e for e in s.events]
    return spoilt(s, events=events, said=[other if x == first.text else x for x in s.call.said])


def no_limits(s: Show) -> Show:
    return spoilt(s, report=s.report.model_copy(update={"limits": []}))


AVERAGE, HIRING = ("average", "practice"), ("average", "screen")
# Property: who, in which mode, and what is done to their interview.
SPOILT: dict[str, tuple[str, str, Spoil]] = {
    "it_ends": (*AVERAGE, without("ended")),
    "consent_comes_before_any_word": (*AVERAGE, consent_at_last),
    "the_first_words_say_that_it_is_an_ai": (*AVERAGE, says("Hello.", 0)),
    "the_first_words_say_how_many_questions": (*AVERAGE, says("Hello.", 0)),
    "turns_are_numbered_from_zero": (*AVERAGE, each("asked", 0, turn=77)),
    "nothing_is_said_after_the_end": (*AVERAGE, one_word_more),
    "the_last_words_are_a_farewell": (*AVERAGE, says("So.", -1)),
    "the_log_replays_to_the_same_state": (*AVERAGE, forgetful),
    "nothing_is_asked_twice": (*AVERAGE, asked_again_later),
    "core_questions_are_put_word_for_word": (*AVERAGE, each("asked", 0, text="What about it?")),
    "screening_asks_the_plan_in_order": (*HIRING, other_order),
    "screening_leaves_out_nothing_unless_the_candidate_ends_it": (*HIRING, one_left_out),
    "practice_keeps_to_the_planned_competencies": (*AVERAGE, another_plan),
    "every_question_says_why": (*AVERAGE, each("asked", 1, why="")),
    "the_budget_of_follow_ups_is_kept": (*AVERAGE, smaller_budget),
    "a_follow_up_is_exactly_one_question": (*AVERAGE, each("followed", 0, text="What then? And how?")),
    "a_follow_up_is_short": (*AVERAGE, each("followed", 0, text=f"What {'then ' * 25}?")),
    "a_follow_up_leads_judges_and_hints_at_nothing": (*AVERAGE, each("followed", 0, text="Great, what then?")),
    "a_follow_up_is_about_the_answer_the_gap_or_the_question": (*AVERAGE, each("followed", 0, text="Which shoes fit elephants?")),
    "a_follow_up_aims_at_words_that_were_said": (*AVERAGE, each("followed", 0, span=NEVER_SAID)),
    "a_follow_up_knows_its_type_gap_and_author": (*AVERAGE, each("followed", 0, gap="")),
    "no_follow_up_is_repeated": (*AVERAGE, each("followed", 0, 1, text=HOLLOW)),
    "no_opening_is_used_more_than_twice": (*AVERAGE, each("followed", text=HOLLOW)),
    "no_frame_is_felt_three_times": (*AVERAGE, each("followed", text=HOLLOW)),
    "no_probe_type_twice_on_one_question": (*AVERAGE, each("followed", probe="why")),
    "who_does_not_know_is_not_probed": (*AVERAGE, unsure_and_probed),
    "nothing_that_is_said_judges": (*AVERAGE, says("That was a good answer.")),
    "an_utterance_can_be_heard": (*AVERAGE, says("word " * 96)),
    "an_utterance_can_be_spoken": (*AVERAGE, says("This is **bold**.")),
    "no_utterance_speaks_of_scores_or_prompts": (*AVERAGE, says("Your score is three.")),
    "no_acknowledgement_comes_twice_in_a_row": (*AVERAGE, each("followed", lead="Okay.")),
    "the_agent_asks_one_thing_at_a_time": (*AVERAGE, says("Why? And how?")),
    "the_agent_talks_less_than_a_talkative_candidate": (*AVERAGE, says("word " * 5000)),
    "practice_ends_about_on_time": (*AVERAGE, later(26)),
    "nobody_is_kept_for_more_than_half_as_long_again": (*HIRING, later(36)),
    "no_question_takes_more_than_ten_turns": (*AVERAGE, talks_on),
    "proposals_leave_no_trace": (*AVERAGE, one_word_more),
    "a_request_is_no_answer": (*AVERAGE, requests_with_credit),
    "the_report_follows_its_schema": (*AVERAGE, questions(lambda q: q.model_copy(update={"difficulty": None}))),
    "every_statement_has_evidence_that_was_said": (*AVERAGE, weakness("The outcome was missing.")),
    "every_hit_quotes_the_transcript": (
        *AVERAGE, rubrics(lambda r: {"hits": [h.model_copy(update={"evidence": NEVER_SAID}) for h in r.hits]}),
    ),
    "levels_lie_in_their_spread": (*AVERAGE, rubrics(lambda r: {"level": 6.0})),
    "no_level_without_enough_words": (*AVERAGE, questions(lambda q: q.model_copy(update={"exchanges": []}))),
    "the_report_names_no_feeling_and_no_accent": (*AVERAGE, weakness("You sounded nervous.")),
    "the_report_holds_every_question_of_the_plan_or_its_stand_in": (
        *AVERAGE, lambda s: spoilt(s, report=s.report.model_copy(update={"questions": s.report.questions[1:]})),
    ),
    "a_screening_says_that_a_person_decides": (*HIRING, no_limits),
    "orders_in_an_answer_are_not_obeyed": ("injector-2", "screen", says("Banana.")),
    "orders_in_an_answer_move_no_level": ("injector-1", "screen", rubrics(lambda r: {"level": 5.0, "high": 5.0})),
    "silence_is_helped_before_anything_is_left": ("silent", "screen", without("said")),
    "a_person_is_given_who_asks_for_one": ("wants-a-person", "screen", each("ended", reason="completed")),
    "tears_are_met_with_time_and_a_way_out": ("crier", "screen", never_says("nothing of it counts against you")),
    "anger_is_met_with_a_way_out": ("hostile", "screen", never_says("You can stop at any time")),
    "another_language_is_told": ("foreign", "screen", never_says("English only")),
    "a_repeat_repeats": ("asks-again", "screen", repeats_another),
    "what_was_taken_back_earns_nothing": ("retractor", "screen", rubrics(lambda r: {"level": 4.0})),
    "big_words_and_other_topics_earn_nothing": ("bluffer", "screen", rubrics(lambda r: {"level": 4.0})),
}  # fmt: skip
