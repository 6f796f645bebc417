"""Outcomes are counted, and printed at the end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from tests.chaos.tally import TALLY
from tests.e2e.deployment import calls_end

__all__ = ["calls_end", "tally"]


@pytest.fixture(scope="session", autouse=True)
def tally(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if not TALLY:
        return
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n\n| failure | runs | recovered | median s to a voice | worst s |\n|---|---|---|---|---|")
        for name, seconds in TALLY.items():
            good = [s for s in seconds if s is not None]
            median = f"{statistics.median(good):.1f}" if good else "–"
            worst = f"{max(good):.1f}" if good else "–"
            print(f"| {name} | {len(seconds)} | {len(good)} | {median} | {worst} |")
