"""Rubric levels from what was said: explainable, with a spread, or "not enough evidence". Pure.

Three passes read the same answer with different strictness; the level is their median, and the spread is shown.
Nothing about voice, hesitation or accent enters; words the recogniser was unsure of widen the spread and lower the
confidence, never the level (docs/metrics.md, "Rubric level").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from dialogue.analysis.language import content_stems, tokens
from dialogue.analysis.reading import Reader, Reading
from dialogue.report_model import Hit, Rubric
from memory.records import PlannedQuestion, Word

MIN_WORDS = 15
MIN_CONFIDENCE = 0.4  # of the recogniser: below it the words are no basis for a judgement
MOST_UNSURE = 0.4  # share of unsure words above which nothing is judged


@dataclass(frozen=True)
class Weights:
    """Parts of the level, summing to 1."""

    coverage: float = 0.7
    own_action: float = 0.15
    outcome: float = 0.15


def score(words: Sequence[Word], question: PlannedQuestion, confidence: float | None = None) -> Rubric:
    """Judge the whole answer to a question (core and follow-ups together) against its rubric."""
    reader = Reader(words, question.text)
    reading = reader.read(question)
    hits = [Hit(name=f.name, evidence=f.span) for f in reading.hits]
    trust = _trust(reading, confidence)

    def rubric(level: float | None, low: float | None, high: float | None, reason: str) -> Rubric:
        return Rubric(
            level=level, low=low, high=high, enough_evidence=level is not None, reason=reason, confidence=trust,
            anchors=question.anchors, hits=hits, missed=list(reading.missed),
        )  # fmt: skip

    if reading.words < MIN_WORDS:
        return rubric(None, None, None, f"only {reading.words} words were said; {MIN_WORDS} are needed to judge")
    if confidence is not None and confidence < MIN_CONFIDENCE:
        return rubric(None, None, None, f"the recogniser was unsure of the words (confidence {confidence:.2f})")
    if reading.unsure > MOST_UNSURE:
        return rubric(None, None, None, f"the recogniser was unsure of {reading.unsure:.0%} of the words")
    levels = [_level(share, reading, question) for share in _passes(reader, question, reading)]
    # A missed point may be hidden behind a word that was not understood.
    hidden = min(1.0, 2.0 * reading.unsure) * (1.0 - reading.coverage)
    best = min(5.0, max(levels) + round(4.0 * hidden * 2.0) / 2.0)
    reason = f"{len(reading.hits)} of {len(question.key_points)} key points, in three passes of different strictness"
    return rubric(median(levels), min(levels), best, reason)


def _trust(reading: Reading, confidence: float | None) -> float | None:
    """Confidence in the words: the recogniser's own, reduced by the share of words it was unsure of."""
    if confidence is None and not reading.unsure:
        return None
    return round((1.0 if confidence is None else confidence) * (1.0 - reading.unsure), 2)


def _level(coverage: float, reading: Reading, question: PlannedQuestion) -> float:
    weights = Weights()
    outcome = 1.0 if reading.results or reading.numbers or reading.reasons else 0.0
    if question.kind in ("technical", "situational", "motivation"):
        # These ask for knowledge, not a story: the weight of own action goes to coverage.
        share = (weights.coverage + weights.own_action) * coverage + weights.outcome * outcome * (coverage > 0.25)
    else:
        told = coverage > 0.25  # a story about something else earns nothing
        share = weights.coverage * coverage + told * (
            weights.own_action * bool(reading.actions) + weights.outcome * outcome
        )
    return round((1.0 + 4.0 * share) * 2.0) / 2.0


def _passes(reader: Reader, question: PlannedQuestion, reading: Reading) -> list[float]:
    """Share of key points hit: word for word, by stems (the reading itself), and by the content words of a phrase."""
    alive = " ".join(reader.plain[i] for i in range(len(reader.plain)) if i not in reader.dead)
    said, text = content_stems(alive), f" {alive} "
    hit = {finding.name for finding in reading.hits}
    exact = sum(
        p.name in hit and any(f" {' '.join(tokens(x))} " in text for x in p.any_of) for p in question.key_points
    )
    loose = sum(p.name in hit or _nearly(p.any_of, said) for p in question.key_points)
    total = len(question.key_points)
    return [exact / total, reading.coverage, loose / total]


def _nearly(phrases: Sequence[str], said: set[str]) -> bool:
    """Whether all content words of a phrase (at least two) were said, in whatever order or form."""
    wanted = [content_stems(phrase) for phrase in phrases]
    return any(len(w) >= 2 and w <= said for w in wanted)
