"""When a failed decode is tried again, and what is told of it. Pure; times are s of sound."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST = 0.5, 5.0  # s between two tries; each is twice the one before


@dataclass(frozen=True)
class RecognitionHealth:
    """What a watchdog needs to know of a recogniser.

    `speech_since_last_words`: s of speech that the detector heard since words last came out. `failing_since`: when decoding
    began to fail, s from the first sample of the stream (of the front end, where one is shared); None while it works.
    `error`: what it failed with last, in one line.
    """

    speech_since_last_words: float = 0.0
    failing_since: float | None = None
    error: str = ""


@dataclass
class Retry:
    """A streak of failures and the pause before the next try."""

    since: float | None = None
    error: str = ""
    at: float = 0.0  # not before
    _pause: float = FIRST

    def failed(self, now: float, error: str) -> bool:
        """Whether this is the first of a streak."""
        first = self.since is None
        self.since = now if self.since is None else self.since
        self.error = error
        self.at = now + self._pause
        self._pause = min(LONGEST, 2 * self._pause)
        return first

    def worked(self, now: float) -> float | None:
        """How long it had failed, s; None if it had not."""
        failed = None if self.since is None else now - self.since
        self.since, self.error, self.at, self._pause = None, "", 0.0, FIRST
        return failed

    def at_once(self) -> None:
        """Try again now, and not so seldom."""
        self.at, self._pause = 0.0, FIRST
