"""Local agreement: words are stable once two consecutive decodes share them as a prefix (LocalAgreement-2).

Liu, Spanakis & Niehues 2020 (Interspeech), as used by Machacek, Dabre & Bojar 2023 for Whisper. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from voice.words import TimedWord


class LocalAgreement:
    """Feed it each new hypothesis for the same (growing) window; `stable` only ever grows."""

    def __init__(self) -> None:
        self.stable: list[TimedWord] = []
        self._last: Sequence[TimedWord] = []

    def update(self, words: Sequence[TimedWord]) -> list[TimedWord]:
        """Take a hypothesis; return the whole text to show: the stable words, then the rest of this hypothesis."""
        rest = _after(self.stable, words)
        previous = _after(self.stable, self._last)
        agreed = 0
        for new, old in zip(rest, previous, strict=False):
            if new.plain != old.plain:
                break
            agreed += 1
        # The last word of a hypothesis may still be being spoken, so it never counts as agreed.
        agreed = min(agreed, max(0, len(rest) - 1))
        self.stable = [*self.stable, *rest[:agreed]]
        self._last = words
        return [*self.stable, *rest[agreed:]]


def _after(stable: Sequence[TimedWord], words: Sequence[TimedWord]) -> list[TimedWord]:
    """The part of a hypothesis that comes after the stable words (by count: both start at the window's start)."""
    return list(words[len(stable) :])
