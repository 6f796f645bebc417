"""Distributions are drawn only if there is something to compare, and never compare candidates in a hiring interview."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.reporting.pictures import draw_pictures
from dialogue.state import State

SOUND = np.zeros(100, np.float32)


def report(session: str, *delays: float, mode: str = "practice", day: int = 1) -> dict[str, Any]:
    exchanges = [{"delivery": {"response_delay": delay, "silent_pauses": []}} for delay in delays]
    return {
        "session": session, "mode": mode, "created_at": f"2026-01-0{day}T10:00:00", "questions": [{"exchanges": exchanges}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "earlier", "drawn"),
    [
        (report("a", 1.0), [], False),
        (report("a"), [report("b", 1.0, 2.0)], False),
        (report("a", 1.0, 2.0), [], True),
        (report("b", 1.0, day=2), [report("a", 2.0)], True),
        (report("a", 1.0), [report("b", 2.0, day=2)], False),  # later, not earlier
        (report("a", 1.0, day=2), [report("a", 2.0)], False),  # itself
        (report("b", 1.0, mode="screen", day=2), [report("a", 2.0)], False),
    ],
)
def test_distributions(tmp_path: Path, now: dict[str, Any], earlier: list[dict[str, Any]], drawn: bool) -> None:
    pictures = draw_pictures(now, State(), SOUND, 16_000, tmp_path, earlier)
    assert bool(pictures.distributions) == drawn == (tmp_path / "distributions.png").exists()
