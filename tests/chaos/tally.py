"""How often each thing was broken, and the seconds until the agent's voice was back (None: never)."""

from __future__ import annotations

TALLY: dict[str, list[float | None]] = {}


def count(name: str, seconds: float | None) -> None:
    TALLY.setdefault(name, []).append(seconds)
