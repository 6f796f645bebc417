"""Measuring answers while the call goes on: beside it, so that no reply waits for a number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from agent.ear import Ear
from agent.engines import Engines
from agent.journal import Journal
from agent.measuring import is_measured, measure_turn
from agent.tasks import Background
from memory.events import Answered, AnyEvent, Measured, Reopened


class Measurer:
    """Told of what was stored. What fails or does not get done here is measured from the recording when the call is over."""

    def __init__(self, journal: Journal, ear: Ear, engines: Engines, wall: Callable[[], float]) -> None:
        self._journal = journal
        self._ear = ear
        self._engines = engines
        self._wall = wall
        self._background = Background()
        self._by_turn: dict[int, asyncio.Task[Any]] = {}

    def stored(self, events: Sequence[AnyEvent]) -> None:
        """Measure what was answered, and stop measuring what is open again."""
        for event in events:
            if isinstance(event, Answered):
                self._start(event.turn)
            elif isinstance(event, Reopened):
                self._drop(event.turn)

    async def settle(self, seconds: float) -> None:
        """Wait for what is under way, at most so long."""
        await self._background.settle(seconds)

    async def aclose(self) -> None:
        await self._background.aclose()

    def _drop(self, turn: int) -> None:
        if task := self._by_turn.pop(turn, None):
            task.cancel()

    def _start(self, number: int) -> None:
        turn = next((t for t in self._journal.state.turns if t.number == number), None)
        if turn is None or not is_measured(turn):
            return
        self._drop(number)

        async def measure() -> None:
            engines, holes = self._engines, self._journal.state.holes
            delivery = await measure_turn(self._ear, turn, holes, engines.ruler, engines.measure)
            if delivery is not None:
                await self._journal.write(Measured(at=self._wall(), t=delivery.end, turn=number, delivery=delivery))

        task = self._background.start(f"measuring answer {number}", measure())
        self._by_turn[number] = task
        task.add_done_callback(lambda _: self._by_turn.pop(number, None) if self._by_turn.get(number) is task else None)
