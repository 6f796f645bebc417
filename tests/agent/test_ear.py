"""One front end for all listeners: one detector, one resampler, and memory that stays flat over an hour."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from livekit import rtc

from agent.call.speech_tracker import SLACK, SpeechTracker
from tests.voice.scripted_sound import Inline, Reader, run
from voice.audio import SPEECH_RATE, Samples
from voice.stt.stream import LocalSTT
from voice.turn.endpointing import Endpointer
from voice.vad import detector as vad
from voice.vad.boundaries import speech_in
from voice.vad.detector import WINDOW_SECONDS
from voice.vad.refiner import Refiner

RATE = 24_000


class Always:
    """A fixed verdict on how final a voice sounds; counts how often it was asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[int] = []
        self._error = error

    def probability(self, samples: Samples) -> float:
        self.asked.append(len(samples))
        if self._error:
            raise self._error
        return 0.7


class CountingVad:
    """Counts the runs of all detectors in the process."""

    runs = 0

    def __init__(self) -> None:
        pass

    def predict(self, pcm: object) -> float:
        CountingVad.runs += 1
        return 0.9 if np.abs(np.asarray(pcm, np.float32)).mean() > 100 else 0.01


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[CountingVad]]:
    CountingVad.runs = 0
    monkeypatch.setattr(vad, "VAD", CountingVad)
    yield CountingVad


