"""A person's delivery compared with their own first answers: a baseline, the change from it, and the trend.

Nobody is compared with anybody else. Practice mode shows one index, "delivery steadiness", with its parts: how close
the later answers stay to the first ones. It is our own, unvalidated, and says nothing about what a person feels or is
worth. Pure.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialogue.report_model import DeliverySummary, Measure, MeasuredAnswer, Steadiness, SteadinessPart
from memory.records import Delivery

WARM_UP = 15.0  # s of speech that make a baseline, taken from the first answers
MOST_WARM_UP = 3  # answers
MIN_CONFIDENCE = 0.3  # below this, an answer's numbers are shown but not compared
MIN_TREND = 4  # answers
Value = Callable[[Delivery], float | None]


@dataclass(frozen=True)
class _Metric:
    """`soft`: added before taking a ratio, to avoid dividing by zero; None: in dB, compared by difference."""

    name: str
    label: str
    unit: str
    value: Value
    steady: str = ""  # its name among the parts of steadiness
    soft: float | None = 0.0


def _per_minute(count: Callable[[Delivery], int]) -> Value:
    return lambda d: 60.0 * count(d) / d.speaking_time if d.speaking_time > 0 else None


METRICS = (
    _Metric("response_delay", "Delay before answering", "s",
            lambda d: d.response_delay if d.response_delay_reliable else None, "delay before answering", 0.5),
    _Metric("articulation_rate", "Articulation rate", "syllables/s", lambda d: d.articulation_rate, "pace"),
    _Metric("speech_rate", "Speech rate", "syllables/s", lambda d: d.speech_rate),
    _Metric("pause_share", "Share of silence", "", lambda d: d.pause_share, "pauses", 0.05),
    _Metric("pause_median", "Typical pause", "s", lambda d: d.pause_median),
    _Metric("within_clause", "Pauses inside clauses", "per min", _per_minute(lambda d: d.pauses_within_clause)),
    _Metric("filler_rate", "Um, uh and filler words", "per min", lambda d: d.filler_rate, "fillers", 2.0),
    _Metric("disfluencies", "Repetitions, restarts, cut-off words", "per min",
            _per_minute(lambda d: len(d.repetitions) + len(d.restarts) + len(d.cut_offs))),
    _Metric("mean_length_of_run", "Syllables between pauses", "", lambda d: d.mean_length_of_run),
    _Metric("pitch_sd_semitones", "Pitch variation", "semitones", lambda d: d.pitch_sd_semitones, "melody", 0.5),
    _Metric("loudness_lufs", "Loudness", "LUFS", lambda d: d.loudness_lufs, "loudness", None),
)  # fmt: skip


def summarise(answers: Sequence[tuple[int, Delivery]], *, practice: bool) -> DeliverySummary | None:
    """`answers`: (turn, what was measured), in order. None if nothing was measured."""
    if not answers:
        return None
    warm, seconds = _warm_up(answers)
    trusted = [(turn, d) for turn, d in answers if d.confidence >= MIN_CONFIDENCE]
    measures = []
    for metric in METRICS:
        base = weighted_mean([(metric.value(d), d.phonation_time) for turn, d in answers if turn in warm])
        values = []
        for turn, delivery in answers:
            value = metric.value(delivery)
            change = None if value is None or base is None or turn in warm else round(value - base, 3)
            values.append(MeasuredAnswer(turn=turn, value=None if value is None else round(value, 3), change=change))
        points = [(d.start / 60.0, v) for _, d in trusted if (v := metric.value(d)) is not None]
        measures.append(
            Measure(
                name=metric.name,
                label=metric.label,
                unit=metric.unit,
                baseline=None if base is None else round(base, 3),
                answers=values,
                per_minute=_trend(points),
            )
        )
    later = [d for turn, d in trusted if turn not in warm]
    note = (
        f"compared with the first {seconds:.0f} s of this person's own speech"
        if warm
        else f"no baseline: the answers hold {seconds:.0f} s of speech, {WARM_UP:.0f} are needed"
    )
    return DeliverySummary(
        warm_up=sorted(warm),
        warm_up_seconds=round(seconds, 1),
        measures=measures,
        steadiness=_steadiness([d for turn, d in answers if turn in warm], later) if practice and warm else None,
        note=note,
    )


def _warm_up(answers: Sequence[tuple[int, Delivery]]) -> tuple[set[int], float]:
    """The first answers that together hold WARM_UP s of trustworthy speech (none if they fall short), and those s."""
    warm: set[int] = set()
    seconds = 0.0
    for turn, delivery in answers:
        if delivery.confidence < MIN_CONFIDENCE:
            continue
        warm.add(turn)
        seconds += delivery.phonation_time
        if seconds >= WARM_UP:
            return warm, seconds
        if len(warm) == MOST_WARM_UP:
            break
    return set(), seconds


def weighted_mean(values: Sequence[tuple[float | None, float]]) -> float | None:
    known = [(v, w) for v, w in values if v is not None and w > 0]
    weight = sum(w for _, w in known)
    return sum(v * w for v, w in known) / weight if weight else None


def _trend(points: Sequence[tuple[float, float]]) -> float | None:
    """Change per minute of the interview: the median slope over all pairs (Theil 1950, Sen 1968)."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1 :] if b[0] > a[0]]
    return round(statistics.median(slopes), 4) if len(points) >= MIN_TREND and slopes else None


def _steadiness(warm: Sequence[Delivery], later: Sequence[Delivery]) -> Steadiness | None:
    """100 x the mean of its parts; a part is the mean of exp(-|ln(value / baseline)|), for loudness exp(-|dB| / 6)."""
    parts = []
    for metric in METRICS:
        base = weighted_mean([(metric.value(d), d.phonation_time) for d in warm])
        values = [v for d in later if (v := metric.value(d)) is not None]
        if not metric.steady or base is None or not values:
            continue
        close = statistics.fmean(_closeness(v, base, metric.soft) for v in values)
        parts.append(SteadinessPart(name=metric.steady, value=round(close, 3), baseline=round(base, 3)))
    if len(parts) < 3:
        return None
    return Steadiness(value=round(100.0 * statistics.fmean(p.value for p in parts)), parts=parts, answers=len(later))


def _closeness(value: float, base: float, soft: float | None) -> float:
    if soft is None:
        return math.exp(-abs(value - base) / 6.0)
    floor = 0.05  # an overlap is a negative delay; everything below the floor is treated alike
    return math.exp(-abs(math.log(max(floor, value + soft) / max(floor, base + soft))))
