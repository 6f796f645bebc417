"""A voice fails: it is retried, then the fallback speaks; only if that fails too does the caller see an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from livekit.agents import APIError, tts

from tests.voice.scripted_sound import Hang, Inline, run
from voice.audio import Samples
from voice.errors import EngineError
from voice.tts.streaming import REST, ClauseTTS, SpeechFailed
from voice.tts.voice import PhraseCache

RATE = 8_000
FIRST, SECOND = 0.25, 0.5  # levels that tell the voices apart


class Scripted:
    """`behave` is called before each clause and may raise."""

    rate = RATE

    def __init__(self, name: str, level: float, behave: Callable[[int], None] = lambda n: None) -> None:
        self.name = name
        self._level = level
        self._behave = behave
        self.asked = 0

    def say(self, clause: str) -> Samples:
        self.asked += 1
        self._behave(self.asked)
        return np.full(800, self._level, np.float32)


def failing(times: int, error: BaseException) -> Callable[[int], None]:
    def behave(n: int) -> None:
        if n <= times:
            raise error

    return behave


def engine_of(first: Scripted, second: Scripted | None = None, cache: PhraseCache | None = None) -> ClauseTTS:
    return ClauseTTS(first, Inline(), RATE, cache, second)


@pytest.mark.parametrize("error", [EngineError("x"), MemoryError(), asyncio.CancelledError()])
def test_a_clip_that_fails_is_tried_once_more(error: BaseException) -> None:
    first, second = Scripted("first", FIRST, failing(1, error)), Scripted("second", SECOND)

    async def scenario() -> None:
        assert (await engine_of(first, second).clip("Hello."))[0] == FIRST
        assert (first.asked, second.asked) == (2, 0)

    run(scenario())


def test_then_the_other_voice_speaks_and_each_clip_stays_with_its_voice() -> None:
    first, second = Scripted("first", FIRST, failing(2, EngineError("x"))), Scripted("second", SECOND)

    async def scenario() -> None:
        engine = engine_of(first, second)
        assert (await engine.clip("Hello."))[0] == SECOND
        assert ("first", "Hello.", RATE) not in engine.cache and ("second", "Hello.", RATE) in engine.cache
        assert (await engine.clip("What next?"))[0] == SECOND
        assert first.asked == 2, "a voice that failed a moment ago is left alone"
        await asyncio.sleep(REST)
        assert (await engine.clip("Hello."))[0] == FIRST, "and speaks again when it works"

    run(scenario())


def test_a_voice_that_never_returns_is_silent_once_and_not_for_each_clause() -> None:
    first, second = Scripted("first", FIRST, failing(99, Hang())), Scripted("second", SECOND)

    async def scenario() -> None:
        engine = engine_of(first, second)
        began = asyncio.get_running_loop().time()
        for clause in ("Hello.", "How are you?", "What next?"):
            assert (await engine.clip(clause))[0] == SECOND
        assert first.asked == 1
        assert asyncio.get_running_loop().time() - began < 15

    run(scenario())


@pytest.mark.parametrize("second", [None, Scripted("second", SECOND, failing(99, OSError("no device")))])
def test_a_sentence_that_nobody_can_say_fails_at_once_and_is_seen(second: Scripted | None) -> None:
    first = Scripted("first", FIRST, failing(99, EngineError("no memory")))

    async def scenario() -> None:
        engine = engine_of(first, second)
        seen: list[tts.TTSError] = []
        engine.on("error", seen.append)
        with pytest.raises(SpeechFailed, match="no memory") as raised:
            await engine.clip("A secret.")
        assert "secret" not in str(raised.value)
        began = asyncio.get_running_loop().time()
        stream = engine.stream()
        stream.push_text("Hello. How are you?")
        stream.end_input()
        with pytest.raises(APIError, match="no voice"):
            async for _ in stream:
                pass
        assert [error.recoverable for error in seen] == [False]
        assert asyncio.get_running_loop().time() - began < 1.0, "every voice was tried: nobody waits to try again"
        await stream.aclose()

    run(scenario())


@pytest.mark.parametrize("made", [np.zeros(800, np.float32), np.zeros(0, np.float32), np.full(800, np.nan, np.float32)])
def test_what_nobody_can_hear_is_a_failure_and_is_not_remembered(made: Samples) -> None:
    class Mute(Scripted):
        def say(self, clause: str) -> Samples:
            self.asked += 1
            return made

    async def scenario() -> None:
        engine = engine_of(Mute("mute", 0.0), Scripted("second", SECOND))
        assert (await engine.clip("Hello."))[0] == SECOND
        assert ("mute", "Hello.", RATE) not in engine.cache

    run(scenario())


def test_a_pause_of_punctuation_alone_may_be_silent() -> None:
    class Breath(Scripted):
        def say(self, clause: str) -> Samples:
            return np.zeros(800, np.float32)

    async def scenario() -> None:
        assert len(await engine_of(Breath("breath", 0.0)).clip("...")) == 800

    run(scenario())


def test_phrases_that_cannot_be_made_ahead_stop_nothing() -> None:
    first = Scripted("first", FIRST, failing(2, EngineError("x")))

    async def scenario() -> None:
        engine = engine_of(first)
        await engine.warm(["Hello.", "Goodbye."])
        assert ("first", "Hello.", RATE) not in engine.cache and ("first", "Goodbye.", RATE) in engine.cache

    run(scenario())


def test_a_clip_that_was_made_twice_counts_once() -> None:
    """Two threads may make the same clip if one of them hung for a while."""
    cache, voice, clip = PhraseCache(seconds=1.0), Scripted("first", FIRST), np.ones(6_000, np.float32)

    def late() -> Samples:
        cache.get(voice, "a", RATE, lambda: clip)
        return clip

    cache.get(voice, "a", RATE, late)
    cache.get(voice, "b", RATE, lambda: clip[:1_600])
    assert ("first", "a", RATE) in cache and ("first", "b", RATE) in cache
