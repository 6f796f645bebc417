"""Whether to follow up, and with which probe, after readings made by hand."""

from __future__ import annotations

import pytest

from dialogue.follow_up.policy import LEAST, SURE, best_probe, decide
from dialogue.state import AGAIN, State, Turn, fold
from memory.events import Answered, AnyEvent, Asked, Created, Followed, Heard, Read
from memory.records import Interview, KeyPoint, Mode, PointRead, Probe, ProbeRead, Reading
from tests.dialogue.helpers import agreed, timed
from tests.dialogue.made import acts, probe_reads

PROBES = [Probe(type=t, text=f"{t} of it?", asks=f"the {t}") for t in ("why", "result", "depth")]
WHY, RESULT, DEPTH = PROBES


def plan(budget: int = 2, mode: Mode = "practice", minutes: float = 30.0) -> Interview:
    """Three questions with the same probes and two key points."""
    found = agreed(probes=budget, mode=mode)
    points = [KeyPoint(name="what", says="They say what."), KeyPoint(name="how", says="They say how.")]
    made = [q.model_copy(update={"probes": PROBES, "key_points": points}) for q in found.questions]
    return found.model_copy(update={"questions": made, "minutes": minutes})


def reading(
    reads: list[ProbeRead], said: tuple[str, ...] = (), contradicted: tuple[str, ...] = (), act: str = "answer"
) -> Reading:
    found = acts((act, "We moved it."))
    points = [PointRead(name=n, state="said", passage=found[0].passage) for n in said]
    points += [PointRead(name=n, state="contradicted", passage=found[0].passage) for n in contradicted]
    return Reading(reader="hand", acts=found, points=points, probes=reads)


def turn(
    number: int,
    read: Reading,
    probe: Probe | None = None,
    *,
    why: str = "x",
    t: float = 0.0,
    intent: str = "answer",
    wish: str = "",
) -> list[AnyEvent]:
    first: AnyEvent = Asked(at=0, t=t, turn=number, question="improved-process", text="What?", why=why)
    if probe:
        first = Followed(
            at=0, t=t, turn=number, question="improved-process", probe=probe.type, gap=probe.asks, span=None, text=probe.text, why=why,
            engine="",
        )  # fmt: skip
    words = timed("We moved it.", t)
    heard = Heard(at=0, t=t, turn=number, text="We moved it.", words=words, end=t + 1)
    return [
        first,
        heard,
        Read(at=0, turn=number, reading=read),
        Answered(at=0, t=t, turn=number, intent=intent, wish=wish),
    ]


def after(*events: list[AnyEvent], interview: Interview | None = None) -> State:
    return fold([Created(at=0, interview=interview or plan(), engines={}), *(e for part in events for e in part)])


def probe_after(state: State) -> str:
    assert state.turn is not None
    decision = decide(state, state.turn)
    assert (decision.act == "probe") == (decision.probe is not None)
    return decision.probe.type if decision.probe else decision.act


OPEN = [ProbeRead(text=p.text, state="open", worth=0.8) for p in PROBES]


@pytest.mark.parametrize(
    ("reads", "chosen"),
    [
        (
            {"why_of_it?": "open 0.6", "result_of_it?": "open 0.8", "depth_of_it?": "open 0.7"},
            "result",
        ),  # the most worth
        ({"why_of_it?": f"open {SURE}", "result_of_it?": "open 0.99"}, "why"),  # sure enough: the author's order
        ({"why_of_it?": "answered", "result_of_it?": "beside", "depth_of_it?": "open 0.5"}, "depth"),
        (
            {"why_of_it?": "unsure 0.9", "result_of_it?": "open 0.5", "depth_of_it?": "unsure 0.9"},
            "result",
        ),  # open before unsure
        ({"why_of_it?": "answered", "result_of_it?": "unsure 0.6", "depth_of_it?": "unsure 0.9"}, "result"),
        ({"why_of_it?": f"open {LEAST - 0.01}", "result_of_it?": "open 0.1", "depth_of_it?": "open 0.2"}, None),
        ({"why_of_it?": "answered", "result_of_it?": "answered", "depth_of_it?": "beside"}, None),
        ({}, "why"),  # nothing was read
    ],
)
def test_the_best_probe(reads: dict[str, str], chosen: str | None) -> None:
    probe, read = best_probe(PROBES, probe_reads(**reads), set())
    assert (probe.type if probe else None) == chosen
    assert read is None or (probe is not None and read.text == probe.text)


