"""Detects speech without words: a recogniser that hangs, fails or hears nothing. Pure: times are passed in.

It is careful with people: coughs are short, music or somebody in the next room may go on for long, and nobody wants to
be told every few seconds that they were not understood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Measure = Literal["restart", "ask_again", "offer_typing"]


@dataclass
class RecognitionWatchdog:
    """Consulted on every frame while the candidate has the floor; says what to do, mostly nothing. Times in seconds.

    First the recogniser is restarted and may still find the words. Only if it does not is the candidate told, and the
    last time invited to type. After that the rules for silence apply.
    """

    enough: float = 3.0  # speech without a word, once it has paused for `answer`: words should be there by then
    answer: float = 2.5
    too_long: float = 12.0  # speech without a word, whether it pauses or not
    between: float = 60.0  # from the last measure to the next restart: nobody is told more than once a minute
    most: int = 3  # times that the candidate is told
    _speech: float = 0.0
    _quiet_since: float = 0.0
    _looked: float | None = None
    _words: int = 0
    _acted: float | None = None  # when a measure was last taken
    _waiting: bool = False  # for the words of a restarted recogniser
    _told: int = 0

    def begin(self) -> None:
        """The candidate gets the floor: nothing from before counts."""
        self._speech, self._looked, self._waiting = 0.0, None, False

    def look(self, now: float, speaking: bool, words: int, failing: bool = False) -> Measure | None:
        """`words`: events with words so far. `failing`: the recogniser itself reports that it cannot hear."""
        passed = 0.0 if self._looked is None else min(0.5, max(0.0, now - self._looked))
        self._looked = now
        if words != self._words:
            self._words, self._speech, self._waiting = words, 0.0, False
        if speaking:
            self._speech += passed
            self._quiet_since = now
        paused = now - self._quiet_since >= (0.5 if failing else self.answer)
        if self._acted is not None and self._waiting:
            if self._speech < self.too_long and not (paused and now - self._acted >= self.answer):
                return None
            self._speech, self._acted, self._waiting = 0.0, now, False
            self._told += 1
            return None if self._told > self.most else "ask_again" if self._told < self.most else "offer_typing"
        deaf = self._speech >= self.too_long or (self._speech >= self.enough and paused)
        if not deaf or (self._acted is not None and now - self._acted < self.between):
            return None
        self._speech, self._acted, self._waiting = 0.0, now, True
        return "restart"
