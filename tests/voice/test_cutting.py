"""Where speech longer than an engine's window is cut: properties of the pure functions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voice.audio import SPEECH_RATE
from voice.stt.window import Window, forced_cut, stable_cut
from voice.words import TimedWord


@st.composite
def said(draw: st.DrawFn) -> tuple[list[TimedWord], int, int]:
    """Words in an interval of 4 to 20 s, with its first and last sample."""
    start = draw(st.integers(0, 10**6))
    stop = start + draw(st.integers(4 * SPEECH_RATE, 20 * SPEECH_RATE))
    edges = sorted(draw(st.lists(st.integers(start, stop), max_size=24, unique=True)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [TimedWord(f"w{i}", a / SPEECH_RATE, b / SPEECH_RATE) for i, (a, b) in enumerate(pairs)], start, stop


@given(said())
def test_a_forced_cut_goes_forward_and_takes_no_word_apart(stretch: tuple[list[TimedWord], int, int]) -> None:
    words, start, stop = stretch
    count, at = forced_cut(words, start, stop)
    assert start < at <= stop and 0 <= count <= len(words)
    assert all(word.end * SPEECH_RATE <= at + 1 for word in words[:count])
    if count or len(words) != 1:
        assert all(word.start * SPEECH_RATE >= at - 1 for word in words[count:])
    else:  # one word late in the interval stays whole
        assert words[0].start * SPEECH_RATE >= at - 1


@given(said())
def test_a_cut_by_agreement_leaves_the_last_word(stretch: tuple[list[TimedWord], int, int]) -> None:
    words, _, _ = stretch
    for stable in range(len(words) + 3):
        count = stable_cut(words, stable)
        assert count is None or 0 < count < len(words)


def test_what_lies_before_a_new_start_no_longer_counts_as_speech() -> None:
    window = Window(0)
    for i in range(10):
        window.spoke((i + 1) * 0.032)
    window.move_start(5 * 512)
    assert round(window.speech_seconds, 3) == 0.16
