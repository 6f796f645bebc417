"""Measures answers in the background during the call, so no reply ever waits for a number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from agent.call.journal import Journal
from agent.call.speech_tracker import SpeechTracker
from agent.engines.loading import Engines
from agent.engines.measuring import LEAD, TAIL, Answer, Measure, floor_of, held_up_in, is_measured, measured_words
from agent.tasks import Background
from dialogue.state import Turn
from memory.events import Answered, AnyEvent, Measured, Reopened
from memory.records import Delivery


class Measurer:
    """Told what was stored. Whatever fails or is not finished here is measured from the recording after the call."""

    def __init__(self, journal: Journal, tracker: SpeechTracker, engines: Engines, wall: Callable[[], float]) -> None:
        self._journal = journal
        self._tracker = tracker
        self._engines = engines
        self._wall = wall
        self._background = Background()
        self._by_turn: dict[int, asyncio.Task[Any]] = {}

    def stored(self, events: Sequence[AnyEvent]) -> None:
        """Measure what was answered, and stop measuring what was reopened."""
        for event in events:
            if isinstance(event, Answered):
                self._start(event.turn)
            elif isinstance(event, Reopened):
                self._drop(event.turn)

    async def settle(self, seconds: float) -> None:
        """Wait up to `seconds` for what is under way."""
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
            delivery = await measure_turn(self._tracker, turn, holes, engines.metrics_executor, engines.measure)
            if delivery is not None:
                await self._journal.write(Measured(at=self._wall(), t=delivery.end, turn=number, delivery=delivery))

        task = self._background.start(f"measuring answer {number}", measure())
        self._by_turn[number] = task
        task.add_done_callback(lambda _: self._by_turn.pop(number, None) if self._by_turn.get(number) is task else None)


async def measure_turn(
    tracker: SpeechTracker, turn: Turn, holes: Sequence[tuple[float, float]], executor: Executor, measure: Measure
) -> Delivery | None:
    """Measure an answer from the sound that this process heard.

    None if that sound is not available here (most words are from before a cut, or it is no longer kept); the recording
    has it.
    """
    words = measured_words(turn, holes)
    if not words:
        return None
    start, end = max(tracker.offset, words[0].start - LEAD), words[-1].end + TAIL
    if words[0].start < tracker.offset or start < tracker.earliest:
        return None
    heard = await tracker.speech(start, end)
    sound = await tracker.sound(start, end)
    if sound is None:
        return None
    answer = Answer(sound, start, words, floor_of(turn, words), turn.interruptions, heard, held_up_in(turn))
    return await asyncio.get_running_loop().run_in_executor(executor, measure, answer)
