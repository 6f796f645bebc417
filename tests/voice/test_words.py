"""Fillers, repetitions, syllables, clauses, local agreement, hallucinations: pure rules."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.metrics.disfluency import cut_offs, filler_words, repetitions, restarts
from voice.pronunciation import phones, syllables
from voice.stt.hallucination import believable
from voice.stt.local_agreement import LocalAgreement
from voice.stt.offline import cut_windows
from voice.tts.clauses import ClauseSplitter, clauses
from voice.words import TimedWord


def timed(text: str) -> list[TimedWord]:
    return [TimedWord(w, i / 3, i / 3 + 0.3) for i, w in enumerate(text.split())]


@pytest.mark.parametrize(
    ("text", "fillers"),
    [
        ("it was like really slow", ["like"]),
        ("i like the database", []),
        ("it looks like a bug", []),
        ("tools like that are rare", []),
        ("you know we moved it", ["you know"]),
        ("do you know the answer", []),
        ("it was sort of broken", ["sort of"]),
        ("a sort of index", []),
        ("what kind of test", []),
        ("basically it worked i mean mostly", ["basically", "i mean"]),
        ("that is what i mean by that", []),
    ],
)
def test_filler_words_in_context(text: str, fillers: list[str]) -> None:
    assert filler_words(text.split()) == fillers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("we we moved it", ["we"]),
        ("in the in the table", ["in the"]),
        ("we um we moved", ["we"]),
        ("it is very very slow", []),
        ("five five", []),
        ("he had had enough", []),
        ("the table and the table", []),
    ],
)
def test_repetitions(text: str, found: list[str]) -> None:
    assert repetitions(timed(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on Monday no wait on Tuesday", ["no wait"]),
        ("I was I had a plan", ["i was i had"]),
        ("I think I can do it", []),
        ("it was slow I mean really slow", ["i mean"]),
        ("that is what I mean", []),
    ],
)
def test_restarts(text: str, found: list[str]) -> None:
    assert restarts(timed(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("we mov- moved it", ["mov-"]),
        ("pipel pipeline", ["pipel"]),
        ("the there", []),
        ("a well-known end-to-end test", []),
    ],
)
def test_cut_offs(text: str, found: list[str]) -> None:
    assert cut_offs(timed(text)) == found


@pytest.mark.parametrize(
    ("word", "count"),
    [("pipeline", 2), ("database", 3), ("kubernetes", 4), ("i", 1), ("strengths", 1), ("42", 2), ("well-known", 2)],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz'-", min_size=1, max_size=15))
def test_every_word_with_a_letter_has_phones(word: str) -> None:
    plain = word.strip("'-")
    if plain and any(c.isalpha() for c in plain):
        assert all(p.isalpha() for p in phones(plain))
        assert syllables(plain) >= 0


def test_clauses_stream_out_as_soon_as_they_are_certain() -> None:
    splitter = ClauseSplitter()
    assert splitter.push("Thank you. What ") == ["Thank you."]
    assert splitter.push("did you change?") == []
    assert splitter.flush() == ["What did you change?"]


def test_short_heads_and_abbreviations_stay_together() -> None:
    assert clauses("Okay, e.g. Dr. Smith said so. Next.") == ["Okay, e.g. Dr. Smith said so.", "Next."]


@given(st.text(alphabet="ab .,?!;", max_size=80), st.integers(1, 7))
def test_clauses_lose_no_word_however_the_text_is_cut(text: str, step: int) -> None:
    splitter = ClauseSplitter()
    found = [c for i in range(0, len(text), step) for c in splitter.push(text[i : i + step])] + splitter.flush()
    assert " ".join(found).split() == text.split()


def test_a_word_is_stable_when_two_decodes_agree() -> None:
    agreement = LocalAgreement()
    agreement.update(timed("we moved"))
    assert agreement.stable == []
    agreement.update(timed("we moved the"))
    assert [w.text for w in agreement.stable] == ["we", "moved"]
    shown = agreement.update(timed("we moved her pipeline"))
    assert [w.text for w in shown] == ["we", "moved", "her", "pipeline"]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=6), max_size=8))
def test_stable_words_only_grow(hypotheses: list[list[str]]) -> None:
    agreement = LocalAgreement()
    before: list[str] = []
    for words in hypotheses:
        agreement.update(timed(" ".join(words)))
        now = [w.text for w in agreement.stable]
        assert now[: len(before)] == before
        before = now


def test_words_in_silence_are_not_believed() -> None:
    assert believable(timed("Thank you."), 0.1) == []
    assert believable(timed("Thank you."), 0.8) != []
    assert believable(timed("hello there"), 0.0) == []
    loop = believable(timed("I see the cat the cat the cat the cat the cat"), 5.0)
    assert [w.text for w in loop] == ["I", "see", "the", "cat"]
    assert believable(timed(" ".join(f"w{i}" for i in range(60))), 1.0) == []


@given(
    st.lists(st.tuples(st.floats(0.05, 3), st.floats(0.05, 8)), max_size=20),
    st.floats(5, 15),
)
def test_windows_cover_all_speech_once_and_stay_short(parts: list[tuple[float, float]], longest: float) -> None:
    speech, at = [], 0.0
    for gap, length in parts:
        at += gap
        speech.append((at, at + length))
        at += length
    windows = cut_windows(speech, longest)
    assert sum(v for *_, v in windows) == pytest.approx(sum(b - a for a, b in speech))
    assert all(b - a <= longest + 1e-6 for a, b, _ in windows)
    assert all(x[1] <= y[0] + 1e-9 for x, y in itertools.pairwise(windows))
