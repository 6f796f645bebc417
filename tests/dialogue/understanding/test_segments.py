"""How an utterance is cut: into sentences, or at pauses where there are no marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialogue.understanding.segments import LONGEST, segments
from memory.records import Word, untimed

TEXT = st.lists(st.sampled_from("so um we stopped. it, then? and I uh said no! yes".split()), max_size=90)


def cut(words: list[Word]) -> list[str]:
    return [" ".join(words[i].text for i in part) for part in segments(words)]


@given(TEXT)
def test_segments_cover_every_word_once_in_order(texts: list[str]) -> None:
    words = untimed(" ".join(texts))
    assert [i for part in segments(words) for i in part] == list(range(len(words)))


@given(TEXT)
def test_no_segment_is_endless(texts: list[str]) -> None:
    assert all(len(part) <= LONGEST + 20 + 3 for part in segments(untimed(" ".join(texts))))


def test_sentences_are_segments() -> None:
    assert cut(untimed("Sorry? Could you repeat that. My phone rang")) == [
        "Sorry?",
        "Could you repeat that.",
        "My phone rang",
    ]


def test_a_pause_cuts_where_there_are_no_marks() -> None:
    first = [Word(text=w, start=i / 3, end=i / 3 + 0.3) for i, w in enumerate("we moved the data".split())]
    then = [Word(text=w, start=4 + i / 3, end=4.3 + i / 3) for i, w in enumerate("sorry what was that".split())]
    assert cut([*first, *then]) == ["we moved the data", "sorry what was that"]


def test_a_lone_um_goes_with_what_follows() -> None:
    assert cut(untimed("Um. We moved it.")) == ["Um. We moved it."]
