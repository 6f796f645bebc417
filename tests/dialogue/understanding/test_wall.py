"""The wall around what is nobody's business. How well it does on other hands' sentences is in bench/understanding."""

from __future__ import annotations

import pytest

from dialogue.plan.generic import generic_question
from dialogue.understanding.embedded import EmbeddedReader, is_private
from dialogue.understanding.reader import Answer
from dialogue.understanding.small_model import Judged
from dialogue.understanding.wall import LOGISTICS, PRIVATE, guard, listed_kind
from memory.records import untimed

LIMITS = {"wall": 0.3, "wall_overrule": 0.98}
KINDS = ("none", "health", "family", "religion", LOGISTICS)


def judged(**shares: float) -> Judged:
    return Judged({kind: shares.get(kind, 0.0) for kind in KINDS})


def guarded(text: str, verdict: Judged) -> str:
    return guard([text], lambda task, pairs: [verdict for _ in pairs], LIMITS)[0].kind


def test_either_guard_is_enough() -> None:
    assert guarded("My wife was ill.", judged(none=0.9, family=0.1)) != "none", "the list alone"
    assert guarded("We had been trying for years.", judged(none=0.6, family=0.4)) == PRIVATE, "the model alone"


def test_a_very_sure_model_overrules_the_list_and_not_itself() -> None:
    assert guarded("The operation of the pump was simple.", judged(none=0.99, health=0.01)) == "none"
    assert guarded("I took antidepressants for a year.", judged(none=0.99, health=0.01)) == "health", "no sense at work"
    assert guarded("A patient on antidepressants called.", judged(none=0.99, health=0.01)) == "none", (
        "one works for them"
    )
    assert guarded("It was the pump.", judged(none=0.7, health=0.3)) == PRIVATE


def test_a_kind_is_named_only_where_it_is_sure() -> None:
    assert guarded("We had been trying for years.", judged(none=0.3, pregnancy=0.0, family=0.7)) == "family"
    assert guarded("We had been trying for years.", judged(none=0.5, family=0.5)) == PRIVATE


def test_logistics_are_kept_apart() -> None:
    assert guarded("I could start in two months.", judged(none=0.2, logistics=0.8)) == LOGISTICS


def test_what_refers_back_is_private_too() -> None:
    found = guard(
        ["My wife left me.", "It took a year.", "Then I built the tool."],
        lambda task, pairs: [judged(none=0.2, family=0.8), judged(none=1.0), judged(none=1.0)], LIMITS,
    )  # fmt: skip
    assert [g.kind for g in found] == ["family", "family", "none"]


@pytest.mark.parametrize(
    "text",
    [
        "I was in hospital with a broken hip, and so I planned it from there.",
        "My husband looks after the kids, so I took the night shift.",
        "During Ramadan I swapped with a colleague.",
        "I had lost my papers as a refugee, and I learnt the trade here.",
        "She is gay, and the boss did not like it, so I spoke up.",
    ],
)
def test_plain_private_sentences_are_marked(text: str) -> None:
    assert is_private(text)


@pytest.mark.parametrize(
    "text",
    [
        "I moved the reports to a new server.",
        "We had five people on the shift and two machines.",
        "First I called the supplier.",
    ],
)
def test_plain_work_is_not(text: str) -> None:
    assert not is_private(text)


def test_words_match_as_words() -> None:
    assert listed_kind("the parish council") == "religion" and listed_kind("parishioner lists") == "none"
    assert listed_kind("pregnancies at work") == "pregnancy", "a star stands for any ending"


def test_the_rest_of_the_answer_stays_open() -> None:
    words = untimed("My wife was in hospital. I moved the release to Monday.")
    question = generic_question("What did you do?")
    reading = EmbeddedReader().read_now(Answer(question, words))
    assert [(p.passage.first, p.passage.after) for p in reading.private] == [(0, 5)]
