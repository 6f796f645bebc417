"""What was broken how often, and after how many seconds the agent's voice was there again (None: never)."""

from __future__ import annotations

TALLY: dict[str, list[float | None]] = {}


def count(name: str, seconds: float | None) -> None:
    TALLY.setdefault(name, []).append(seconds)
