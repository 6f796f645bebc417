"""What is wrong with a question pack beyond its schema: the points a careful colleague would raise. Pure.

The loader rejects what cannot be used; this names what would make a poor interview.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from dialogue.analysis.language import contains_phrase, overlap, tokens
from dialogue.follow_up.validator import validate
from memory.records import PlannedQuestion

LONGEST_QUESTION = 45  # words a listener can keep in mind
SAME_QUESTION = 0.5  # overlap of content stems, of text or of key points, from which two questions ask the same thing


@dataclass(frozen=True)
class Remark:
    """`question`: its id. `text` says what to change."""

    question: str
    text: str


def lint(questions: Sequence[PlannedQuestion]) -> list[Remark]:
    """Remarks on the questions of one pack, or of several used together."""
    remarks = [Remark(q.id, text) for q in questions for text in _one(q)]
    for a, b in combinations(questions, 2):
        if same(a, b):
            remarks.append(Remark(b.id, f"asks nearly the same as {a.id!r}; drop one or ask for something else"))
    return remarks


def same(a: PlannedQuestion, b: PlannedQuestion) -> bool:
    """Whether two questions are the same in other words: by what they ask, or by what they want to hear."""
    if overlap(a.text, b.text) >= SAME_QUESTION or overlap(a.short, b.short) >= SAME_QUESTION + 0.2:
        return True
    wanted_a, wanted_b = _wanted(a), _wanted(b)
    return len(wanted_a & wanted_b) / max(1, min(len(wanted_a), len(wanted_b))) >= SAME_QUESTION


def _wanted(question: PlannedQuestion) -> set[str]:
    return {point.says for point in question.key_points}


def _one(question: PlannedQuestion) -> Iterable[str]:
    said = tokens(question.text)
    if len(said) > LONGEST_QUESTION:
        yield f"the question has {len(said)} words; {LONGEST_QUESTION} are enough to be heard"
    for problem in _spoken(question.text):
        yield f"the question {problem}"
    kinds = [probe.type for probe in question.probes]
    if len(set(kinds)) < 5:
        yield "the probes are of fewer than five kinds; vary them"
    for i, probe in enumerate(question.probes):
        earlier = [question.text, *(p.text for p in question.probes[:i])]
        for problem in validate(probe.text, earlier=earlier).problems:
            yield f"probe {probe.text!r} {problem}"
    for wanted in ("depth", "result"):
        if wanted not in kinds:
            yield f"no probe of type {wanted!r}; add one"
    if len(set(question.anchors.values())) < len(question.anchors):
        yield "two anchors are the same; say what tells the levels apart"
    if question.patience > question.seconds / 2:
        yield "patience is more than half of the time for the whole answer; one of them is off"


def _spoken(text: str) -> Iterable[str]:
    verdict = validate(text.rstrip(".?") + "?", earlier=[])
    for problem in verdict.problems:
        if problem in ("leads the candidate", "judges the answer", "touches a protected topic", "cannot be spoken"):
            yield problem
    if contains_phrase(text, ["for example", "e.g.", "such as"]):
        yield "hints at an answer"
