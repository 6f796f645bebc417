"""Audio whose words can be read off its samples, with engines that do so, for conversations in virtual time.

A word is 0.3 s at a constant level that encodes its number, with 0.1 s of wordless speech on either side. The detector
takes anything that is not silent for speech. So every word that goes in can be traced in what comes out.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np
from livekit import rtc
from livekit.agents import stt

from simulation.virtual_time import VirtualTimeLoop
from voice.audio import SPEECH_RATE, Samples
from voice.engine_thread import EngineThread
from voice.stt.stream import LocalSTT, words_of
from voice.vad.detector import WINDOW, WINDOW_SECONDS, Detection
from voice.words import TimedWord

T = TypeVar("T")
FRAME = SPEECH_RATE // 50
WORDLESS = 32_000
STEP = 8  # int16 levels between the numbers of two words


def pcm(*parts: int | float | str) -> np.ndarray[Any, np.dtype[np.int16]]:
    """An int is a word of that number, a float is silence in s, "noise N" is N s of wordless speech."""
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(np.full(round(float(part.split()[1]) * SPEECH_RATE), WORDLESS))
        elif isinstance(part, float):
            pieces.append(np.zeros(round(part * SPEECH_RATE)))
        else:
            pieces += [np.full(1600, WORDLESS), np.full(4800, (part + 1) * STEP), np.full(1600, WORDLESS)]
    return np.concatenate(pieces).astype(np.int16)


class Detector:
    """Stands in for SpeechDetector."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._windows = 0

    def push(self, samples: Samples) -> Iterator[Detection]:
        pending = np.concatenate([self._rest, samples])
        whole = len(pending) // WINDOW * WINDOW
        self._rest = pending[whole:]
        for at in range(0, whole, WINDOW):
            self._windows += 1
            yield float(np.mean(pending[at : at + WINDOW] != 0)), self._windows * WINDOW_SECONDS


class Reader:
    """A decoder that reads the words off the samples. `behave` is called for each decode and may raise.

    `most`: the longest window it was ever given, s.
    """

    name, max_window = "reader", 6.0

    def __init__(self, behave: Callable[[list[int]], None] = lambda words: None) -> None:
        self._behave = behave
        self.most = 0.0
        self.decodes = 0

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        self.decodes += 1
        self.most = max(self.most, len(samples) / SPEECH_RATE)
        levels = np.round(samples * 32768).astype(int)
        edges = [0, *(np.flatnonzero(np.diff(levels)) + 1), len(levels)]
        found = [
            TimedWord(f"w{levels[a] // STEP - 1}", a / SPEECH_RATE, b / SPEECH_RATE)
            for a, b in itertools.pairwise(edges)
            if b - a > 1000 and levels[a] not in (0, WORDLESS)
        ]
        self._behave([int(word.text[1:]) for word in found])
        return found


class Hang(BaseException):
    """Raised by `behave`: this decode never returns."""


class Inline(EngineThread):
    """Runs calls immediately in the loop's own thread; a call that hangs is a future that is never resolved."""

    def __init__(self) -> None:
        super().__init__("inline")

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except Hang:
            pass
        except BaseException as error:
            future.set_exception(error)
        return future


class _Loop(VirtualTimeLoop):
    """Nothing here runs in threads, so the clock need not wait for any."""

    @property
    def waits_for_threads(self) -> bool:
        return False


def run(scenario: Any) -> Any:
    """Run in virtual time. Fails if a task's exception was never retrieved."""
    lost: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: lost.append(context))
        result = runner.run(scenario)
    assert not lost, lost
    return result


class Listening:
    """A stream and its events, each with the seconds of audio pushed by the time it came."""

    def __init__(self, engine: LocalSTT) -> None:
        self.engine = engine
        self.stream = engine.stream()
        self.events: list[tuple[float, stt.SpeechEvent]] = []
        self.pushed = 0.0
        self._collecting = asyncio.create_task(self._collect())

    async def push(self, *parts: int | float | str) -> None:
        """Push audio in real (virtual) time."""
        sound = pcm(*parts)
        for at in range(0, len(sound) - FRAME + 1, FRAME):
            frame = rtc.AudioFrame(sound[at : at + FRAME].tobytes(), SPEECH_RATE, 1, FRAME)
            if self.engine.front_end is not None:
                self.engine.front_end.push(frame)
            self.stream.push_frame(frame)
            self.pushed += 0.02
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        self.stream.end_input()
        await self._collecting

    async def _collect(self) -> None:
        async for event in self.stream:
            self.events.append((self.pushed, event))

    @property
    def final(self) -> list[int]:
        """Numbers of the final words, in the order they came."""
        kind = stt.SpeechEventType.FINAL_TRANSCRIPT
        return [int(w.text[1:]) for _, e in self.events if e.type is kind for w in words_of(e)]

    def kinds(self, *wanted: stt.SpeechEventType) -> list[stt.SpeechEventType]:
        """Which of the wanted events came, in order."""
        return [e.type for _, e in self.events if e.type in wanted]

    @property
    def brackets(self) -> str:
        """ "(" for each start and ")" for each end of speech."""
        sign = {stt.SpeechEventType.START_OF_SPEECH: "(", stt.SpeechEventType.END_OF_SPEECH: ")"}
        return "".join(sign.get(e.type, "") for _, e in self.events)


def failing(times: int, error: BaseException) -> Callable[[Sequence[int]], None]:
    """A `behave` that fails `times` times, then works."""
    left = [times]

    def behave(words: Sequence[int]) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return behave
