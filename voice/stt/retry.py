"""When a failed decode is retried, and what a watchdog is told about it. Pure; times are s of audio."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST = 0.5, 5.0  # s between tries; each pause is twice the previous one


@dataclass(frozen=True)
class RecognitionHealth:
    """What a watchdog needs to know about a recogniser.

    `speech_since_last_words`: s of speech detected since words last came out. `failing_since`: when decoding began to
    fail, s from the first sample of the stream (of the front end, if shared); None while it works. `error`: the last
    failure, in one line.
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
        """Record a failure; return whether it is the first of a streak."""
        first = self.since is None
        self.since = now if self.since is None else self.since
        self.error = error
        self.at = now + self._pause
        self._pause = min(LONGEST, 2 * self._pause)
        return first

    def worked(self, now: float) -> float | None:
        """Record a success; return how long it had been failing, s, or None if it had not."""
        failed = None if self.since is None else now - self.since
        self.since, self.error, self.at, self._pause = None, "", 0.0, FIRST
        return failed

    def at_once(self) -> None:
        """Retry now and reset the pause."""
        self.at, self._pause = 0.0, FIRST
