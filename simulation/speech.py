"""The persona's voice: prerecorded clips, else flite if installed, else espeak-ng."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from simulation.script import ScriptLine
from voice.audio import Samples, load, resample
from voice.tts.espeak import EspeakVoice

CLIPS = Path(__file__).parent / "clips"
ROOM_TONE = 10 ** (-52 / 20)  # a real room is never silent, and detectors that follow the noise floor rely on it


def clip_path(voice: str, text: str) -> Path:
    """The path of a sentence's clip, whether it exists or not."""
    return CLIPS / voice / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.ogg"


def flite(voice: str, text: str) -> Samples:
    """The sentence spoken by flite, 16 kHz. Raises FileNotFoundError if flite is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "line.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(target)], check=True, capture_output=True)
        return load(target).at(16_000).samples


class PersonaVoice:
    """`rate`: of the output, in Hz."""

    def __init__(self, voice: str, rate: int) -> None:
        self._voice = voice
        self._rate = rate
        self._espeak: EspeakVoice | None = None

    def say(self, text: str) -> Samples:
        """One sentence, without surrounding silence."""
        path = clip_path(self._voice, text)
        if path.is_file():
            return _trimmed(load(path).at(self._rate).samples)
        if shutil.which("flite"):
            return _trimmed(resample(flite(self._voice, text), 16_000, self._rate))
        self._espeak = self._espeak or EspeakVoice("en", words_per_minute=150, pitch=30)
        return _trimmed(resample(self._espeak.say(text), self._espeak.rate, self._rate))

    def line(self, line: ScriptLine) -> Samples:
        """A whole turn, with its pauses."""
        parts = [
            np.zeros(round(s * self._rate), np.float32) if isinstance(s, float) else self.say(s) for s in line.segments
        ]
        return np.concatenate(parts)


def _trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.004)
    return samples[loud[0] : loud[-1] + 1] * np.float32(0.8) if len(loud) else samples


class RoomTone:
    """Faint low-passed noise, the same on every run."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._last = 0.0

    def next(self, count: int) -> Samples:
        white = self._random.standard_normal(count + 1)
        soft = (white[1:] + white[:-1]) / 2.0
        return (ROOM_TONE * soft).astype(np.float32)
