"""Audio as a stream of 10 ms frames of band levels; the output does not depend on the chunk sizes."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from voice.audio import SPEECH_RATE, Samples

FRAME = 160  # 10 ms at 16 kHz
FRAME_SECONDS = FRAME / SPEECH_RATE
SPAN = 400  # 25 ms under a Hann window around the middle of the frame
_BEFORE = (SPAN - FRAME) // 2
_SIZE = 512
# Hz; from a full octave at the low end to about a third of one at the top. Mains hum and DC lie below the first.
EDGES = (100, 200, 300, 420, 560, 720, 920, 1170, 1480, 1860, 2330, 2900, 3600, 4450, 5500, 7000)
BANDS = len(EDGES) - 1
FLOOR_DB = -100.0

Levels = npt.NDArray[np.float32]


@functools.cache
def _bins() -> npt.NDArray[np.intp]:
    """FFT bin at which each band begins, and the one at which the last band ends."""
    return np.searchsorted(np.fft.rfftfreq(_SIZE, 1 / SPEECH_RATE), np.array(EDGES)).astype(np.intp)


class Frames:
    """Streaming: push any number of 16 kHz samples, get (frames, bands) levels in dB of the completed frames.

    A frame needs 7.5 ms of audio after its end.
    """

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(_BEFORE, np.float32)
        self._window = np.hanning(SPAN).astype(np.float32)

    def push(self, samples: Samples) -> Levels:
        sound = np.concatenate([self._rest, samples])
        count = max(0, (len(sound) - SPAN) // FRAME + 1)
        self._rest = sound[count * FRAME :]
        if not count:
            return np.zeros((0, BANDS), np.float32)
        return band_levels(np.lib.stride_tricks.sliding_window_view(sound, SPAN)[::FRAME][:count] * self._window)

    def flush(self) -> Levels:
        """The remaining frames, as if silence followed."""
        whole = -(-(max(0, len(self._rest) - _BEFORE)) // FRAME)
        return self.push(np.zeros(SPAN, np.float32))[:whole]


def band_levels(windows: npt.NDArray[np.float32]) -> Levels:
    """(frames, SPAN) windowed samples to (frames, BANDS) levels in dB, at least FLOOR_DB."""
    levels = np.empty((len(windows), BANDS), np.float32)
    for at in range(0, len(windows), 2000):  # an hour of audio must not take gigabytes
        spectrum = np.fft.rfft(windows[at : at + 2000], _SIZE)
        power = np.add.reduceat(np.square(spectrum.real) + np.square(spectrum.imag), _bins(), axis=1)[:, :BANDS]
        # Rounded: the last digits of a sum depend on how many rows it had, and live must equal recorded.
        levels[at : at + 2000] = np.round(10.0 * np.log10(np.maximum(power / SPAN, 10 ** (FLOOR_DB / 10))), 3)
    return levels


def total(levels: Levels) -> Levels:
    """Total level in dB over all bands, for levels of shape (..., bands)."""
    return np.asarray(10.0 * np.log10(np.sum(10.0 ** (levels / 10.0), axis=-1)), np.float32)
