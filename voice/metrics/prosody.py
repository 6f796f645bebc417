"""Pitch and loudness of speech. Pitch by SwiftF0 (Nieradzik 2025), in semitones to make voices comparable."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter, uniform_filter1d

from voice.audio import SPEECH_RATE, Samples
from voice.intervals import Interval
from voice.vad.frames import FRAME, FRAME_SECONDS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MIN_VOICED = 0.3  # s; less voicing than this says nothing about variation
FAR = 10.0  # semitones from the median; beyond it a frame is far more often an octave error than speech
JUMP = 7.0  # the same, for semitones from the surrounding voice
AROUND = 31  # frames that count as surrounding: half a second
FINAL = 0.35  # s before a pause over which the final slope is measured
FINAL_FRAMES = 6
TWO_EXPLAINED, TWO_SHARE, TWO_APART = 0.85, 0.15, 7.0  # see centres_apart
BESIDE = 3  # samples around the pitch period in which to search for the correlation's peak
_HOP = 256  # samples; the pitch detector's hop


@dataclass(frozen=True)
class PitchTrack:
    """Hz per frame, whether the frame is voiced (octave errors count as unvoiced), and the hop in s."""

    hertz: Floats
    voiced: Mask
    hop: float

    def within(self, speech: Sequence[Interval]) -> Mask:
        """Voiced frames whose centre lies in one of the intervals."""
        middle = (np.arange(len(self.hertz)) + 0.5) * self.hop
        inside = np.zeros(len(middle), bool)
        for a, b in speech:
            inside |= (middle >= a) & (middle < b)
        return self.voiced & inside

    def at_frames(self, count: int) -> Mask:
        """Whether each of `count` frames of 10 ms is voiced."""
        if not len(self.voiced):
            return np.zeros(count, bool)
        at = np.clip(((np.arange(count) + 0.5) * FRAME_SECONDS / self.hop).astype(int), 0, len(self.voiced) - 1)
        return np.asarray(self.voiced[at], bool)


@dataclass(frozen=True)
class Pitch:
    """Over the voiced frames: `median` in Hz; `sd` and `span` (5th to 95th percentile) in semitones; `voiced` in s.

    `final_slope`: semitones/s over the last voiced 0.35 s before each pause, median over pauses; None without any.
    """

    median: float
    sd: float
    span: float
    voiced: float
    final_slope: float | None


@dataclass(frozen=True)
class VoiceQuality:
    """Experimental proxies; they depend on the microphone and say nothing about the person.

    `harmonics_to_noise_db`: from the autocorrelation of three periods at the pitch period (after Boersma 1993), median.
    `pitch_perturbation`: median difference in percent between neighbouring 16 ms frames; related to jitter, but not it.
    """

    harmonics_to_noise_db: float
    pitch_perturbation: float


@functools.cache
def _detector() -> Any:
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1, spin=False)


def pitch_track(samples: Samples, speech: Sequence[Interval]) -> PitchTrack:
    """Pitch of the speech in 16 kHz samples. Everything else counts as unvoiced and costs no time."""
    count = -(-len(samples) // _HOP)
    hertz, voiced = np.zeros(count), np.zeros(count, bool)
    blocks = np.zeros(count, bool)
    for a, b in speech:  # whole blocks, to keep the detector's grid in place
        blocks[max(0, int(a * SPEECH_RATE) // _HOP - 2) : int(b * SPEECH_RATE) // _HOP + 3] = True
    padded = np.pad(samples, (0, count * _HOP - len(samples))).reshape(count, _HOP)
    sound = padded[blocks].reshape(-1)
    if len(sound) < SPEECH_RATE // 10:
        return PitchTrack(hertz, voiced, _HOP / SPEECH_RATE)
    found = _detector().detect(sound, SPEECH_RATE, fmin=60.0, fmax=450.0)
    at = np.flatnonzero(blocks)[: len(found.pitch_hz)]
    hertz[at] = np.asarray(found.pitch_hz, np.float64)[: len(at)]
    voiced[at] = (np.asarray(found.confidence)[: len(at)] >= 0.5) & (hertz[at] > 0)
    return PitchTrack(hertz, voiced & ~_octave_errors(hertz, voiced), _HOP / SPEECH_RATE)


def _octave_errors(hertz: Floats, voiced: Mask) -> Mask:
    """Voiced frames that jump away from the surrounding voice or lie far from the median of the whole."""
    wrong = np.zeros(len(hertz), bool)
    if voiced.sum() < 3:
        return wrong
    semitones = 12.0 * np.log2(hertz[voiced])
    around = median_filter(semitones, size=min(AROUND, len(semitones)), mode="nearest")
    wrong[voiced] = (np.abs(semitones - around) > JUMP) | (np.abs(semitones - np.median(semitones)) > FAR)
    return wrong


def pitch(track: PitchTrack, speech: Sequence[Interval]) -> Pitch | None:
    """Pitch inside the speech, or None if there is too little voicing."""
    inside = track.within(speech)
    hertz = track.hertz[inside]
    if len(hertz) * track.hop < MIN_VOICED:
        return None
    semitones = 12.0 * np.log2(hertz / np.median(hertz))
    low, high = np.percentile(semitones, [5, 95])
    return Pitch(
        float(np.median(hertz)),
        float(np.std(semitones)),
        float(high - low),
        float(len(hertz) * track.hop),
        _final_slope(track, speech),
    )


def _final_slope(track: PitchTrack, speech: Sequence[Interval]) -> float | None:
    slopes = []
    for _, end in speech:
        at = np.flatnonzero(track.within([(end - FINAL, end)]))
        if len(at) >= FINAL_FRAMES:
            semitones = 12.0 * np.log2(track.hertz[at])
            slopes.append(float(np.polyfit(at * track.hop, semitones, 1)[0]))
    return float(np.median(slopes)) if slopes else None


def centres_apart(track: PitchTrack, speech: Sequence[Interval]) -> float | None:
    """Semitones between the two centres of a bimodal pitch distribution, as two voices give; None if there is one.

    Bimodal: the best split (Otsu 1979) explains at least 85 % of the variance, each side has at least 15 % of the
    voiced frames, and they lie at least 7 semitones apart. Two voices in the same register cannot be told apart.
    """
    hertz = np.sort(track.hertz[track.within(speech)])
    if len(hertz) * track.hop < MIN_VOICED:
        return None
    semitones = 12.0 * np.log2(hertz)
    count = len(semitones)
    sums = np.cumsum(semitones)
    at = np.arange(1, count)
    low, high = sums[:-1] / at, (sums[-1] - sums[:-1]) / (count - at)
    between = at / count * (1.0 - at / count) * np.square(high - low)
    best = int(np.argmax(between))
    share = (best + 1) / count
    split = between[best] >= TWO_EXPLAINED * max(float(np.var(semitones)), 1e-9)
    apart = float(high[best] - low[best])
    return apart if split and TWO_SHARE <= share <= 1.0 - TWO_SHARE and apart >= TWO_APART else None


def voice_quality(samples: Samples, track: PitchTrack, speech: Sequence[Interval]) -> VoiceQuality | None:
    """Voice quality, or None below 0.3 s of voicing. `samples`: 16 kHz."""
    at = np.flatnonzero(track.within(speech))
    if len(at) * track.hop < MIN_VOICED:
        return None
    ratios = []
    for frame in at[:: max(1, len(at) // 200)]:  # two hundred frames are enough
        period = round(SPEECH_RATE / track.hertz[frame])
        middle = round((frame + 0.5) * track.hop * SPEECH_RATE)
        part = samples[max(0, middle - period) : middle + 2 * period + BESIDE].astype(np.float64)
        if len(part) < 3 * period:
            continue
        ratio = float(np.clip(_peak(_correlations(part, period)), 1e-3, 1 - 1e-4))
        ratios.append(10.0 * np.log10(ratio / (1.0 - ratio)))
    steps = np.diff(track.hertz[at])[np.diff(at) == 1] / track.hertz[at][:-1][np.diff(at) == 1]
    if not ratios or not len(steps):
        return None
    return VoiceQuality(float(np.median(ratios)), float(100.0 * np.median(np.abs(steps))))


def _correlations(part: Floats, period: int) -> Floats:
    """Correlation of the signal with itself about one period later, per lag of one sample; 0 for silence."""
    count = len(part) - period - BESIDE
    later = np.lib.stride_tricks.sliding_window_view(part, count)[period - BESIDE : period + BESIDE + 1]
    power = np.sqrt(np.square(later).sum(axis=1) * np.square(part[:count]).sum())
    return np.asarray(later @ part[:count] / np.maximum(power, 1e-12), np.float64)


def _peak(values: Floats) -> float:
    """Peak of the parabola through the largest value and its neighbours, since a period is rarely whole samples."""
    at = int(np.argmax(values))
    if not 0 < at < len(values) - 1:
        return float(values[at])
    left, middle, right = (float(v) for v in values[at - 1 : at + 2])
    bend = left - 2.0 * middle + right
    return middle - (left - right) ** 2 / (8.0 * bend) if bend < 0 else middle


def frame_levels(samples: Samples) -> Floats:
    """Level in dBFS of each 10 ms frame of 16 kHz samples, over 20 ms windows, with the DC offset removed."""
    centred = samples - np.mean(samples, dtype=np.float64) if len(samples) else samples
    count = len(samples) // FRAME
    if count == 0:
        return np.zeros(0)
    power = np.square(centred[: count * FRAME], dtype=np.float64).reshape(count, FRAME).mean(axis=1)
    smooth = uniform_filter1d(power, size=2, mode="nearest")
    return np.asarray(10.0 * np.log10(np.maximum(smooth, 1e-12)), np.float64)


def loudness(samples: Samples, speech: Sequence[Interval]) -> tuple[float, float] | None:
    """(median, interquartile range) in dBFS of the 10 ms frames inside `speech`; None if there are too few."""
    levels = frame_levels(samples)
    parts = [levels[round(a * 100) : round(b * 100)] for a, b in speech]
    frames = np.concatenate(parts) if parts else np.zeros(0)
    if len(frames) < 5:
        return None
    low, mid, high = np.percentile(frames, [25, 50, 75])
    return float(mid), float(high - low)


def integrated_loudness(samples: Samples, speech: Sequence[Interval]) -> float | None:
    """LUFS of the speech alone (ITU-R BS.1770-4, gated), by pyloudnorm; None under 0.5 s or if everything is gated."""
    import pyloudnorm

    parts = [samples[round(a * SPEECH_RATE) : round(b * SPEECH_RATE)] for a, b in speech]
    joined = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if len(joined) < SPEECH_RATE // 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = float(pyloudnorm.Meter(SPEECH_RATE).integrated_loudness(joined.astype(np.float64)))
    return value if np.isfinite(value) else None
