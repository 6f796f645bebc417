"""Where speech is, to 10 ms, while it is spoken: what the detector, the bands and the noise say, weighed together.

A voice activity detector knows speech from noise, but ends it late and bridges short pauses; levels know edges, but
follow any sound. So every 10 ms frame is judged by a small network from both: the detector's probabilities around it,
the levels of 15 bands over the noise of the last seconds, and how far below the recent speech it lies. The weights are
made by `python -m bench.fit_refiner` (docs/results/hesitation.md says from what); its accuracy is measured by
`python -m bench.hesitation`.

Streaming, with a stated look-ahead: a frame is judged once LOOK_AHEAD s of sound after it are there. The same frames are
judged alike whatever the sizes the sound came in, so live and recorded sound give the same numbers.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice.audio import Samples
from voice.frames import BANDS, FRAME, FRAME_SECONDS, Frames, total
from voice.vad import WINDOW, SpeechDetector

AHEAD = 50  # frames that the noise and the speech level may look ahead
HISTORY = 500  # frames of the past in which the noise is looked for
STEP = 10  # frames after which noise and speech level are looked at again
CONTEXT = (-16, -10, -6, -3, -1, 0, 1, 3, 6, 10, 16)  # frames around the judged one whose levels count
WINDOWS_AROUND = tuple(range(-4, 7))  # windows of the detector around it; it is late, so more of those after
NOISE_PERCENTILE = 10
DECAY = 2.0  # dB/s by which the speech level is forgotten
RANGE_DB = 60.0  # what lies further below the speech than this is nothing
GROUPS = ((0, 4), (4, 8), (8, 12), (12, 15))  # bands taken together for the frames further away
INPUTS = BANDS + len(CONTEXT) * (len(GROUPS) + 1) + len(WINDOWS_AROUND) + 2
SMOOTH = np.hanning(9)[1:-1] / np.hanning(9).sum()  # over the frames' log odds: a frame of 10 ms is a noisy witness
_REACH = len(SMOOTH) // 2
BLOCK = 20  # frames that are looked at together: one by one they would cost five times as much
MARGIN = AHEAD + STEP + max(CONTEXT) + _REACH  # frames that must follow a judged one
# s; the detector's windows and the frame's own span are within
LOOK_AHEAD = (MARGIN + BLOCK + STEP + 2) * FRAME_SECONDS
WEIGHTS = Path(__file__).parent / "refiner.npz"

Floats = npt.NDArray[np.float32]


class Refiner:
    """Push 16 kHz samples; `probabilities` grows by a number per 10 ms frame: how likely it is speech, 0..1."""

    def __init__(self, *, judging: bool = True) -> None:
        self._judging = judging  # off where only the inputs are wanted
        self._frames = Frames()
        self._detector = SpeechDetector()
        self._levels = _Grown(BANDS)
        self._logits = _Grown(1)
        self._noise = _Grown(BANDS)  # one row per STEP frames
        self._speech = _Grown(1)  # the same
        self._raw = _Grown(1)  # log odds of each frame by itself
        self._judged = _Grown(1)
        self._peak = -np.inf
        self._count = 0
        self._waiting: list[Samples] = []
        self._unframed = 0

    @property
    def probabilities(self) -> Floats:
        """Of the frames judged so far."""
        return self._judged.rows[:, 0]

    @property
    def levels(self) -> Floats:
        """(frames, bands) in dB, of all frames heard so far."""
        return self._levels.rows

    @property
    def noise(self) -> Floats:
        """(frames // STEP, bands) in dB."""
        return self._noise.rows

    @property
    def detector(self) -> Floats:
        """The detector's own probability per 32 ms window."""
        return np.asarray(1.0 / (1.0 + np.exp(-self._logits.rows[:, 0])), np.float32)

    def push(self, samples: Samples) -> list[tuple[float, float]]:
        """Any number of samples. Gives the detector's (probability, end time in s) of the windows that they completed."""
        self._count += len(samples)
        self._waiting.append(samples)
        self._unframed += len(samples)
        if self._unframed >= BLOCK * FRAME:
            self._frame()
            self._advance(end=False)
        return self._hear(samples)

    def _frame(self) -> None:
        self._levels.add(self._frames.push(np.concatenate(self._waiting)))
        self._waiting, self._unframed = [], 0

    def flush(self) -> None:
        """Judge what is left. Nothing may be pushed after."""
        if self._waiting:
            self._frame()
        self._levels.add(self._frames.flush())
        self._hear(np.zeros(-self._count % WINDOW, np.float32))
        self._advance(end=True)

    def _hear(self, samples: Samples) -> list[tuple[float, float]]:
        heard = list(self._detector.push(samples))
        if heard:
            clipped = np.clip(np.array([[p] for p, _ in heard], np.float32), 1e-4, 1 - 1e-4)
            self._logits.add(np.log(clipped / (1 - clipped)))
        return heard

    def _advance(self, *, end: bool) -> None:
        heard = len(self._levels.rows)
        self._follow(heard, end=end)
        ready = heard if end else min(heard - MARGIN + _REACH, self._windowed()) // STEP * STEP
        done = len(self._raw.rows)
        if self._judging and ready > done:
            self._raw.add(log_odds(self.inputs(done, ready))[:, None])
            self._smooth(end=end)

    def _smooth(self, *, end: bool) -> None:
        raw, done = self._raw.rows[:, 0], len(self._judged.rows)
        ready = len(raw) if end else len(raw) - _REACH
        if ready <= done:
            return
        low, high = done - _REACH, ready + _REACH
        part = np.pad(raw[max(0, low) : min(len(raw), high)], (max(0, -low), max(0, high - len(raw))), mode="edge")
        smooth = np.convolve(part, SMOOTH.astype(np.float32), "valid")
        self._judged.add((1.0 / (1.0 + np.exp(-smooth)))[:, None].astype(np.float32))

    def _windowed(self) -> int:
        """Frames whose windows of the detector are all there."""
        windows = len(self._logits.rows) - max(WINDOWS_AROUND)
        return max(0, windows * WINDOW // FRAME - 1)

    def _follow(self, heard: int, *, end: bool) -> None:
        """Noise and speech level, every STEP frames, from HISTORY frames before to AHEAD frames after."""
        levels = self._levels.rows
        while True:
            at = len(self._noise.rows) * STEP
            if at >= heard or (at + AHEAD > heard and not end):
                return
            window = levels[max(0, at - HISTORY) : at + AHEAD]
            loudness = total(window)
            fresh = total(levels[at : at + AHEAD])
            peak = float(_percentile(fresh, 90))
            self._peak = max(peak, self._peak - DECAY * STEP * FRAME_SECONDS)
            audible = window[loudness > max(-95.0, self._peak - 75.0)]  # digital silence is no noise to measure against
            noise = _percentile(audible if len(audible) else window, NOISE_PERCENTILE)
            self._noise.add(np.maximum(noise, self._peak - RANGE_DB - 10.0)[None, :].astype(np.float32))
            self._speech.add(np.array([[self._peak]], np.float32))

    def inputs(self, start: int, end: int) -> Floats:
        """(frames, INPUTS): what the network sees of the frames `start` to `end`."""
        levels, frames = self._levels.rows, np.arange(start, end)
        reach = max(-min(CONTEXT), max(CONTEXT))
        low = max(0, start - reach)
        part = levels[low : min(len(levels), end + reach)]
        block = np.minimum(np.arange(low, low + len(part)) // STEP, len(self._noise.rows) - 1)
        noise, speech = self._noise.rows[block], self._speech.rows[block, 0]
        above = np.clip(part - np.maximum(noise, (speech - RANGE_DB)[:, None]), -3.0, 40.0) / 20.0
        below = np.clip(total(part) - speech, -RANGE_DB, 6.0) / 20.0
        grouped = np.stack([above[:, a:b].mean(axis=1) for a, b in GROUPS] + [below], axis=1)
        here = frames - low
        around = np.clip(here[:, None] + np.array(CONTEXT)[None, :], 0, len(part) - 1)
        windows = np.clip(
            (frames * FRAME + FRAME // 2)[:, None] // WINDOW + np.array(WINDOWS_AROUND)[None, :],
            0, len(self._logits.rows) - 1,
        )  # fmt: skip
        phase = ((frames * FRAME + FRAME // 2) % WINDOW / WINDOW)[:, None]
        clear = (speech[here] - total(noise[here])) / 40.0
        return np.concatenate(
            [
                above[here],
                grouped[around].reshape(len(frames), -1),
                self._logits.rows[windows, 0] / 5.0,
                phase,
                clear[:, None],
            ],
            axis=1,
        ).astype(np.float32)


def log_odds(inputs: Floats) -> Floats:
    """The network: one hidden layer; for speech against anything else."""
    weights = _weights()
    hidden = np.tanh(inputs.astype(np.float64) @ weights["w1"] + weights["b1"])
    # Rounded: the last digits of a product depend on how many rows it had, and live must equal recorded.
    return np.asarray(np.clip(np.round(hidden @ weights["w2"] + weights["b2"], 4), -9.2, 9.2), np.float32)


@functools.cache
def _weights() -> dict[str, npt.NDArray[np.float64]]:
    with np.load(WEIGHTS) as stored:
        return {name: stored[name].astype(np.float64) for name in ("w1", "b1", "w2", "b2")}


def _percentile(values: Floats, percentile: int) -> Floats:
    """A percentile along the first axis, without interpolation: half the work of numpy's."""
    at = len(values) * percentile // 100
    return np.asarray(np.partition(values, at, axis=0)[at], np.float32)


class _Grown:
    """Rows that only grow, without a copy of all for each."""

    def __init__(self, width: int) -> None:
        self._kept = np.zeros((1024, width), np.float32)
        self._count = 0

    @property
    def rows(self) -> Floats:
        return self._kept[: self._count]

    def add(self, rows: Floats) -> None:
        if self._count + len(rows) > len(self._kept):
            grown = np.zeros((max(2 * len(self._kept), self._count + len(rows)), self._kept.shape[1]), np.float32)
            grown[: self._count] = self.rows
            self._kept = grown
        self._kept[self._count : self._count + len(rows)] = rows
        self._count += len(rows)
