"""What is asked next after which answer: the rules, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogue.follow_up.policy import decide
from dialogue.follow_up.probes import BackToQuestion, Missing, Occasion, ProbeType
from dialogue.follow_up.single_answer import decide_alone
from dialogue.state import State, Turn
from memory.events import Heard
from memory.records import KeyPoint, PlannedQuestion, untimed
from tests.dialogue.helpers import agreed

[STORY] = agreed(["improved-process"]).questions
KNOWLEDGE = STORY.model_copy(
    update={
        "id": "knowledge", "kind": "technical", "text": "How does an index work?", "short": "How does an index work?",
        "key_points": [KeyPoint(name=f"the {w}", any_of=[w]) for w in ("tree", "pages", "writes", "statistics")],
    }
)  # fmt: skip
OFF = "My holiday in Portugal was lovely, warm weather, fish each evening, the beach, the music, and my sister danced there until dawn."
FULL = "There is a tree over the pages of a table, so that a lookup is fast because little is read, while writes cost more, says the planner."


@pytest.mark.parametrize(
    ("question", "answer", "probe", "aim"),
    [
        (STORY, OFF, ProbeType.ELABORATE, BackToQuestion(STORY.short)),
        (STORY, "I changed the exports.", ProbeType.ELABORATE, None),
        (STORY, "One should always be open to change and respect what other people in the office prefer to do.", ProbeType.ELABORATE, Occasion()),
        (
            STORY,
            "We moved our reports and we built our dashboard and then we told our people because our work was slow for us all.",
            ProbeType.OWN_PART, Missing("own part"),
        ),
        (STORY, "I moved the reports to streaming because people were late, and it improved their work a lot.", ProbeType.EVIDENCE, Missing("a measured effect")),
        (STORY, "I moved the reports to streaming because people were late with everything in the office.", ProbeType.RESULT, Missing("the outcome")),
        (STORY, "I moved the reports to streaming, and as a result people had them two hours earlier there.", ProbeType.WHY, Missing("the reason")),
        (KNOWLEDGE, FULL, ProbeType.DEPTH, Missing("one level harder")),
        (KNOWLEDGE, "It is a tree, and I created one for a table of ours once in the last year, in March.", ProbeType.WHY, Missing("the reason")),
        (KNOWLEDGE, "It is a tree, which is good because it makes many things fast in a database there.", ProbeType.CLARIFY, Missing("the pages")),
        (KNOWLEDGE, "There is a tree over the pages, which is fast because little of the table is read then.", ProbeType.ELABORATE, Missing("the writes")),
    ],
)  # fmt: skip
def test_the_most_telling_gap_is_asked_for(
    question: PlannedQuestion, answer: str, probe: ProbeType, aim: object
) -> None:
    decision = decide_alone(question, answer)
    assert (decision.act, decision.probe) == ("probe", probe)
    assert aim is None or decision.aim == aim
    assert decision.why and decision.gap


def asked(
    turn: int, question: PlannedQuestion, answer: str, probe: ProbeType | None = None, intent: str = "answer"
) -> Turn:
    start = 10.0 * turn
    words = [w.model_copy(update={"start": start, "end": start + 1}) for w in untimed(answer)]
    piece = Heard(at=0, turn=turn, text=answer, words=words, end=start + 1)
    return Turn(turn, question.id, question.text, "", probe=probe, heard=(piece,), answered=True, intent=intent)


def state(*turns: Turn, budget: int = 3, mode: str = "practice", minutes: float = 60.0) -> State:
    interview = agreed(mode=mode, probes=1).model_copy(
        update={"questions": [STORY, KNOWLEDGE], "probe_budget": budget, "minutes": minutes}
    )
    return State(interview=interview, turns=turns)


SLOW = "I moved the reports to streaming because people were late with everything in the office."


def test_no_kind_comes_twice_on_a_question_and_the_budget_is_kept() -> None:
    first = asked(0, STORY, SLOW)
    again = asked(1, STORY, SLOW, ProbeType.RESULT)
    assert decide(state(first), first).probe is ProbeType.RESULT
    second = decide(state(first, again), again)
    assert second.act == "probe" and second.probe is not ProbeType.RESULT
    assert decide(state(first, again, budget=1), again).act == "next"


@pytest.mark.parametrize("intent", ["skip", "dont_know", "silence"])
def test_who_gave_no_answer_is_not_probed(intent: str) -> None:
    turn = asked(0, STORY, SLOW, intent=intent)
    decision = decide(state(turn), turn)
    assert decision.act == "next" and decision.question == KNOWLEDGE


def test_where_nothing_is_left_it_closes() -> None:
    turns = asked(0, STORY, SLOW, intent="skip"), asked(1, KNOWLEDGE, SLOW, intent="skip")
    assert decide(state(*turns), turns[-1]).act == "close"


def test_time_that_others_need_is_not_spent_on_probes_in_practice_only() -> None:
    turn = asked(0, STORY, SLOW)
    late = replace(turn, heard=(turn.heard[0].model_copy(update={"end": 9.5 * 60}),))
    assert decide(state(late, minutes=10.0), late).act == "next"
    assert decide(state(late, minutes=10.0, mode="screen"), late).act == "probe"
    assert decide(state(turn, minutes=10.0), turn).act == "probe"


def test_what_does_not_fit_is_asked_about_once_in_an_interview() -> None:
    first = asked(0, STORY, "I led a team of five engineers and I moved the reports to streaming there.")
    second = asked(1, KNOWLEDGE, "Our team of twelve put a tree over the pages because it was slow before.")
    found = decide(state(first, second), second)
    assert (
        found.probe is ProbeType.CONTRADICTION
        and "five" in found.before
        and found.span
        and "twelve" in found.span.quote
    )
    third = asked(
        2, KNOWLEDGE, "Well, my team of twenty had a tree over the pages of it in the end.", ProbeType.CONTRADICTION
    )
    assert decide(state(first, second, third), third).probe is not ProbeType.CONTRADICTION


def test_an_answer_that_has_everything_is_not_probed() -> None:
    many = [KeyPoint(name=f"the {w}", any_of=[w]) for w in ("reports", "streaming", "office")]
    question = STORY.model_copy(update={"key_points": many})
    turn = asked(0, question, f"{SLOW} As a result it cut the waiting by two hours.")
    short = state(turn).interview
    assert short is not None
    whole = replace(state(turn), interview=short.model_copy(update={"questions": [question, KNOWLEDGE]}))
    assert decide(whole, turn).act == "next"
