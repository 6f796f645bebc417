"""From recognised words to what is stored of them: one home for the call and for recovery."""

from __future__ import annotations

from collections.abc import Sequence

from memory.events import Heard
from memory.records import Word
from voice.words import TimedWord, joined


def records(words: Sequence[TimedWord]) -> list[Word]:
    """Timed words as records, to the millisecond."""
    return [Word(text=w.text, start=round(w.start, 3), end=round(w.end, 3), confidence=w.confidence) for w in words]


def heard(words: Sequence[TimedWord], turn: int, at: float, confidence: float | None = None) -> Heard:
    """A final piece of an answer. `words`: at least one, on the session's timeline."""
    return Heard(
        at=at, t=words[0].start, turn=turn, text=joined(words), words=records(words), end=words[-1].end, confidence=confidence
    )  # fmt: skip
