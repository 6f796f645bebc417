"""When to try again: waits that grow with each failure, kept per name. Pure: the time is a parameter."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class _Failures:
    count: int
    not_before: float
    reason: str


class Backoff:
    """The first `quick` waits last `first` seconds; after that each wait doubles, up to `most` seconds."""

    def __init__(self, first: float, most: float, *, quick: int = 1) -> None:
        self._first = first
        self._most = most
        self._quick = quick
        self._failures: dict[str, _Failures] = {}

    def wait_after(self, count: int) -> float:
        """Seconds to wait after `count` failures in a row, one or more."""
        doublings = min(max(0, count - self._quick), 64)  # 2.0 ** 1024 would overflow
        return min(self._most, self._first * 2.0**doublings)

    def due(self, name: str, now: float) -> bool:
        """Whether `name` may be tried now."""
        known = self._failures.get(name)
        return known is None or now >= known.not_before

    def failed(self, name: str, now: float, reason: str = "") -> float:
        """Count a failure. Returns the seconds until the next try is due."""
        count = self.count(name) + 1
        wait = self.wait_after(count)
        self._failures[name] = _Failures(count, now + wait, reason)
        return wait

    def count(self, name: str) -> int:
        """Failures in a row."""
        known = self._failures.get(name)
        return known.count if known else 0

    def reason(self, name: str) -> str:
        """Why the last try failed; empty if there was no failure."""
        known = self._failures.get(name)
        return known.reason if known else ""

    def succeeded(self, name: str) -> bool:
        """Forget the failures of `name`. Returns whether there were any."""
        return self._failures.pop(name, None) is not None

    def keep_only(self, names: Container[str]) -> None:
        """Forget every other name, so that what no longer exists takes no memory."""
        self._failures = {name: known for name, known in self._failures.items() if name in names}
