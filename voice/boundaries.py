"""Where speech is, to 10 ms: the detector's rough answer, refined by energy where the noise allows it.

A voice activity detector is a poor ruler: it ends speech late and bridges short pauses (docs/metrics.md). Where
the speech stands well above the noise, the level says where it begins, ends and pauses; where it does not
(SNR below 12 dB), the detector's own times are kept, because energy would follow the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_closing, binary_opening, uniform_filter1d

from voice.audio import SPEECH_RATE, Samples
from voice.vad import WINDOW_SECONDS, SpeechGate, speech_probabilities

FRAME = 160  # 10 ms at 16 kHz
FRAME_SECONDS = FRAME / SPEECH_RATE
MIN_SNR_DB = 12.0
MIN_ISLAND = 0.04  # s; a shorter burst inside a pause is a click or a breath, not speech
BRIDGE = 0.10  # s; a shorter gap is a stop consonant, not a pause


@dataclass(frozen=True)
class SpeechMap:
    """Stretches of speech in s from the start of the samples, and how far they may be trusted."""

    speech: list[tuple[float, float]]
    snr_db: float
    probability: float

    def pauses(self, minimum: float = 0.25) -> list[tuple[float, float]]:
        """Silences of at least `minimum` s between first and last speech."""
        gaps = zip(self.speech, self.speech[1:], strict=False)
        return [(a[1], b[0]) for a, b in gaps if b[0] - a[1] >= minimum - 1e-9]


def frame_levels(samples: Samples) -> npt.NDArray[np.float64]:
    """Level of each 10 ms frame in dBFS, from 20 ms windows, without the DC offset."""
    centred = samples - np.mean(samples, dtype=np.float64) if len(samples) else samples
    count = len(samples) // FRAME
    if count == 0:
        return np.zeros(0)
    power = np.square(centred[: count * FRAME], dtype=np.float64).reshape(count, FRAME).mean(axis=1)
    smooth = uniform_filter1d(power, size=2, mode="nearest")
    return np.asarray(10.0 * np.log10(np.maximum(smooth, 1e-12)), np.float64)


def map_speech(samples: Samples) -> SpeechMap:
    """Find the speech in 16 kHz samples."""
    probabilities = speech_probabilities(samples)
    rough = _rough(probabilities)
    if not rough:
        return SpeechMap([], 0.0, float(probabilities.max(initial=0.0)))
    levels = frame_levels(samples)
    inside = np.zeros(len(levels), bool)
    for start, end in rough:
        inside[int(start / FRAME_SECONDS) : int(np.ceil(end / FRAME_SECONDS))] = True
    confidence = float(np.median(probabilities[_window_mask(rough, len(probabilities))]))
    if not inside.any():
        return SpeechMap(rough, 0.0, confidence)
    speech_level = float(np.percentile(levels[inside], 75))
    # The floor: the quiet frames anywhere. Digital silence is no floor to measure against.
    audible = levels[levels > -100.0]
    floor = max(float(np.percentile(audible, 5)), speech_level - 60.0)
    snr = speech_level - floor
    if snr < MIN_SNR_DB:
        return SpeechMap(rough, snr, confidence)
    threshold = floor + min(max(6.0, 0.33 * snr), snr - 6.0)
    loud = inside & (levels > threshold)
    loud = binary_closing(np.pad(loud, 20), np.ones(round(BRIDGE / FRAME_SECONDS)))[20:-20] & inside
    loud = binary_opening(loud, np.ones(round(MIN_ISLAND / FRAME_SECONDS)))
    return SpeechMap(_stretches(loud) or rough, snr, confidence)


def _rough(probabilities: Samples) -> list[tuple[float, float]]:
    gate = SpeechGate()
    stretches: list[tuple[float, float]] = []
    begin: float | None = None
    for i, probability in enumerate(probabilities):
        change = gate.update(float(probability), (i + 1) * WINDOW_SECONDS)
        if change and change.speaking:
            begin = change.time
        elif change and begin is not None:
            stretches.append((begin, change.time))
            begin = None
    if begin is not None:
        stretches.append((begin, len(probabilities) * WINDOW_SECONDS))
    # The detector opens up to 50 ms late on soft onsets; energy trims what is too much.
    widened = [(max(0.0, a - 0.05), b + 0.03) for a, b in stretches]
    merged: list[tuple[float, float]] = []
    for a, b in widened:
        if merged and a <= merged[-1][1]:
            merged[-1] = (merged[-1][0], b)
        else:
            merged.append((a, b))
    return merged


def _window_mask(stretches: list[tuple[float, float]], count: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(count, bool)
    for start, end in stretches:
        mask[int(start / WINDOW_SECONDS) : max(int(start / WINDOW_SECONDS) + 1, int(end / WINDOW_SECONDS))] = True
    return mask


def _stretches(mask: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(float(a * FRAME_SECONDS), float(b * FRAME_SECONDS)) for a, b in edges.reshape(-1, 2)]
