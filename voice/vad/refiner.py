"""Locates speech to 10 ms, live, by combining the detector's probabilities, band levels and the noise floor.

A voice activity detector tells speech from noise, but ends it late and bridges short pauses; levels show the edges,
but follow any sound. So a small network judges every 10 ms frame from both: the detector's probabilities around it,
the levels of 15 bands over the noise of the last seconds, and how far the frame lies below the recent speech.
`python -m bench.fit_refiner` makes the weights (docs/results/hesitation.md says from what);
`python -m bench.hesitation` measures the accuracy.

Streaming, with a stated look-ahead: a frame is judged once LOOK_AHEAD s of audio after it have arrived. The result
does not depend on the chunk sizes, so live and recorded audio give the same numbers. A call keeps only the last
minutes; frame and window numbers always count from the very first one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice.audio import SPEECH_RATE, Samples
from voice.recent_rows import RecentRows
from voice.vad.detector import WINDOW, WINDOW_SECONDS, Detection, SpeechDetector
from voice.vad.frames import BANDS, FRAME, FRAME_SECONDS, Frames, total

AHEAD = 50  # frames by which the noise and speech level estimates look ahead
HISTORY = 500  # past frames over which the noise is estimated
STEP = 10  # frames between updates of the noise and speech levels
CONTEXT = (-16, -10, -6, -3, -1, 0, 1, 3, 6, 10, 16)  # offsets of the frames around the judged one whose levels count
WINDOWS_AROUND = tuple(range(-4, 7))  # detector windows around it; the detector lags, so more after than before
NOISE_PERCENTILE = 10
DECAY = 2.0  # dB/s by which the speech level decays
RANGE_DB = 60.0  # anything further below the speech than this counts as nothing
GROUPS = ((0, 4), (4, 8), (8, 12), (12, 15))  # bands averaged together for the context frames
INPUTS = BANDS + len(CONTEXT) * (len(GROUPS) + 1) + len(WINDOWS_AROUND) + 2
SMOOTH = np.hanning(9)[1:-1] / np.hanning(9).sum()  # over the frames' log odds: a single 10 ms frame is noisy evidence
_REACH = len(SMOOTH) // 2
BLOCK = 20  # frames processed together: one by one they would cost five times as much
MARGIN = AHEAD + STEP + max(CONTEXT) + _REACH  # frames that must follow a judged one
# s; includes the detector's windows and the frame's own span
LOOK_AHEAD = (MARGIN + BLOCK + STEP + 2) * FRAME_SECONDS
SLICE = 5 * SPEECH_RATE  # samples processed at a time, however many arrive at once
WEIGHTS = Path(__file__).parent / "refiner.npz"

Floats = npt.NDArray[np.float32]


class Refiner:
    """Push 16 kHz samples; `probabilities` grows by one value per 10 ms frame: how likely it is speech, 0..1.

    `kept`: s for which results stay readable; None: all of them. `judging`: False if only the inputs are wanted.
    """

    def __init__(self, *, judging: bool = True, kept: float | None = None) -> None:
        frames = None if kept is None else round(kept / FRAME_SECONDS) + HISTORY + MARGIN + SLICE // FRAME
        windows = None if frames is None else round(frames * FRAME_SECONDS / WINDOW_SECONDS)
        blocks = None if frames is None else frames // STEP
        self._judging = judging
        self._frames = Frames()
        self._detector: SpeechDetector | None = None
        self._levels = RecentRows(BANDS, frames)
        self._logits = RecentRows(1, windows)
        self._noise = RecentRows(BANDS, blocks)  # one row per STEP frames
        self._speech = RecentRows(1, blocks)  # the same
        self._raw = RecentRows(1, frames)  # log odds of each frame by itself
        self._judged = RecentRows(1, frames)
        self._peak = -np.inf
        self._count = 0
        self._waiting: list[Samples] = []
        self._unframed = 0

    @property
    def judged(self) -> int:
        """How many frames have been judged, which is the number of the next one."""
        return len(self._judged)

    @property
    def probabilities(self) -> Floats:
        """Probabilities of the frames judged so far and still kept."""
        return self._judged.held[:, 0]

    @property
    def levels(self) -> RecentRows:
        """One row of band levels in dB per frame received so far."""
        return self._levels

    @property
    def noise(self) -> RecentRows:
        """One row of band levels in dB per STEP frames."""
        return self._noise

    @property
    def nbytes(self) -> int:
        """Memory held for past audio, in bytes."""
        return sum(
            rows.nbytes for rows in (self._levels, self._logits, self._noise, self._speech, self._raw, self._judged)
        )

    def probabilities_between(self, start: int, end: int) -> Floats:
        """Probabilities of frames `start` to `end`, as far as they are judged and kept."""
        return self._judged.between(start, end)[:, 0]

    def detected_between(self, start: int, end: int) -> Floats:
        """The detector's own probabilities for its 32 ms windows `start` to `end`, as far as they are kept."""
        return np.asarray(1.0 / (1.0 + np.exp(-self._logits.between(start, end)[:, 0])), np.float32)

    def push(self, samples: Samples, detected: Sequence[Detection] | None = None) -> None:
        """Push any number of samples. `detected`: the windows they complete, if a detector has already run on them."""
        for at in range(0, len(samples), SLICE):
            part = samples[at : at + SLICE]
            self._count += len(part)
            self._waiting.append(part)
            self._unframed += len(part)
            if self._unframed >= BLOCK * FRAME:
                self._frame()
                self._advance(end=False)
            if detected is None:
                self._detect(part)
        if detected is not None:
            self._add(detected)

    def _frame(self) -> None:
        self._levels.add(self._frames.push(np.concatenate(self._waiting)))
        self._waiting, self._unframed = [], 0

    def flush(self) -> None:
        """Judge what is left. Nothing may be pushed afterwards."""
        if self._waiting:
            self._frame()
        self._levels.add(self._frames.flush())
        self._detect(np.zeros(-self._count % WINDOW, np.float32))
        self._advance(end=True)

    def _detect(self, samples: Samples) -> None:
        if self._detector is None:
            self._detector = SpeechDetector()
        self._add(list(self._detector.push(samples)))

    def _add(self, detected: Sequence[Detection]) -> None:
        if detected:
            clipped = np.clip(np.array([[p] for p, _ in detected], np.float32), 1e-4, 1 - 1e-4)
            self._logits.add(np.log(clipped / (1 - clipped)))

    def _advance(self, *, end: bool) -> None:
        heard = len(self._levels)
        self._follow(heard, end=end)
        ready = heard if end else min(heard - MARGIN + _REACH, self._windowed()) // STEP * STEP
        done = len(self._raw)
        if self._judging and ready > done:
            self._raw.add(log_odds(self.inputs(done, ready))[:, None])
            self._smooth(end=end)

    def _smooth(self, *, end: bool) -> None:
        count, done = len(self._raw), len(self._judged)
        ready = count if end else count - _REACH
        if ready <= done:
            return
        low, high = done - _REACH, ready + _REACH
        there = self._raw.between(max(0, low), min(count, high))[:, 0]
        part = np.pad(there, (max(0, -low), max(0, high - count)), mode="edge")
        smooth = np.convolve(part, SMOOTH.astype(np.float32), "valid")
        self._judged.add((1.0 / (1.0 + np.exp(-smooth)))[:, None].astype(np.float32))

    def _windowed(self) -> int:
        """Number of frames for which all detector windows have arrived."""
        windows = len(self._logits) - max(WINDOWS_AROUND)
        return max(0, windows * WINDOW // FRAME - 1)

    def _follow(self, heard: int, *, end: bool) -> None:
        """Update noise and speech level every STEP frames, from HISTORY frames before to AHEAD frames after."""
        while True:
            at = len(self._noise) * STEP
            if at >= heard or (at + AHEAD > heard and not end):
                return
            window = self._levels.between(max(0, at - HISTORY), at + AHEAD)
            loudness = total(window)
            fresh = loudness[min(at, HISTORY) :]
            peak = float(_percentile(fresh, 90))
            self._peak = max(peak, self._peak - DECAY * STEP * FRAME_SECONDS)
            audible = window[loudness > max(-95.0, self._peak - 75.0)]  # digital silence is no noise reference
            noise = _percentile(audible if len(audible) else window, NOISE_PERCENTILE)
            self._noise.add(np.maximum(noise, self._peak - RANGE_DB - 10.0)[None, :].astype(np.float32))
            self._speech.add(np.array([[self._peak]], np.float32))

    def inputs(self, start: int, end: int) -> Floats:
        """(frames, INPUTS): the network's inputs for frames `start` to `end`."""
        frames = np.arange(start, end)
        reach = max(-min(CONTEXT), max(CONTEXT))
        low = max(0, start - reach)
        part = self._levels.between(low, end + reach)
        block = np.minimum(np.arange(low, low + len(part)) // STEP, len(self._noise) - 1)
        noise, speech = self._noise.at(block), self._speech.at(block)[:, 0]
        above = np.clip(part - np.maximum(noise, (speech - RANGE_DB)[:, None]), -3.0, 40.0) / 20.0
        below = np.clip(total(part) - speech, -RANGE_DB, 6.0) / 20.0
        grouped = np.stack([above[:, a:b].mean(axis=1) for a, b in GROUPS] + [below], axis=1)
        here = frames - low
        around = np.clip(here[:, None] + np.array(CONTEXT)[None, :], 0, len(part) - 1)
        windows = np.clip(
            (frames * FRAME + FRAME // 2)[:, None] // WINDOW + np.array(WINDOWS_AROUND)[None, :],
            0, len(self._logits) - 1,
        )  # fmt: skip
        phase = ((frames * FRAME + FRAME // 2) % WINDOW / WINDOW)[:, None]
        clear = (speech[here] - total(noise[here])) / 40.0
        return np.concatenate(
            [
                above[here],
                grouped[around].reshape(len(frames), -1),
                self._logits.at(windows)[..., 0] / 5.0,
                phase,
                clear[:, None],
            ],
            axis=1,
        ).astype(np.float32)


def log_odds(inputs: Floats) -> Floats:
    """The network, with one hidden layer: log odds of speech against anything else."""
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
