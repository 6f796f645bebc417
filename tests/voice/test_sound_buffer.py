"""The buffer of an endless stream: exact for what it keeps, bounded in memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice.recent_rows import RecentRows
from voice.sound_buffer import PIECE, SoundBuffer


@given(
    st.lists(st.integers(0, 3 * PIECE), max_size=12),
    st.integers(0, 6),
    st.lists(st.tuples(st.integers(-5, 40 * PIECE), st.integers(-5, 40 * PIECE)), max_size=6),
)
def test_a_buffer_reads_what_a_whole_recording_would(
    sizes: list[int], kept: int, stretches: list[tuple[int, int]]
) -> None:
    buffer, whole = SoundBuffer(float(kept)), np.arange(sum(sizes), dtype=np.float32)
    at = 0
    for size in sizes:
        buffer.push(whole[at : at + size])
        at += size
        assert buffer.nbytes <= 4 * (kept + 2) * PIECE
    assert buffer.end == at and buffer.first == max(0, at - kept * PIECE)
    for start, end in [*stretches, (buffer.first, buffer.end)]:
        low, high = max(start, buffer.first), min(end, at)
        assert np.array_equal(buffer.read(start, end), whole[low : max(low, high)])


def test_what_was_read_does_not_change_when_more_comes() -> None:
    buffer = SoundBuffer(1.0)
    buffer.push(np.ones(PIECE, np.float32))
    read = buffer.read(0, PIECE)
    for _ in range(5):
        buffer.push(np.zeros(PIECE, np.float32))
    assert read.all()


@given(st.lists(st.integers(0, 700), max_size=20), st.none() | st.integers(1, 900))
def test_rows_keep_their_numbers(sizes: list[int], kept: int | None) -> None:
    rows, whole = RecentRows(2, kept), np.arange(2 * sum(sizes), dtype=np.float32).reshape(-1, 2)
    at = 0
    for size in sizes:
        rows.add(whole[at : at + size])
        at += size
    assert len(rows) == at
    assert rows.first == 0 if kept is None else at - rows.first >= min(kept, at)
    assert np.array_equal(rows.held, whole[rows.first :])
    middle = (rows.first + at) // 2
    assert np.array_equal(rows.between(0, middle), whole[rows.first : middle])
    assert np.array_equal(rows.at(np.arange(middle, at)), whole[middle:])
    if kept is not None:
        assert rows.nbytes <= 8 * (kept + 1024 + 700)
