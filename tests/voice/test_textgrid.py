"""Output for other tools: a TextGrid whose intervals cover all time once, and a CSV that no spreadsheet executes."""

from __future__ import annotations

import csv
import io
import itertools
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.metrics.hesitation import Measures, measure
from voice.plot.textgrid import table, text_grid
from voice.vad.boundaries import SpeechMap
from voice.words import TimedWord


def measured(words: list[TimedWord], seconds: float = 2.0) -> Measures:
    silence = np.zeros(round(seconds * 16_000), np.float32)
    return measure(silence, words, SpeechMap([(0.2, 0.9), (1.5, 1.9)], 30.0, 0.9))


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=8), st.floats(0.0, 2.0), st.floats(0.0, 2.0)),
        max_size=6,
    )
)
def test_every_tier_covers_the_whole_sound_without_overlap(words: list[tuple[str, float, float]]) -> None:
    grid = text_grid(measured([TimedWord(t, min(a, b), max(a, b)) for t, a, b in words]))
    tiers = re.split(r"    item \[\d+\]:\n", grid)[1:]
    assert len(tiers) == 6
    for tier in tiers:
        spans = [
            (float(a), float(b))
            for a, b in re.findall(r"intervals \[\d+\]:\n            xmin = (.+)\n            xmax = (.+)\n", tier)
        ]
        assert spans[0][0] == 0.0
        assert all(a < b for a, b in spans)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(spans))
        assert spans[-1][1] == float(re.search(r"xmax = (.+)", grid).group(1))  # type: ignore[union-attr]


def test_quotes_are_doubled() -> None:
    assert '"he said ""no"""' in text_grid(measured([TimedWord('he said "no"', 0.3, 0.8)]))


def test_the_table_has_a_row_for_each_thing_and_no_formula() -> None:
    rows = list(
        csv.DictReader(io.StringIO(table(measured([TimedWord("=1+1", 0.3, 0.8), TimedWord("late", 1.5, 1.8)]))))
    )
    assert [r["kind"] for r in rows if r["kind"] == "word"] == ["word", "word"]
    assert rows[0]["text"] == "'=1+1"
    pause = next(r for r in rows if r["kind"] == "silent pause")
    assert (pause["start"], pause["duration"]) == ("0.900", "0.600")
