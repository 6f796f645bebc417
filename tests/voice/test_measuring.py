"""Measuring synthetic material with exact ground truth: flite and espeak voices, as tones and noise do not suffice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulation.speech import PersonaVoice
from voice.audio import AudioError, Samples, load, resample
from voice.metrics.hesitation import measure
from voice.metrics.prosody import pitch, pitch_track
from voice.stt.align import Aligner, spread
from voice.stt.moonshine import MoonshineDecoder
from voice.stt.offline import transcribe
from voice.tts.espeak import EspeakVoice
from voice.vad.boundaries import map_speech

RATE = 16_000
FIRST, SECOND = (
    "I moved the reporting pipeline to streaming,",
    "because the analysts were always late, and it improved their work a lot.",
)


@pytest.fixture(scope="module")
def moonshine() -> MoonshineDecoder:
    return MoonshineDecoder()


def room(seconds: float, seed: int = 0) -> Samples:
    return (np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 10 ** (-55 / 20)).astype(np.float32)


@pytest.fixture(scope="module")
def two_clauses() -> tuple[Samples, float, float]:
    """Two sentences exactly 1.5 s apart: (samples, end of the first, start of the second), times in s."""
    voice = PersonaVoice("rms", RATE)
    a, b = voice.say(FIRST), voice.say(SECOND)
    clip = np.concatenate([np.zeros(8000, np.float32), a, np.zeros(24_000, np.float32), b, np.zeros(8000, np.float32)])
    return clip + room(len(clip) / RATE)[: len(clip)], 0.5 + len(a) / RATE, 2.0 + len(a) / RATE


def test_a_pause_is_found_where_it_is(two_clauses: tuple[Samples, float, float]) -> None:
    samples, end, start = two_clauses
    pauses = map_speech(samples).pauses(0.25)
    assert len(pauses) >= 1
    longest = max(pauses, key=lambda p: p[1] - p[0])
    assert longest == pytest.approx((end, start), abs=0.08)


def test_measures_of_a_hesitant_answer(moonshine: MoonshineDecoder, two_clauses: tuple[Samples, float, float]) -> None:
    samples, *_ = two_clauses
    found = measure(samples, transcribe(samples, moonshine))
    assert found.longest_pause == pytest.approx(1.5, abs=0.12)
    assert found.articulation_rate is not None and 2.5 < found.articulation_rate < 6.5
    assert found.speech_rate is not None and found.speech_rate < found.articulation_rate
    assert found.phonation_time < found.speaking_time
    assert found.confidence > 0.8
    assert "analysts" in " ".join(w.plain for w in found.words)


def test_shifting_shifts_and_gain_changes_only_loudness(
    moonshine: MoonshineDecoder, two_clauses: tuple[Samples, float, float]
) -> None:
    samples, *_ = two_clauses
    words = transcribe(samples, moonshine)
    plain = measure(samples, words)
    later = measure(np.concatenate([room(1.0, 5), samples]), [w.shifted(1.0) for w in words])
    quiet = measure(samples * np.float32(0.25), words)
    assert len(later.silent_pauses) == len(plain.silent_pauses) == len(quiet.silent_pauses)
    for a, b in zip(plain.silent_pauses, later.silent_pauses, strict=True):
        assert b[0] - a[0] == pytest.approx(1.0, abs=0.05)
    assert plain.loudness_dbfs is not None and quiet.loudness_dbfs is not None
    assert plain.loudness_dbfs - quiet.loudness_dbfs == pytest.approx(12.04, abs=0.5)
    assert quiet.pitch_sd_semitones == pytest.approx(plain.pitch_sd_semitones or 0.0, abs=0.3)


def test_pitch_of_a_gliding_tone() -> None:
    time = np.arange(3 * RATE) / RATE
    semitones = 3.0 * np.sin(2 * np.pi * 0.5 * time)
    phase = 2 * np.pi * np.cumsum(150.0 * 2 ** (semitones / 12)) / RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32) * np.float32(0.1)
    speech = [(0.0, 3.0)]
    found = pitch(pitch_track(voice, speech), speech)
    assert found is not None
    assert found.sd == pytest.approx(3.0 / np.sqrt(2), abs=0.3)


@pytest.mark.parametrize("text", ["", "hello", "🙂 !!", "x" * 200, "Kubernetes 42 naïve"])
def test_the_aligner_places_any_words_in_any_sound(text: str) -> None:
    words = text.split()
    for samples in (room(0.01), room(2.0), np.zeros(RATE, np.float32)):
        placed = Aligner().align(samples, words)
        assert [w.text for w in placed] == words
        assert all(0.0 <= w.start <= w.end <= len(samples) / RATE + 1e-6 for w in placed)


def test_spread_is_the_floor() -> None:
    placed = spread(["reporting", "a"], 0.0, 4.0)
    assert placed[0].end == pytest.approx(3.0)


@pytest.mark.parametrize("sound", ["empty", "zeros", "noise", "clipped", "click", "dc"])
def test_odd_sound_never_raises_and_is_not_trusted(sound: str) -> None:
    samples = {
        "empty": np.zeros(0, np.float32),
        "zeros": np.zeros(RATE, np.float32),
        "noise": np.random.default_rng(1).standard_normal(2 * RATE).astype(np.float32) * np.float32(0.1),
        "clipped": np.sign(np.sin(np.arange(2 * RATE))).astype(np.float32),
        "click": np.eye(1, RATE, 500, dtype=np.float32)[0],
        "dc": np.full(RATE, 0.5, np.float32),
    }[sound]
    assert measure(samples, []).confidence <= 0.5


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (96_000, 2), (44_100, 2)])
def test_any_rate_and_channels_measure_alike(
    rate: int, channels: int, tmp_path: Path, two_clauses: tuple[Samples, float, float]
) -> None:
    samples, end, start = two_clauses
    converted = resample(samples, RATE, rate)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([converted] * channels, axis=1), rate)
    longest = max(map_speech(load(path).at(RATE).samples).pauses(), key=lambda p: p[1] - p[0])
    assert longest == pytest.approx((end, start), abs=0.1)


def test_bad_files_say_what_to_do(tmp_path: Path) -> None:
    text = tmp_path / "a.wav"
    text.write_text("not audio")
    empty = tmp_path / "b.wav"
    soundfile.write(empty, np.zeros(0), RATE)
    for path, words in ((tmp_path / "missing.wav", "no such file"), (text, "convert it"), (empty, "zero length")):
        with pytest.raises(AudioError, match=words):
            load(path)


def test_real_people_are_understood(speech: Path, moonshine: MoonshineDecoder) -> None:
    words = transcribe(load(speech / "whisper/jfk.flac").at(RATE).samples, moonshine)
    text = " ".join(w.plain for w in words)
    assert "ask not what your country can do for you" in text
    not_ = next(w for w in words if w.plain == "not")
    assert not_.start == pytest.approx(4.0, abs=0.3)


def test_fast_speech_has_a_higher_rate_than_slow(speech: Path, moonshine: MoonshineDecoder) -> None:
    rates = []
    for name in ("slow", "fast"):
        samples = load(speech / f"mfa/english_{name}.wav").at(RATE).samples
        rates.append(measure(samples, transcribe(samples, moonshine)).speech_rate)
    assert rates[0] and rates[1] and rates[1] > rates[0]


def test_espeak_is_heard_back_by_the_recogniser(moonshine: MoonshineDecoder) -> None:
    voice = EspeakVoice()
    samples = resample(voice.say("Tell me about a mistake you made at work."), voice.rate, RATE)
    assert "mistake" in moonshine.text(samples).lower()
