"""Intervals of speech and silence, to 10 ms, from the refiner's frame probabilities (voice/vad/refiner.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_closing, binary_opening

from voice.audio import SPEECH_RATE, Samples
from voice.intervals import Interval, gaps, overlap, runs
from voice.vad.detector import WINDOW
from voice.vad.frames import FRAME, FRAME_SECONDS, total
from voice.vad.refiner import RANGE_DB, STEP, Refiner

JUDGED = 0.6  # probability above which a frame is speech; people label slightly less than everything audible
MIN_ISLAND = 5  # frames; a shorter burst inside a pause is a click, not speech
BRIDGE = 9  # frames; a gap up to this is a stop consonant, not a pause
HEARD = 0.4  # probability the detector must reach somewhere in an interval: it says *whether* there is speech
# Mean probability at which an interval needs no such confirmation, if the detector heard speech elsewhere in the same
# part: it misses hoarse and quiet words among others. Chosen on splices of the recordings the refiner is fitted on.
SURE = 0.9
EDGE = 30  # frames around the requested part that influence it

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SpeechMap:
    """Intervals of speech in s from the start of the samples, and how far they can be trusted.

    `snr_db`: speech level over noise level; 0 without speech. `probability`: the detector's median inside the speech.
    """

    speech: list[tuple[float, float]]
    snr_db: float
    probability: float

    def pauses(self, minimum: float = 0.25) -> list[tuple[float, float]]:
        """Silences of at least `minimum` s between first and last speech."""
        return gaps(self.speech, minimum)

    def bridged(self, stretches: Sequence[Interval]) -> SpeechMap:
        """A copy in which silences that lie mostly within `stretches` count as speech."""
        speech: list[Interval] = []
        for start, end in self.speech:
            gap = (speech[-1][1], start) if speech else None
            if gap and sum(overlap(gap, stretch) for stretch in stretches) > (gap[1] - gap[0]) / 2:
                start = speech.pop()[0]
            speech.append((start, end))
        return replace(self, speech=speech)


def map_speech(samples: Samples) -> SpeechMap:
    """Find the speech in 16 kHz samples."""
    refiner = Refiner()
    refiner.push(samples)
    refiner.flush()
    return speech_in(refiner, 0.0, len(samples) / SPEECH_RATE)


def speech_in(refiner: Refiner, start: float, end: float) -> SpeechMap:
    """The speech from `start` to `end` s in what `refiner` has judged; times count from `start`.

    Depends only on the frames within 0.3 s of that part, so more audio changes nothing.
    """
    first, last = round(start / FRAME_SECONDS), round(end / FRAME_SECONDS)
    low = max(0, first - EDGE)
    probabilities = refiner.probabilities_between(low, last + EDGE)
    first_window = low * FRAME // WINDOW
    detector = refiner.detected_between(first_window, (last + EDGE) * FRAME // WINDOW + 2)
    mask = _smooth(probabilities > JUDGED)
    found = runs(mask)

    def window(frame: int) -> int:
        return frame * FRAME // WINDOW - first_window

    heard = [detector[window(low + a) : window(low + b) + 2].max(initial=0.0) for a, b in found]
    somewhere = max(heard, default=0.0) >= HEARD
    for (a, b), most in zip(found, heard, strict=True):
        mask[a:b] = most >= HEARD or (somewhere and probabilities[a:b].mean() >= SURE)
    inside = mask.copy()
    inside[: first - low] = False
    inside[max(0, last - low) :] = False
    offset = start - low * FRAME_SECONDS
    speech = [
        (round(max(0.0, a * FRAME_SECONDS - offset), 4), round(min(end - start, b * FRAME_SECONDS - offset), 4))
        for a, b in runs(inside)
    ]
    if not speech:
        return SpeechMap([], 0.0, float(detector[window(first) : window(last) + 2].max(initial=0.0)))
    frames = low + np.flatnonzero(inside)
    levels = total(refiner.levels.at(frames))
    blocks = np.minimum(frames // STEP, len(refiner.noise) - 1)
    floor = np.maximum(total(refiner.noise.at(blocks)), np.percentile(levels, 75) - RANGE_DB)
    snr = float(np.percentile(levels, 75) - np.median(floor))
    windows = np.minimum(frames * FRAME // WINDOW - first_window, len(detector) - 1)
    return SpeechMap(speech, snr, float(np.median(detector[windows])))


def _smooth(mask: Mask) -> Mask:
    closed = binary_closing(np.pad(mask, 20), np.ones(BRIDGE + 1))[20:-20]
    return np.asarray(binary_opening(closed, np.ones(MIN_ISLAND)), bool)
