"""Speaking rate: syllables from words or, without words, from audio; pauses by threshold, position and length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from voice.intervals import Interval, gaps
from voice.metrics.disfluency import ends_clause, opens_clause
from voice.vad.frames import FRAME_SECONDS, Levels, total
from voice.words import TimedWord

THRESHOLDS = (0.15, 0.25, 0.5, 1.0, 2.0)  # s
NUCLEUS_BANDS = slice(1, 9)  # 200 to 1860 Hz, where vowels are
DIP = 2.0  # dB between two nuclei; nothing below the maximum minus RANGE is a nucleus: de Jong & Wempe 2009
RANGE = 25.0


@dataclass(frozen=True)
class Pauses:
    """Silences between first and last speech. `counts`: for each threshold in ms, how many are at least that long.

    `median` and `log_sd`: exponential of the median, and standard deviation, of the natural logs of those >= 250 ms:
    pause lengths are log-normal, so the longest dominate their mean (Campione & Véronis 2002).
    """

    counts: dict[int, int]
    within_clause: dict[int, int]
    median: float | None
    log_sd: float | None


def pauses_of(speech: Sequence[Interval], words: Sequence[TimedWord]) -> Pauses:
    """Count pauses and classify their position. Between clauses: punctuation before, or a clause opener after."""
    silences = gaps(speech)
    inside = {gap: not between_clauses(gap, words) for gap in silences}
    counts, within = {}, {}
    for threshold in THRESHOLDS:
        long = [gap for gap in silences if gap[1] - gap[0] >= threshold - 1e-9]
        counts[round(threshold * 1000)] = len(long)
        within[round(threshold * 1000)] = sum(inside[gap] for gap in long)
    logs = np.log([b - a for a, b in silences if b - a >= 0.25 - 1e-9])
    return Pauses(
        counts,
        within,
        float(np.exp(np.median(logs))) if len(logs) else None,
        float(np.std(logs)) if len(logs) > 1 else None,
    )


def between_clauses(pause: Interval, words: Sequence[TimedWord]) -> bool:
    """Whether a pause lies at a clause boundary, as far as the words tell."""
    before = [w for w in words if w.end <= pause[0] + 0.1]
    after = [w for w in words if w.start >= pause[1] - 0.1]
    return bool((before and ends_clause(before[-1].text)) or (after and opens_clause(after[0].plain)))


def nuclei(levels: Levels, voiced: npt.NDArray[np.bool_], speech: Sequence[Interval]) -> int:
    """Syllables without words: voiced intensity peaks separated by dips of 2 dB (de Jong & Wempe 2009).

    `levels`: 10 ms band levels; `voiced`: one per frame. Undercounts fast speech, so only a fallback.
    """
    if not len(levels):
        return 0
    from scipy.signal import find_peaks  # local: takes 0.75 s to import and is rarely needed

    loud = uniform_filter1d(total(levels[:, NUCLEUS_BANDS]).astype(np.float64), 5, mode="nearest")
    inside = np.zeros(len(loud), bool)
    for a, b in speech:
        inside[round(a / FRAME_SECONDS) : round(b / FRAME_SECONDS)] = True
    if not inside.any():
        return 0
    top = float(np.percentile(loud[inside], 98))
    peaks, _ = find_peaks(np.pad(loud, 1, constant_values=-120.0), height=top - RANGE, prominence=DIP, distance=8)
    peaks -= 1
    return int(np.sum(inside[peaks] & voiced[peaks]))
