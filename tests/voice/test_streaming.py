"""Both recognisers behind LiveKit's stt.STT, fed 20 ms frames: partials during speech, PREFLIGHT, FINAL with times."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import stt

from simulation.script import ScriptLine
from simulation.speech import PersonaVoice, RoomTone
from tests.voice.tiny_whisper import SAYS, make_tiny_whisper, tone
from voice.audio import Samples, to_int16
from voice.errors import EngineError
from voice.stt.decoder import Decoder
from voice.stt.moonshine import MoonshineDecoder
from voice.stt.stream import LocalSTT, words_of
from voice.words import TimedWord

RATE = 24_000  # of the incoming audio; the stream resamples


async def listen(
    engine: LocalSTT, samples: Samples, *, pace: float = 0.25, flush: bool = False
) -> list[tuple[float, stt.SpeechEvent]]:
    """Events, each with the seconds of audio pushed by then. `pace`: s of real time per s of audio."""
    stream = engine.stream()
    events: list[tuple[float, stt.SpeechEvent]] = []
    pushed = 0.0

    async def collect() -> None:
        async for event in stream:
            events.append((pushed, event))

    task = asyncio.create_task(collect())
    step = RATE // 50
    for i in range(0, len(samples) - step, step):
        stream.push_frame(rtc.AudioFrame(to_int16(samples[i : i + step]).tobytes(), RATE, 1, step))
        pushed += 0.02
        await asyncio.sleep(0.02 * pace)
    if flush:
        stream.flush()
        await asyncio.sleep(0.5)
    stream.end_input()
    await asyncio.wait_for(task, 60)
    return events


@pytest.fixture(scope="module")
def moonshine() -> LocalSTT:
    return LocalSTT(MoonshineDecoder(), ThreadPoolExecutor(1))


@pytest.fixture(scope="module")
def clip() -> Samples:
    line = ScriptLine(("Two years ago I deleted a customer table by accident.", 0.7, "I told my manager at once."))
    made = PersonaVoice("rms", RATE).line(line)
    made = np.concatenate([np.zeros(RATE, np.float32), made, np.zeros(2 * RATE, np.float32)])
    return made + RoomTone().next(len(made))


@pytest.mark.voice
async def test_moonshine_streams(moonshine: LocalSTT, clip: Samples) -> None:
    events = await listen(moonshine, clip, pace=1.0)
    kinds = [e.type for _, e in events]
    assert kinds[0] is stt.SpeechEventType.START_OF_SPEECH
    final_at, final = next((at, e) for at, e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT)
    interims = [at for at, e in events if e.type is stt.SpeechEventType.INTERIM_TRANSCRIPT]
    preflights = [at for at, e in events if e.type is stt.SpeechEventType.PREFLIGHT_TRANSCRIPT]
    assert len([at for at in interims if at < 4.0]) >= 2, "partials while the candidate speaks"
    assert preflights and preflights[0] < final_at
    words = words_of(final)
    text = " ".join(w.plain for w in words)
    assert "deleted a customer table by accident" in text and "manager" in text, "one window across a short pause"
    assert words[0].start == pytest.approx(1.0, abs=0.15)
    assert all(a.end <= b.start + 0.02 for a, b in itertools.pairwise(words))
    pause = next(b.start - a.end for a, b in itertools.pairwise(words) if a.plain == "accident")
    assert pause == pytest.approx(0.7, abs=0.15)


@pytest.mark.voice
async def test_a_flush_makes_the_words_final_at_once(moonshine: LocalSTT, clip: Samples) -> None:
    events = await listen(moonshine, clip[: round(-1.5 * RATE)], flush=True)
    assert events[-1][1].type is stt.SpeechEventType.END_OF_SPEECH
    finals = [e for _, e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert len(finals) == 1


async def test_silence_and_noise_give_no_words(moonshine: LocalSTT) -> None:
    noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32) * np.float32(0.02)
    for sound in (np.zeros(4 * RATE, np.float32), noise):
        events = await listen(moonshine, sound, pace=0.05)
        assert not [e for _, e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]


class Counting:
    """A scripted decoder: one word per half second of window, so long speech must be cut without losing any."""

    name, max_window = "counting", 4.0

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        return [TimedWord(f"w{i}", i / 2, i / 2 + 0.4) for i in range(int(len(samples) / 8000))]


async def test_speech_longer_than_the_window_is_cut_and_goes_on(clip: Samples) -> None:
    speech = clip[RATE : RATE + 3 * RATE]
    long = np.concatenate([speech] * 5 + [np.zeros(2 * RATE, np.float32)])
    decoder: Decoder = Counting()
    events = await listen(LocalSTT(decoder, ThreadPoolExecutor(1)), long, pace=0.4)
    finals = [words_of(e) for _, e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert len(finals) >= 2
    words = [w for final in finals for w in final]
    assert all(a.start <= b.start for a, b in itertools.pairwise(words))
    assert words[-1].end > 12.0


@pytest.mark.engines
async def test_faster_whisper_on_a_tiny_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    from voice.stt.whisper import WhisperDecoder

    folder = make_tiny_whisper(tmp_path_factory.mktemp("whisper"))
    decoder = WhisperDecoder(str(folder), device="cpu", compute_type="int8", prompt="")
    for hertz, text in SAYS.items():
        words = decoder.decode(tone(hertz), timed=True)
        assert " ".join(w.text for w in words) == text.strip()
        assert all(0.0 <= w.start <= w.end <= 2.1 for w in words)
        assert all(w.confidence is not None and w.confidence > 0.5 for w in words)
    # Through LiveKit's batch API, as a caller without streaming would use it.
    frame = rtc.AudioFrame(to_int16(tone(440.0)).tobytes(), 16_000, 1, 32_000)
    event = await LocalSTT(decoder, ThreadPoolExecutor(1)).recognize(frame)
    assert event.alternatives[0].text == "hello world."


@pytest.mark.engines
def test_a_whisper_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    from voice.stt.whisper import WhisperDecoder

    for name in ("no-such-model-anywhere", str(tmp_path)):
        with pytest.raises(EngineError, match="VIVA_STT_MODEL"):
            WhisperDecoder(name, device="cpu")


async def test_names_and_terms_reach_the_recogniser() -> None:
    """The plan's hints reach the decoder as its prompt in every decode."""
    prompts: list[str] = []

    class Listening(MoonshineDecoder):
        def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
            prompts.append(prompt)
            return super().decode(samples, timed=timed, prompt=prompt)

    sound = np.concatenate(
        [PersonaVoice("rms", RATE).line(ScriptLine(("I moved it to Kafka.",))), np.zeros(2 * RATE, np.float32)]
    )
    await listen(LocalSTT(Listening(), ThreadPoolExecutor(1), hints=["Kafka", "Iceberg"]), sound)
    assert prompts and set(prompts) == {"Kafka, Iceberg."}
