"""Voices behind LiveKit's tts.TTS: audio starts before the second clause is made, real resampling, cached phrases."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.voice.tiny_vits import make_tiny_vits
from voice.audio import Samples
from voice.errors import EngineError
from voice.tts.espeak import EspeakVoice
from voice.tts.streaming import ClauseTTS
from voice.tts.voice import KEPT, PhraseCache, Voice


class Scripted:
    """A voice of tones that waits for permission before every clause but the first."""

    name, rate = "scripted", 8_000

    def __init__(self) -> None:
        self.said: list[str] = []
        self.go_on = threading.Event()

    def say(self, clause: str) -> Samples:
        if self.said:
            assert self.go_on.wait(5)
        self.said.append(clause)
        return (0.3 * np.sin(np.arange(4000) * 2 * np.pi * 440 / 8000)).astype(np.float32)


async def speak(engine: ClauseTTS, text: str) -> Samples:
    stream = engine.stream()
    stream.push_text(text)
    stream.end_input()
    frames = [np.frombuffer(e.frame.data, np.int16) async for e in stream]
    return np.concatenate(frames).astype(np.float32) / 32768


async def test_the_first_clause_sounds_before_the_second_is_made() -> None:
    voice = Scripted()
    stream = ClauseTTS(voice, ThreadPoolExecutor(1)).stream()
    stream.push_text("Thank you. What did you change?")
    stream.end_input()
    first = await asyncio.wait_for(anext(aiter(stream)), 5)
    assert first.frame.duration > 0 and voice.said == ["Thank you."]
    voice.go_on.set()
    async for _ in stream:
        pass
    assert voice.said == ["Thank you.", "What did you change?"]


async def test_resampling_keeps_pitch_and_length() -> None:
    sound = await speak(ClauseTTS(Scripted(), ThreadPoolExecutor(1), rate=24_000), "Hello.")
    assert len(sound) / 24_000 == pytest.approx(0.5, abs=0.03)
    peak = np.argmax(np.abs(np.fft.rfft(sound))) * 24_000 / len(sound)
    assert peak == pytest.approx(440, abs=5)


async def test_a_known_phrase_costs_nothing() -> None:
    voice = Scripted()
    voice.go_on.set()
    engine = ClauseTTS(voice, ThreadPoolExecutor(1))
    await engine.warm(["Thank you."])
    await speak(engine, "Thank you.")
    assert voice.said == ["Thank you."]


def test_the_cache_is_bounded_and_drops_the_oldest() -> None:
    cache, voice = PhraseCache(seconds=1.0), Scripted()
    voice.go_on.set()
    for text in ("a", "b", "c"):
        cache.get(voice, text, 8_000, lambda: voice.say("x"))
    assert ("scripted", "a", 8_000) not in cache and ("scripted", "c", 8_000) in cache


def test_what_is_said_once_in_a_long_call_does_not_stay() -> None:
    cache, voice = PhraseCache(), Scripted()
    for text in range(100):
        cache.get(voice, str(text), 10, lambda: np.zeros(50, np.float32))  # 5 s
    kept = sum(("scripted", str(text), 10) in cache for text in range(100))
    assert kept == KEPT / 5 and ("scripted", "99", 10) in cache and cache.nbytes == KEPT * 10 * 4
    assert KEPT * 24_000 * 4 < 12e6, "bytes at the rate of a call"


async def test_espeak_speaks_through_livekit() -> None:
    sound = await speak(
        ClauseTTS(EspeakVoice(), ThreadPoolExecutor(1)), "Here is the first question. What did you change?"
    )
    assert 2.0 < len(sound) / 24_000 < 6.0 and np.abs(sound).max() > 0.1


def test_an_unknown_espeak_voice_says_what_to_do() -> None:
    with pytest.raises(EngineError, match="VIVA_TTS_VOICE"):
        EspeakVoice("klingon-nowhere")


@pytest.mark.engines
async def test_coqui_on_a_tiny_vits(tmp_path_factory: pytest.TempPathFactory) -> None:
    from voice.tts.coqui import CoquiVoice

    voice: Voice = CoquiVoice(str(make_tiny_vits(tmp_path_factory.mktemp("vits"))), device="cpu")
    assert voice.rate == 22_050
    sound = await speak(ClauseTTS(voice, ThreadPoolExecutor(1)), "Hello there. How are you?")
    assert len(sound) > 2_400 and np.abs(sound).max() > 0


@pytest.mark.engines
def test_coqui_tells_what_is_missing_and_names_the_licence_of_xtts(tmp_path: Path) -> None:
    from voice.tts.coqui import CoquiVoice

    with pytest.raises(EngineError, match=r"config\.json"):
        CoquiVoice(str(tmp_path), device="cpu")
    with pytest.raises(EngineError, match="non-commercial"):
        CoquiVoice("tts_models/multilingual/multi-dataset/xtts_v2", device="cpu")
