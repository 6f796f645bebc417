"""Delivery compared with one's own first answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.analysis.delivery import METRICS, WARM_UP, summarise
from memory.records import Delivery


def delivery(start: float = 0.0, **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "start": start, "end": start + 20.0, "response_delay": 1.0, "first_word_delay": 1.2, "speaking_time": 20.0,
        "phonation_time": 16.0, "silent_pauses": [], "pauses_within_clause": 2, "pauses_between_clauses": 3, "pause_rate": 15.0,
        "pause_median": 0.5, "longest_pause": 1.0, "pause_share": 0.2, "filled_pauses": [], "filler_words": [], "filler_rate": 3.0,
        "speech_rate": 3.2, "articulation_rate": 4.0, "words_per_minute": 130.0, "mean_length_of_run": 8.0, "repetitions": [],
        "restarts": [], "pitch_sd_semitones": 2.5, "pitch_median_hz": 120.0, "loudness_dbfs": -25.0, "loudness_iqr_db": 6.0,
        "loudness_lufs": -24.0, "confidence": 0.9,
    }  # fmt: skip
    return Delivery(**(values | changes))


def test_the_first_answers_set_the_baseline() -> None:
    found = summarise([(0, delivery()), (1, delivery(60, articulation_rate=5.0))], practice=True)
    assert found is not None and found.warm_up == [0]
    rate = next(m for m in found.measures if m.name == "articulation_rate")
    assert rate.baseline == 4.0
    assert [a.change for a in rate.answers] == [None, 1.0]


def test_too_little_speech_is_no_baseline() -> None:
    found = summarise([(0, delivery(phonation_time=2.0)), (1, delivery(60, phonation_time=3.0))], practice=True)
    assert found is not None and found.warm_up == [] and found.steadiness is None
    assert all(m.baseline is None for m in found.measures)
    assert f"{WARM_UP:.0f}" in found.note


def test_the_same_delivery_is_wholly_steady_and_another_less_so() -> None:
    same = summarise([(i, delivery(60.0 * i)) for i in range(4)], practice=True)
    other = summarise(
        [
            (0, delivery()),
            *((i, delivery(60.0 * i, articulation_rate=6.0, pause_share=0.5, filler_rate=20.0)) for i in (1, 2)),
        ],
        practice=True,
    )
    assert same and same.steadiness and same.steadiness.value == 100
    assert other and other.steadiness and other.steadiness.value < 80
    assert {p.name for p in same.steadiness.parts} == {m.steady for m in METRICS if m.steady}


def test_screening_has_no_index() -> None:
    found = summarise([(i, delivery(60.0 * i)) for i in range(4)], practice=False)
    assert found is not None and found.steadiness is None


def test_nothing_measured_is_nothing_said() -> None:
    assert summarise([], practice=True) is None


def test_a_delay_that_nobody_can_trust_is_not_compared() -> None:
    found = summarise([(0, delivery(response_delay_reliable=False)), (1, delivery(60))], practice=True)
    assert found is not None
    delay = next(m for m in found.measures if m.name == "response_delay")
    assert delay.baseline is None and delay.answers[0].value is None


def test_a_trend_is_the_median_slope() -> None:
    answers = [(i, delivery(60.0 * i, articulation_rate=4.0 + 0.1 * i)) for i in range(6)]
    answers[3] = (3, delivery(180.0, articulation_rate=9.0))  # an outlier moves it little
    found = summarise(answers, practice=True)
    assert found is not None
    assert next(m for m in found.measures if m.name == "articulation_rate").per_minute == pytest.approx(0.1, abs=0.03)


@given(
    st.lists(
        st.tuples(st.floats(0.0, 30.0), st.floats(0.0, 1.0), st.floats(-2.0, 9.0), st.floats(0.0, 60.0), st.one_of(st.none(), st.floats(0.5, 9.0))),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_any_numbers_give_a_summary(rows: list[tuple[float, float, float, float, float | None]]) -> None:
    answers = [
        (i, delivery(40.0 * i, phonation_time=p, confidence=c, response_delay=r, filler_rate=f, articulation_rate=a))
        for i, (p, c, r, f, a) in enumerate(rows)
    ]
    found = summarise(answers, practice=True)
    assert found is not None and len(found.measures) == len(METRICS)
    if found.steadiness:
        assert 0 <= found.steadiness.value <= 100
        assert all(0.0 <= p.value <= 1.0 for p in found.steadiness.parts)
