"""The first stage for a caller's audio, shared by all consumers: resample to 16 kHz, buffer, detect speech.

The speech tracker (turn-taking, measuring) and the recogniser's stream share one, so they count the same samples and
only one voice activity detector runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from livekit import rtc

from voice.audio import SPEECH_RATE, Samples, from_int16, speech_resampler
from voice.recent_rows import RecentRows
from voice.sound_buffer import SoundBuffer
from voice.vad.detector import WINDOW, WINDOW_SECONDS, Detection, SpeechDetector

SPEECH = 0.5  # probability above which a window counts as speech


@dataclass(frozen=True)
class Heard:
    """What a frame yielded: 16 kHz samples, and the detector's windows that they completed."""

    samples: Samples
    detected: list[Detection]


class FrontEnd:
    """Push frames of any rate. Times (s) and positions (samples at 16 kHz) count from the first sample pushed.

    `kept`: s of audio and detections that stay readable.
    """

    def __init__(self, kept: float) -> None:
        self.sound = SoundBuffer(kept)
        self.speech_seconds = 0.0  # s of windows that were speech, in total
        self._detector = SpeechDetector()
        self._probabilities = RecentRows(1, round(kept / WINDOW_SECONDS))
        self._resampler: soxr.ResampleStream | None = None

    @property
    def now(self) -> float:
        """Seconds of audio received."""
        return self.sound.end / SPEECH_RATE

    @property
    def windows(self) -> int:
        """How many windows the detector has judged, which is the number of the next one."""
        return len(self._probabilities)

    @property
    def nbytes(self) -> int:
        """Memory held for buffered audio and detections, in bytes."""
        return self.sound.nbytes + self._probabilities.nbytes

    def push(self, frame: rtc.AudioFrame) -> Heard:
        """Take the first channel of a frame; all frames must have the same rate."""
        samples = from_int16(np.frombuffer(frame.data, np.int16).reshape(-1, frame.num_channels)[:, 0])
        if frame.sample_rate != SPEECH_RATE:
            if self._resampler is None:
                self._resampler = speech_resampler(frame.sample_rate, SPEECH_RATE)
            samples = self._resampler.resample_chunk(samples)
        return self._hear(samples)

    def finish(self) -> Heard:
        """Flush the resampler. Nothing may be pushed afterwards."""
        rest = np.zeros(0, np.float32)
        if self._resampler is not None:
            rest = self._resampler.resample_chunk(rest, last=True)
            self._resampler = None
        return self._hear(rest)

    def detected_since(self, window: int) -> list[Detection]:
        """Detections for the windows from number `window` on, as far as they are kept."""
        first = max(window, self._probabilities.first)
        found = self._probabilities.between(first, self.windows)[:, 0]
        return [(float(p), (first + i + 1) * WINDOW_SECONDS) for i, p in enumerate(found)]

    def _hear(self, samples: Samples) -> Heard:
        self.sound.push(samples)
        detected = list(self._detector.push(samples))
        if detected:
            self._probabilities.add(np.array([[p] for p, _ in detected], np.float32))
            self.speech_seconds += WINDOW_SECONDS * sum(p > SPEECH for p, _ in detected)
        return Heard(samples, detected)


def window_at(position: int) -> int:
    """Number of the detector's window that contains a sample."""
    return position // WINDOW
