"""A word and its position in time; shared by the recognisers, the aligner and the metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

FILLED_PAUSES = frozenset({"um", "uh", "er", "erm", "hm", "hmm", "mm", "mmm", "uhm", "umm", "uhh", "ah", "mhm"})


@dataclass(frozen=True)
class TimedWord:
    """One word as written by the recogniser; `start` and `end` in s; `confidence` 0..1 if the engine gives one."""

    text: str
    start: float
    end: float
    confidence: float | None = None

    def shifted(self, by: float) -> TimedWord:
        """The same word `by` s later."""
        return replace(self, start=self.start + by, end=self.end + by)

    @property
    def plain(self) -> str:
        """Lower case, without punctuation: for comparison."""
        return plain(self.text)


def plain(text: str) -> str:
    """Lower case; only letters, digits, and apostrophes and hyphens inside words."""
    return re.sub(r"[^\w'’-]+", "", text.lower()).replace("’", "'").strip("'-")


def joined(words: Iterable[TimedWord]) -> str:
    """The words as running text."""
    return " ".join(word.text for word in words)