def noise(seconds: float, level: float) -> Samples:
    return (level * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def frames(sound: Samples, count: int) -> Iterator[rtc.AudioFrame]:
    pcm = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    for at in range(0, len(pcm) - count + 1, count):
        yield rtc.AudioFrame(pcm[at : at + count].tobytes(), RATE, 1, count)


def test_one_detector_hears_for_the_ear_the_refiner_and_the_recogniser(counting: type[CountingVad]) -> None:
    async def scenario() -> None:
        tracker = SpeechTracker(0.0, Always(), Inline())
        engine = LocalSTT(Reader(), Inline(), front_end=tracker.front_end)
        stream = engine.stream()
        for frame in frames(np.concatenate([noise(1.0, 0.0), noise(1.0, 0.1), noise(2.0, 0.0)]), RATE // 50):
            tracker.hear(frame)
            stream.push_frame(frame)
            await asyncio.sleep(0.02)
        stream.end_input()
        kinds = [event.type.value async for event in stream]
        assert kinds == ["start_of_speech", "end_of_speech"], "the stream hears what the ear was given"
        assert counting.runs == int(tracker.now / WINDOW_SECONDS)
        await tracker.aclose()

    run(scenario())


def test_memory_grows_no_further_once_as_much_was_heard_as_is_kept(
    counting: type[CountingVad], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speech and silence in turn for ten times as long, in chunks of half a second; words are looked for all the time."""
    kept = 60.0
    monkeypatch.setattr("agent.call.speech_tracker.KEPT", kept)

    async def scenario() -> None:
        tracker = SpeechTracker(0.0, Always(), Inline())
        reader = Reader()
        engine = LocalSTT(reader, Inline(), front_end=tracker.front_end)
        stream = engine.stream()
        consuming = asyncio.create_task(_drain(stream))
        chunk = list(frames(np.concatenate([noise(6.0, 0.1), noise(4.0, 0.0)]), RATE // 2))
        held = []
        for i in range(round(2 * 10 * kept)):
            frame = chunk[i % len(chunk)]
            tracker.hear(frame)
            stream.push_frame(frame)
            await asyncio.sleep(0)
            if i % round(kept) == 0:
                held.append(tracker.nbytes)
        assert len(set(held[-12:])) == 1
        assert held[-1] <= 4 * SPEECH_RATE * (kept + SLACK + 2) * 1.4
        sound = await tracker.sound(tracker.earliest, tracker.now)
        assert sound is not None and len(sound) == kept * SPEECH_RATE
        assert tracker.earliest == pytest.approx(tracker.now - kept)
        assert stream._recognition.undecided >= tracker.front_end.sound.end - 12 * SPEECH_RATE
        assert reader.most <= 1.6 * reader.max_window
        await stream.aclose()
        consuming.cancel()
        await tracker.aclose()

    run(scenario())


def test_the_sound_of_a_long_answer_is_copied_while_the_call_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 60.0
    monkeypatch.setattr("agent.call.speech_tracker.KEPT", kept)

    async def scenario() -> None:
        tracker = SpeechTracker(0.0, Always(), Inline())
        said = noise(kept + 20.0, 0.1)
        for frame in frames(said, RATE // 2):
            tracker.hear(frame)
        whole = tracker.front_end.sound.read(tracker.front_end.sound.end - round(kept * SPEECH_RATE), 10**9)
        later = iter(frames(noise(200.0, 0.1), RATE // 2))
        copying = asyncio.create_task(tracker.sound(tracker.earliest, tracker.now))
        heard = 0
        while not copying.done():
            tracker.hear(next(later))
            heard += 1
            await asyncio.sleep(0)
        assert heard >= 6, "frames come in between the parts"
        found = await copying
        assert found is not None and np.array_equal(found, whole), "and change nothing"
        copying = asyncio.create_task(tracker.sound(tracker.earliest, tracker.now))
        while not copying.done():
            for _ in range(round(2 * (SLACK + 2))):
                tracker.hear(next(later))
            await asyncio.sleep(0)
        assert await copying is None, "it was overtaken: the recording has it"
        await tracker.aclose()

    run(scenario())


async def _drain(stream: object) -> None:
    async for _ in stream:  # type: ignore[attr-defined]
        pass


def test_what_a_bounded_refiner_still_knows_is_what_one_knows_that_forgets_nothing() -> None:
    rng = np.random.default_rng(1)
    gate = np.repeat(rng.random(150) > 0.5, SPEECH_RATE // 2).astype(np.float32)
    sound = (gate * 0.1 + 0.001) * rng.standard_normal(len(gate)).astype(np.float32)
    whole, bounded = Refiner(), Refiner(kept=10.0)
    whole.push(sound)
    for at in range(0, len(sound), 4_000):
        bounded.push(sound[at : at + 4_000])
    assert bounded.judged >= whole.judged - 20 and bounded.nbytes < whole.nbytes / 1.5
    end = bounded.judged / 100 - 0.4
    assert speech_in(bounded, end - 9.0, end) == speech_in(whole, end - 9.0, end)


@pytest.mark.parametrize("error", [None, RuntimeError("no model")])
def test_how_final_a_silence_sounds_is_asked_once_for_each_and_its_failure_is_no_ones_end(
    counting: type[CountingVad], error: Exception | None
) -> None:
    async def scenario() -> None:
        model = Always(error)
        tracker = SpeechTracker(5.0, model, Inline())
        tracker.endpointer = Endpointer(began=5.0, expected_seconds=10, think=8)
        for part in (noise(2.0, 0.1), noise(1.0, 0.0), noise(1.0, 0.1), noise(1.0, 0.0)):
            for frame in frames(part, RATE // 50):
                tracker.hear(frame)
                await asyncio.sleep(0.02)
        assert model.asked == [19_200, 19_200]
        assert tracker.endpointer.end_of_turn == (None if error else 0.7)
        await tracker.aclose()

    run(scenario())


def test_an_answer_for_the_silence_before_is_not_taken_for_this_one(counting: type[CountingVad]) -> None:
    async def scenario() -> None:
        with ThreadPoolExecutor(1) as unused:
            tracker = SpeechTracker(0.0, Always(), unused)
        asked: list[asyncio.Future[float]] = []

        async def answered(turn: Endpointer, window: Samples) -> None:
            future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            asked.append(future)
            turn.sounded_final(await future)

        tracker._sounds_final = answered  # type: ignore[method-assign]
        tracker.endpointer = Endpointer(began=0.0, expected_seconds=10, think=8)
        for part in (noise(1.0, 0.1), noise(0.5, 0.0), noise(0.5, 0.1), noise(0.5, 0.0)):
            for frame in frames(part, RATE // 50):
                tracker.hear(frame)
                await asyncio.sleep(0.02)
        first, second = asked
        assert first.cancelled() and not second.done()
        await tracker.aclose()
        assert second.cancelled()

    run(scenario())
