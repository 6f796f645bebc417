"""Voice activity: Silero (as LiveKit ships it) says *whether* there is speech; voice/vad/boundaries.py says *where*.

The detector works on windows of 512 samples at 16 kHz (32 ms).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from livekit.local_inference import VAD, VAD_WINDOW_SAMPLES

from voice.audio import SPEECH_RATE, Samples, to_int16

WINDOW = VAD_WINDOW_SAMPLES
WINDOW_SECONDS = WINDOW / SPEECH_RATE

# The detector's output for one window: the probability of speech, 0..1, and when the window ends, s.
Detection = tuple[float, float]


@dataclass(frozen=True)
class SpeechChange:
    """Speech began or ended at `time` s. The gate's hysteresis means that this is known only later."""

    speaking: bool
    time: float


@dataclass
class SpeechGate:
    """Hysteresis over speech probabilities. Pure: takes (probability, end time of its window), emits changes.

    Opens after `min_speech` s at or above `open_at`, closes after `min_silence` s below `close_at`.
    """

    open_at: float = 0.5
    close_at: float = 0.35
    min_speech: float = 0.064
    min_silence: float = 0.2
    speaking: bool = False
    _since: float | None = None

    def update(self, probability: float, end: float) -> SpeechChange | None:
        begin = end - WINDOW_SECONDS
        crossing = probability >= self.open_at if not self.speaking else probability < self.close_at
        if not crossing:
            self._since = None
            return None
        if self._since is None:
            self._since = begin
        needed = self.min_silence if self.speaking else self.min_speech
        if end - self._since < needed - 1e-9:
            return None
        self.speaking = not self.speaking
        change = SpeechChange(self.speaking, self._since)
        self._since = None
        return change


class SpeechDetector:
    """Streaming: push any number of 16 kHz samples, get (probability, end time in s) per window."""

    def __init__(self) -> None:
        self._vad = VAD()
        self._rest: Samples = np.zeros(0, np.float32)
        self._windows = 0

    def push(self, samples: Samples) -> Iterator[Detection]:
        pending = np.concatenate([self._rest, samples])
        whole = len(pending) // WINDOW * WINDOW
        self._rest = pending[whole:]
        pcm = to_int16(pending[:whole])
        for i in range(0, whole, WINDOW):
            self._windows += 1
            yield float(self._vad.predict(pcm[i : i + WINDOW])), self._windows * WINDOW_SECONDS


def speech_probabilities(samples: Samples) -> Samples:
    """Probability per 32 ms window of 16 kHz samples; the last window is padded with silence."""
    padded = np.concatenate([samples, np.zeros(-len(samples) % WINDOW, np.float32)])
    return np.array([p for p, _ in SpeechDetector().push(padded)], np.float32)
