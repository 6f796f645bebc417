"""Kinds of error in a follow-up, after the project's paper 2, and the rule that finds each where a rule can. Pure.

The rules are about form and are stated so that they can be disputed; whether a follow-up fits its answer no rule can tell: with the
sheet (tuning/evaluate/annotation_sheet.py) people mark the same items blindly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dialogue.analysis.language import overlap, tokens
from dialogue.follow_up.validator import SAME, validate
from tuning.data.records import FollowUpRecord

BY_RULE: dict[str, str] = {
    "not usable": "no JSON, or empty",
    "not a question": "not exactly one question, or longer than a person takes in",
    "repeats the question": "asks the question again: 0.6 or more of its content words are the question's",
    "wrong probe": "asks for something else than was decided: its words fit another probe's better",
    "leads or judges": "leads, hints at an answer, praises or blames",
    "unsuitable": "a protected topic, talk about the system, what cannot be spoken",
}
CATEGORIES: dict[str, str] = {
    **BY_RULE,
    "off the answer": "does not fit this answer, or was answered in it; only people can tell",
}

# Words that reveal a probe; checked only if a question has words of another probe and none of its own.
_CUES = {
    "why": {"why", "reason", "made", "makes", "led"},
    "evidence": {
        "measure",
        "measured",
        "know",
        "tell",
        "sure",
        "many",
        "much",
        "often",
        "proof",
        "showed",
        "ev",
        "find",
    },
    "own_part": {"yourself", "your", "own", "part", "you"},
    "result": {"happened", "outcome", "came", "become", "became", "turn", "end", "after", "reaction", "react"},
    "learned": {"differently", "learn", "learnt", "lesson", "again", "since", "today", "now", "next"},
    "trade_off": {"instead", "rather", "cost", "lose", "price", "when", "limits", "without"},
}
_SHARP = {
    "why": {"why"},
    "learned": {"differently", "lesson"},
    "trade_off": {"instead", "rather"},
    "own_part": {"yourself"},
}


@dataclass(frozen=True)
class Marked:
    """An item and what is wrong with it; "" if nothing is."""

    id: str
    category: str


def category_of(record: FollowUpRecord, text: str | None) -> str:
    """The first category whose rule applies, the most serious first; "" for none."""
    if not text or not tokens(text):
        return "not usable"
    verdict = validate(text, earlier=[record.question])
    problems = " ".join(verdict.problems)
    if "protected" in problems or "system" in problems or "spoken" in problems:
        return "unsuitable"
    if "exactly one" in problems or "must have" in problems or "two things" in problems:
        return "not a question"
    if "leads" in problems or "hints" in problems or "judges" in problems:
        return "leads or judges"
    if overlap(text, record.question) >= SAME:
        return "repeats the question"
    return "wrong probe" if _other_probe(record.probe, text) else ""


def _other_probe(probe: str, text: str) -> bool:
    words = set(tokens(text))
    return probe in _CUES and not words & _CUES[probe] and any(words & cues for p, cues in _SHARP.items() if p != probe)


def analyse(records: Sequence[FollowUpRecord], texts: Sequence[str | None]) -> Counter[str]:
    """How many fall into each category; those without an error under ""."""
    return Counter(category_of(r, t) for r, t in zip(records, texts, strict=True))
