"""Rubric levels from what was said: explainable, with spread, or "not enough evidence". Pure.

Three passes read the same answer more and less strictly; the level is their median and the spread is shown. Nothing
about voice, hesitation or accent enters (docs/metrics.md, "Rubric level").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from dialogue.language import content_stems, tokens
from dialogue.reading import Reading, read
from dialogue.report_model import Hit, Rubric
from memory.records import PlannedQuestion, Word

MIN_WORDS = 15
MIN_CONFIDENCE = 0.4  # of the recogniser: below it the words are not a basis to judge anybody


@dataclass(frozen=True)
class Weights:
    """Parts of the level, summing to 1."""

    coverage: float = 0.7
    own_action: float = 0.15
    outcome: float = 0.15


def score(words: Sequence[Word], question: PlannedQuestion, confidence: float | None = None) -> Rubric:
    """Judge the whole answer to a question (core and follow-ups together) against its rubric."""
    reading = read(words, question)
    hits = [Hit(name=f.name, evidence=f.span) for f in reading.hits]

    def rubric(level: float | None, low: float | None, high: float | None, reason: str) -> Rubric:
        return Rubric(
            level=level, low=low, high=high, enough_evidence=level is not None, reason=reason,
            anchors=question.anchors, hits=hits, missed=list(reading.missed),
        )  # fmt: skip

    if reading.words < MIN_WORDS:
        return rubric(None, None, None, f"only {reading.words} words were said; {MIN_WORDS} are needed to judge")
    if confidence is not None and confidence < MIN_CONFIDENCE:
        return rubric(None, None, None, f"the recogniser was unsure of the words (confidence {confidence:.2f})")
    levels = [_level(share, reading, question) for share in _passes(words, question, reading)]
    reason = f"{len(reading.hits)} of {len(question.key_points)} key points, in three passes of different strictness"
    return rubric(median(levels), min(levels), max(levels), reason)


def _level(coverage: float, reading: Reading, question: PlannedQuestion) -> float:
    weights = Weights()
    outcome = 1.0 if reading.results or reading.numbers or reading.reasons else 0.0
    if question.kind in ("technical", "situational", "motivation"):
        # Knowing is asked for, not a story: own action counts into the coverage.
        share = (weights.coverage + weights.own_action) * coverage + weights.outcome * outcome * (coverage > 0.25)
    else:
        told = coverage > 0.25  # a story about something else earns nothing for being a story
        share = weights.coverage * coverage + told * (
            weights.own_action * bool(reading.actions) + weights.outcome * outcome
        )
    return round((1.0 + 4.0 * share) * 2.0) / 2.0


def _passes(words: Sequence[Word], question: PlannedQuestion, reading: Reading) -> list[float]:
    """Share of key points hit: word for word, by stems (the reading itself), and by any content word of a phrase."""
    text = f" {' '.join(t for w in words for t in tokens(w.text))} "
    said = content_stems(text)
    exact = sum(any(f" {' '.join(tokens(p))} " in text for p in point.any_of) for point in question.key_points)
    loose = sum(any(content_stems(p) & said for p in point.any_of) for point in question.key_points)
    total = len(question.key_points)
    return [exact / total, reading.coverage, max(loose / total, reading.coverage)]
