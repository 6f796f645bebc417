"""The jitter buffer: audio arrives unevenly and comes out evenly."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.jitter import JitterBuffer


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 40), st.integers(0, 60))
def test_what_comes_in_goes_out_in_order(sizes: list[int], take: int, cushion: int) -> None:
    buffer = JitterBuffer(cushion, 10**6)
    sent, got = [], []
    value = 1.0
    for size in sizes:
        piece = np.arange(value, value + size, dtype=np.float32)
        value += size
        buffer.push(piece)
        sent.extend(piece)
        out = buffer.take(take)
        assert len(out) == take
        got.extend(out[out != 0])
    assert got == sent[: len(got)]


def test_sound_waits_for_the_cushion_and_starts_anew_when_it_ran_dry() -> None:
    buffer = JitterBuffer(4, 100)
    buffer.push(np.ones(2, np.float32))
    assert not buffer.take(2).any()
    buffer.push(np.ones(2, np.float32))
    assert buffer.take(3).all() and buffer.take(3).sum() == 1
    buffer.push(np.ones(3, np.float32))
    assert not buffer.take(3).any(), "the cushion is filled first"


def test_what_comes_too_late_is_dropped_oldest_first() -> None:
    buffer = JitterBuffer(0, 10)
    for value in range(1, 6):
        buffer.push(np.full(4, value, np.float32))
    assert list(buffer.take(8)) == [4, 4, 4, 4, 5, 5, 5, 5]
