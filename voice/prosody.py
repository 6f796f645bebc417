"""Pitch and loudness of speech. Pitch by SwiftF0 (Nieradzik 2025), in semitones so that voices compare."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voice.audio import SPEECH_RATE, Samples
from voice.boundaries import frame_levels

MIN_VOICED = 0.3  # s; less voicing than this says nothing about variation


@dataclass(frozen=True)
class Pitch:
    """Fundamental frequency of the voiced frames: `median` in Hz, `sd` in semitones around it, `voiced` in s."""

    median: float
    sd: float
    voiced: float


@functools.cache
def _detector() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def pitch(samples: Samples) -> Pitch | None:
    """Pitch of 16 kHz speech, or None where there is too little voicing. Octave errors are filtered first."""
    contour, voiced, hop = pitch_track(samples)
    hertz = contour[voiced]
    if len(hertz) * hop < MIN_VOICED:
        return None
    semitones = 12.0 * np.log2(hertz / np.median(hertz))
    # Frames further than 10 semitones from the median are octave errors far more often than speech.
    kept = np.abs(semitones) <= 10.0
    semitones = semitones[kept]
    if len(semitones) * hop < MIN_VOICED:
        return None
    return Pitch(float(np.median(hertz[kept])), float(np.std(semitones)), float(len(semitones) * hop))


def pitch_track(samples: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], float]:
    """(Hz per frame, whether it is voiced, hop in s) of 16 kHz samples."""
    if len(samples) < SPEECH_RATE // 10:
        return np.zeros(0), np.zeros(0, bool), 0.016
    found = _detector().detect(samples, SPEECH_RATE, fmin=60.0, fmax=450.0)
    hop = float(found.timestamps[1] - found.timestamps[0]) if len(found.timestamps) > 1 else 0.016
    hertz = np.asarray(found.pitch_hz, np.float64)
    return hertz, (np.asarray(found.confidence) >= 0.5) & (hertz > 0), hop


def loudness(samples: Samples, speech: list[tuple[float, float]]) -> tuple[float, float] | None:
    """(median, interquartile range) in dBFS of the 10 ms frames inside `speech` stretches; None without any."""
    levels = frame_levels(samples)
    parts = [levels[round(a * 100) : round(b * 100)] for a, b in speech]
    frames = np.concatenate(parts) if parts else np.zeros(0)
    if len(frames) < 5:
        return None
    low, mid, high = np.percentile(frames, [25, 50, 75])
    return float(mid), float(high - low)
