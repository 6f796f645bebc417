"""A trial of this machine: a few seconds of what a call does, in the same model host that its calls will use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from agent.engines.loading import Engines
from agent.engines.machine_load import Trial
from voice.audio import SPEECH_RATE, Samples, resample
from voice.turn.end_of_turn import WINDOW
from voice.vad.refiner import Refiner

SENTENCE = "Tell me about something at work that you made faster or simpler, and how you found out that it was."
TIMES = 3  # runs of each test; the best counts, so momentary load from elsewhere does not distort the result
TICK = 0.02  # s
TICKS = 100
T = TypeVar("T")


def try_machine(engines: Engines, clock: Callable[[], float] = time.perf_counter) -> Trial:
    """Blocks for some seconds. Raises EngineError if an engine fails."""
    say, clip = _best(lambda: engines.voice.say(SENTENCE), clock)
    speech = resample(clip, engines.voice.rate, SPEECH_RATE)
    seconds = max(len(speech) / SPEECH_RATE, 0.1)
    decode, _ = _best(lambda: engines.decoder.decode(speech, timed=True), clock)
    asked, _ = _best(lambda: engines.end_of_turn.probability(speech[-WINDOW:]), clock)
    listen, _ = _best(lambda: _listen(speech), clock)
    return Trial(
        decode=decode / seconds, say=say / seconds, listen=listen / seconds, end_of_turn=asked, late=_late(clock)
    )


def _best(work: Callable[[], T], clock: Callable[[], float]) -> tuple[float, T]:
    took: list[float] = []
    for _ in range(TIMES):
        began = clock()
        result = work()
        took.append(clock() - began)
    return min(took), result


def _listen(speech: Samples) -> None:
    refiner = Refiner()
    for piece in np.array_split(speech, max(1, len(speech) * 50 // SPEECH_RATE)):
        refiner.push(piece)


def _late(clock: Callable[[], float]) -> float:
    late: list[float] = []
    for _ in range(TICKS):
        began = clock()
        time.sleep(TICK)
        late.append(max(0.0, clock() - began - TICK))
    return sorted(late)[TICKS * 95 // 100]
