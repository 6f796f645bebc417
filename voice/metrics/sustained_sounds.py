"""Sustained sounds: voice that stays the same for longer than in running speech (filled pauses, lengthened words).

A filled pause is a steady vowel, a steady nasal, or one after the other, at level pitch (O'Shaughnessy 1992; Shriberg
1994); a vowel in running speech moves within 100 ms. So we look for steadiness itself: the shape of the spectrum and
the pitch, compared across 60 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_closing

from voice.intervals import runs
from voice.metrics.prosody import PitchTrack
from voice.vad.frames import FRAME_SECONDS, Levels

REACH = 3  # frames to either side; a steady sound does not change between them
MOST_CHANGE = 5.0  # dB, root mean square over bands of the change of shape
MOST_PITCH = 1.0  # semitones
SHAPE_RANGE = 35.0  # dB below the strongest band that still count as shape
SHORTEST = 0.12  # s
STEADY = 4.0  # dB: largest median change within a single sound; running speech has 6 or more
LOW, TILT = 8, 2.0  # bands below 1.5 kHz, and the dB by which they must exceed the others: a breath is flat
TOGETHER = 0.06  # s; a vowel and a nasal no further apart are one "um"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SustainedSound:
    """A steady sound; times in s."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        """In s."""
        return self.end - self.start


def shapes(levels: Levels) -> Floats:
    """Band levels minus their mean over the bands, that is, with loudness removed."""
    bounded = np.maximum(levels, levels.max(axis=1, keepdims=True) - SHAPE_RANGE)
    return np.asarray(bounded - bounded.mean(axis=1, keepdims=True), np.float64)


def change(shape: Floats) -> Floats:
    """RMS change of the spectrum's shape from REACH frames before to REACH after; 99 at the edges."""
    moved = np.full(len(shape), 99.0)
    if len(shape) > 2 * REACH:
        moved[REACH:-REACH] = np.sqrt(np.square(shape[2 * REACH :] - shape[: -2 * REACH]).mean(axis=1))
    return moved


class Sound:
    """The shape of a sound over time, from its 10 ms band levels and its pitch."""

    def __init__(self, levels: Levels, track: PitchTrack) -> None:
        self._shape = shapes(levels) if len(levels) else np.zeros((0, levels.shape[1]))
        self._change = change(self._shape)
        self._pitch = np.full(len(levels), np.nan)
        if len(track.hertz):
            at = np.clip(
                ((np.arange(len(levels)) + 0.5) * FRAME_SECONDS / track.hop).astype(int), 0, len(track.hertz) - 1
            )
            self._pitch = np.where(track.voiced[at], 12.0 * np.log2(np.maximum(track.hertz[at], 1.0)), np.nan)

    def sustained(self) -> list[SustainedSound]:
        """Steady voiced intervals, in order."""
        count = len(self._shape)
        if count <= 2 * REACH:
            return []
        glide = np.full(count, np.inf)
        glide[REACH:-REACH] = np.abs(self._pitch[2 * REACH :] - self._pitch[: -2 * REACH])
        steady = (self._change < MOST_CHANGE) & (np.nan_to_num(glide, nan=np.inf) < MOST_PITCH)
        steady = binary_closing(np.pad(steady, 5), np.ones(3))[5:-5]
        # A steady frame vouches for everything from REACH frames before it to REACH after.
        times = [((a - REACH) * FRAME_SECONDS, (b + REACH) * FRAME_SECONDS) for a, b in runs(steady)]
        return [SustainedSound(round(a, 4), round(b, 4)) for a, b in times if b - a >= SHORTEST]

    def is_steady(self, start: float, end: float) -> bool:
        """Whether half of an interval hardly changes and its low bands dominate, as in a vowel or nasal.

        Ignores pitch, so hoarse and creaky voices count too.
        """
        frames = slice(round(start / FRAME_SECONDS) + 2, max(round(end / FRAME_SECONDS) - 2, 0))
        part = self._shape[frames]
        if len(part) < 2 * REACH:
            return False
        tilt = float(part[:, :LOW].mean() - part[:, LOW:].mean())
        return bool(np.median(self._change[frames]) <= STEADY and tilt >= TILT)


def together(sustained: list[SustainedSound]) -> list[SustainedSound]:
    """Join a vowel and the nasal that immediately follows it into one sound."""
    joined: list[SustainedSound] = []
    for sound in sustained:
        if joined and sound.start - joined[-1].end <= TOGETHER:
            joined[-1] = SustainedSound(joined[-1].start, sound.end)
        else:
            joined.append(sound)
    return joined