def test_what_was_used_is_not_chosen() -> None:
    assert best_probe(PROBES, OPEN, {WHY.text})[0] == RESULT
    assert best_probe(PROBES, OPEN, {p.text for p in PROBES}) == (None, None)


def test_the_reason_says_what_is_wanted_and_how_sure_that_is() -> None:
    state = after(turn(0, reading(OPEN)))
    assert state.turn is not None and decide(state, state.turn).why == "still open: the why"
    state = after(turn(0, reading([ProbeRead(text=WHY.text, state="unsure", worth=0.5)], contradicted=("how",))))
    assert state.turn is not None
    assert decide(state, state.turn).why == "hard to tell what the answer holds; asks for the why; does not fit: how"


def test_a_full_answer_is_not_probed_and_fullness_adds_up_over_turns() -> None:
    assert probe_after(after(turn(0, reading(OPEN, said=("what", "how"))))) == "next"
    assert probe_after(after(turn(0, reading(OPEN, said=("what",))))) == "why"
    assert (
        probe_after(after(turn(0, reading(OPEN, said=("what",))), turn(1, reading(OPEN, said=("how",)), WHY))) == "next"
    )


def test_none_that_was_asked_or_answered_before_is_asked() -> None:
    known = [ProbeRead(text=RESULT.text, state="answered")]
    assert probe_after(after(turn(0, reading(OPEN)), turn(1, reading(OPEN), WHY))) == "result"
    assert probe_after(after(turn(0, reading(known)), turn(1, reading(OPEN), WHY))) == "depth", (
        "it was answered a turn ago"
    )


def test_the_budget_is_kept_and_repeats_do_not_count() -> None:
    first, again = turn(1, reading(OPEN), WHY, intent="repeat"), turn(2, reading(OPEN), WHY, why=AGAIN)
    assert probe_after(after(turn(0, reading(OPEN)), first, again)) == "result", "one of two is spent"
    assert probe_after(after(turn(0, reading(OPEN)), first, again, turn(3, reading(OPEN), RESULT))) == "next"
    assert probe_after(after(turn(0, reading(OPEN)), interview=plan(budget=0))) == "next"


@pytest.mark.parametrize("intent", ["skip", "later", "dont_know", "already", "silence"])
def test_who_did_not_answer_is_not_probed(intent: str) -> None:
    assert probe_after(after(turn(0, reading(OPEN), intent=intent, wish=intent))) == "next"


def test_who_answers_and_leaves_it_at_that_is_not_probed() -> None:
    for wish in ("skip", "later"):
        assert probe_after(after(turn(0, reading(OPEN), wish=wish))) == "next"
    assert probe_after(after(turn(0, reading(OPEN, act="skip")))) == "why", (
        "the words alone, in the middle of a story, are none"
    )


def test_practice_that_is_pressed_for_time_goes_on_and_screening_does_not() -> None:
    late = turn(0, reading(OPEN), t=25 * 60.0)
    short = plan(minutes=26.0)
    assert probe_after(after(late, interview=short)) == "next"
    assert probe_after(after(late, interview=short.model_copy(update={"mode": "screen"}))) == "why"
    assert probe_after(after(turn(0, reading(OPEN)), interview=short)) == "why"


def test_after_the_last_question_it_closes() -> None:
    alone = plan().model_copy(update={"questions": plan().questions[:1]})
    assert probe_after(after(turn(0, reading(OPEN, said=("what", "how"))), interview=alone)) == "close"


def test_a_turn_without_a_reading_gets_the_authors_first_probe() -> None:
    state = after([Asked(at=0, t=0, turn=0, question="improved-process", text="What?", why="x")])
    unread = Turn(0, "improved-process", "What?", "x", answered=True, intent="answer")
    assert decide(state, unread).probe == WHY
