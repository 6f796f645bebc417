"""The methods that say where speech is, each with its own defaults, in the same run and on the same samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, uniform_filter1d

from voice.audio import Samples
from voice.intervals import Interval, runs
from voice.vad.boundaries import map_speech
from voice.vad.detector import WINDOW_SECONDS, SpeechGate, speech_probabilities


def gated(samples: Samples, gate: SpeechGate, late_end: float = 0.0) -> list[Interval]:
    """Speech where `gate` opens on the detector's probabilities; `late_end`: s added to each end."""
    found: list[Interval] = []
    probabilities = speech_probabilities(samples)
    begin: float | None = None
    for i, probability in enumerate(probabilities):
        change = gate.update(float(probability), (i + 1) * WINDOW_SECONDS)
        if change and change.speaking:
            begin = change.time
        elif change and begin is not None:
            found.append((begin, change.time + late_end))
            begin = None
    if begin is not None:
        found.append((begin, len(probabilities) * WINDOW_SECONDS))
    return found


def silero(samples: Samples) -> list[Interval]:
    """Silero 6.2 as in its own get_speech_timestamps: 0.5/0.35, silence >= 100 ms, speech >= 250 ms, pad 30 ms."""
    raw = gated(samples, SpeechGate(open_at=0.5, close_at=0.35, min_speech=0.032, min_silence=0.1))
    return [(max(0.0, a - 0.03), b + 0.03) for a, b in raw if b - a >= 0.25]


def livekit(samples: Samples) -> list[Interval]:
    """LiveKit's VAD with its defaults: opens after 50 ms at 0.5, closes after 550 ms of silence below 0.35."""
    return gated(samples, SpeechGate(open_at=0.5, close_at=0.35, min_speech=0.05, min_silence=0.55))


def nuclei(samples: Samples) -> list[Interval]:
    """Intensity alone, as in the Praat script of de Jong & Wempe 2009: silent if 25 dB below the maximum for 0.3 s."""
    count = len(samples) // 160
    if not count:
        return []
    power = np.square(samples[: count * 160], dtype=np.float64).reshape(count, 160).mean(axis=1)
    decibels = 10 * np.log10(np.maximum(uniform_filter1d(power, 6, mode="nearest"), 1e-12))
    top = float(np.percentile(decibels, 99))
    sounding = binary_closing(np.pad(decibels > top - 25.0, 40), np.ones(30))[40:-40]
    sounding = binary_opening(sounding, np.ones(10))
    return [(a / 100, b / 100) for a, b in runs(sounding)]


def ours(samples: Samples) -> list[Interval]:
    """Vivavoce."""
    return map_speech(samples).speech


RULERS: dict[str, Callable[[Samples], list[Interval]]] = {
    "Vivavoce": ours,
    "Silero 6.2": silero,
    "LiveKit VAD": livekit,
    "intensity (de Jong & Wempe)": nuclei,
}
