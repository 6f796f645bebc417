"""Audible breaths in pauses, and the breath groups between them. An estimate: noise suppression removes breaths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_closing

from voice.intervals import Interval, runs
from voice.vad.frames import FRAME_SECONDS, Levels, total

BANDS = slice(4, 14)  # 560 Hz to 5.5 kHz
SHORTEST, LONGEST = 0.10, 0.80  # s
OVER = 4.0  # dB above the quietest fifth of the pause
UNDER = 8.0  # dB by which a breath stays below the speech
FLAT = 9.0  # dB, standard deviation over the bands: a breath is broadband, a vowel has peaks


def breaths(
    levels: Levels, voiced: npt.NDArray[np.bool_], speech: Sequence[Interval], pauses: Sequence[Interval]
) -> list[Interval]:
    """Unvoiced broadband sound of 0.1 to 0.8 s inside silent pauses; times in s. `levels`: 10 ms band levels."""
    if not len(levels) or not speech:
        return []
    loud = total(levels[:, BANDS])
    inside = np.concatenate([loud[round(a / FRAME_SECONDS) : round(b / FRAME_SECONDS)] for a, b in speech])
    ceiling = float(np.percentile(inside, 75)) - UNDER if len(inside) else 0.0
    found: list[Interval] = []
    for start, end in pauses:
        first = round(start / FRAME_SECONDS) + 2
        part = slice(first, max(first, round(end / FRAME_SECONDS) - 2))
        if part.stop - part.start < 15:
            continue
        over = (loud[part] > np.percentile(loud[part], 20) + OVER) & (loud[part] < ceiling) & ~voiced[part]
        over &= levels[part, BANDS].std(axis=1) < FLAT
        over = binary_closing(np.pad(over, 6), np.ones(5))[6:-6]
        long = [(a, b) for a, b in runs(over) if SHORTEST <= (b - a) * FRAME_SECONDS <= LONGEST]
        found += [((first + a) * FRAME_SECONDS, (first + b) * FRAME_SECONDS) for a, b in long[:2]]
    return [(round(a, 3), round(b, 3)) for a, b in found]


def groups(speech: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """Speech from one breath to the next."""
    found: list[Interval] = []
    for start, end in speech:
        if found and not any(found[-1][1] <= (a + b) / 2 <= start for a, b in taken):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
