"""Reading and converting sound. Inside Vivavoce speech is float32 mono in -1..1; recognisers get 16 kHz."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

Samples = npt.NDArray[np.float32]
SPEECH_RATE = 16_000


class AudioError(Exception):
    """A recording that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Audio:
    """Mono samples (float32, -1..1) and their rate in Hz."""

    samples: Samples
    rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> Audio:
        """The same sound at another rate (soxr, high quality)."""
        return self if rate == self.rate else Audio(resample(self.samples, self.rate, rate), rate)


def resample(samples: Samples, source: int, target: int) -> Samples:
    """`samples` at `source` Hz, as `target` Hz. Linear phase, so nothing moves in time."""
    if source == target:
        return samples
    converted: Samples = soxr.resample(samples, source, target, quality="HQ").astype(np.float32)
    return converted


def stream_resample(samples: Samples, source: int, target: int) -> Samples:
    """As the ear resamples a call frame by frame: the same samples come out whatever the sizes that went in."""
    if source == target:
        return samples
    converted: Samples = ear_resampler(source, target).resample_chunk(samples, last=True)
    return converted


def ear_resampler(source: int, target: int) -> soxr.ResampleStream:
    """The resampler of a call; quick, since speech needs no more."""
    return soxr.ResampleStream(source, target, 1, dtype="float32", quality="MQ")


def load(path: Path) -> Audio:
    """Any rate, mono or many channels (mixed down), any format that libsndfile reads (wav, flac, ogg, mp3 ...).

    Raises AudioError for a file that is missing, unreadable or empty.
    """
    if not path.is_file():
        raise AudioError(f"{path}: no such file; check the path")
    try:
        with _silent_decoders():
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise AudioError(
            f"{path}: not a readable recording (wav, flac, ogg and mp3 are); convert it, e.g. "
            f"ffmpeg -i {path.name} {path.stem}.wav"
        ) from error
    if len(samples) == 0:
        raise AudioError(f"{path}: holds no sound (zero length); record it again")
    if rate < 4_000:
        raise AudioError(f"{path}: {rate} Hz is too low for speech; use 8000 Hz or more")
    mono = np.nan_to_num(samples.mean(axis=1, dtype=np.float32), posinf=0.0, neginf=0.0)
    return Audio(mono.astype(np.float32), int(rate))


@contextlib.contextmanager
def _silent_decoders() -> Iterator[None]:
    """libmpg123 prints its doubts about a file on stderr; ours is the one line that the user gets."""
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def to_int16(samples: Samples) -> npt.NDArray[np.int16]:
    """float32 in -1..1 to int16, clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)


def from_int16(pcm: npt.NDArray[np.int16]) -> Samples:
    """int16 to float32 in -1..1."""
    return pcm.astype(np.float32) / 32768.0


def level_dbfs(samples: Samples) -> float:
    """Root-mean-square level in dB relative to full scale; -120 for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * float(np.log10(max(power, 1e-12)))
