"""Reading and converting audio. Inside Vivavoce, speech is float32 mono in -1..1; recognisers get 16 kHz."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from vivavoce.errors import VivavoceError
from voice import containers

Samples = npt.NDArray[np.float32]
SPEECH_RATE = 16_000
HIGHEST_RATE = 768_000
TOLERANCE = 0.25  # s by which a file may be shorter than announced: encoders pad, and count in frames
CANCELLED = 0.25  # share of the power that independent channels would leave in their mean; below it they cancel out
BLOCK = 2**13  # samples read at once
ENDLESS = 2**62  # the frame count libsndfile gives for a file of unknown length
ABSURD = 1e5  # a header that announces this many times the audio present is broken; the file is not cut off
UNKNOWN = 0xFFFFFF00  # a WAV with a data size this large was written to a pipe, so its header was never filled in


class AudioError(VivavoceError):
    """The recording cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Audio:
    """Mono samples (float32, -1..1) and their rate in Hz.

    `missing`: seconds that the header announces but a cut-off file does not contain.
    """

    samples: Samples
    rate: int
    missing: float = 0.0

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    @property
    def warning(self) -> str:
        """One line if the file is cut off, else empty."""
        if not self.missing:
            return ""
        return f"cut off: {self.missing:.1f} s of the {self.duration + self.missing:.1f} s that it announces are missing; what is there is used"

    def at(self, rate: int) -> Audio:
        """The same audio at another rate (soxr, high quality)."""
        return self if rate == self.rate else replace(self, samples=resample(self.samples, self.rate, rate), rate=rate)


def resample(samples: Samples, source: int, target: int) -> Samples:
    """Resample from `source` to `target` Hz. Linear phase, so nothing moves in time."""
    if source == target:
        return samples
    converted: Samples = soxr.resample(samples, source, target, quality="HQ").astype(np.float32)
    return converted


def stream_resample(samples: Samples, source: int, target: int) -> Samples:
    """Resample exactly as a live call does frame by frame: the output does not depend on the chunk sizes."""
    if source == target:
        return samples
    converted: Samples = speech_resampler(source, target).resample_chunk(samples, last=True)
    return converted


def speech_resampler(source: int, target: int) -> soxr.ResampleStream:
    """The resampler of a call: medium quality, which is fast and enough for speech."""
    return soxr.ResampleStream(source, target, 1, dtype="float32", quality="MQ")


def load(path: Path) -> Audio:
    """Load any rate, any number of channels (mixed down), any format libsndfile or FFmpeg reads (wav, mp3, webm ...).

    A cut-off recording yields what is there; `missing` says how much is not. Raises AudioError for a file that is
    missing, unreadable or empty.
    """
    if not path.is_file():
        raise AudioError(f"{path}: {'no such file' if not path.exists() else 'no file'}; check the path")
    try:
        kind = containers.kind_of(path)
        samples, rate, promised = containers.decode(path, kind) if kind else _read_or_decode(path)
    except containers.ContainerError as error:
        raise AudioError(f"{path}: {error}; record or export it again, or convert it to wav") from error
    except (soundfile.LibsndfileError, RuntimeError, OSError, ValueError, MemoryError) as error:
        raise AudioError(
            f"{path}: not a readable recording (wav, flac, ogg, mp3, m4a, mp4, webm and amr are); convert it, e.g. "
            f"ffmpeg -i {path.name} {path.stem}.wav"
        ) from error
    if len(samples) == 0:
        raise AudioError(f"{path}: holds no sound (zero length); record it again")
    if rate < 4_000:
        raise AudioError(f"{path}: {rate} Hz is too low for speech; use 8000 Hz or more")
    if rate > HIGHEST_RATE:
        raise AudioError(
            f"{path}: {rate} Hz is no rate of a recording; its header is broken, record or export it again"
        )
    missing = promised - len(samples) / rate
    return Audio(
        _mono(np.nan_to_num(samples, posinf=0.0, neginf=0.0)), int(rate), missing if missing > TOLERANCE else 0.0
    )


def _read_or_decode(path: Path) -> tuple[npt.NDArray[np.float32], int, float]:
    """Read with libsndfile; fall back to FFmpeg where both know the container but only FFmpeg knows the codec."""
    try:
        return _read(path)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        other = containers.other_reader(path)
        if other is None:
            raise
        try:
            return containers.decode(path, other)
        except containers.ContainerError:
            raise error from None


def _read(path: Path) -> tuple[npt.NDArray[np.float32], int, float]:
    """Read with libsndfile: (samples of shape (samples, channels), rate, seconds the header promises or 0)."""
    with _silent_decoders(), soundfile.SoundFile(path) as file:
        rate, counted, channels = file.samplerate, file.frames, file.channels
        blocks: list[npt.NDArray[np.float32]] = []
        try:
            # In blocks, since a header may promise more than fits in memory.
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
        except soundfile.LibsndfileError:  # cut off or damaged: keep what came before
            if not blocks:
                raise
        announced = counted / rate if counted < ENDLESS and _counts(path, file.format) else 0.0
    samples = np.concatenate(blocks) if blocks else np.zeros((0, channels), np.float32)
    return samples, rate, max(announced, len(samples) / rate * _wav_share(path))


def _counts(path: Path, format_: str) -> bool:
    """Whether the header gives the number of samples. For an MP3 without such a frame, libsndfile only guesses."""
    if format_ != "MP3":
        return True
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":
            size = (tag[6] << 21) + (tag[7] << 14) + (tag[8] << 7) + tag[9]
            file.seek(10 + size)
        else:
            file.seek(0)
        first = file.read(256)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _wav_share(path: Path) -> float:
    """Ratio of announced to present bytes of audio in a WAV: 1 if it is complete or its length is unknown (a pipe)."""
    total = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            return 1.0
        long_size = 0
        while len(chunk := file.read(8)) == 8:
            name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
            if name == b"data":
                there = total - file.tell()
                size = long_size if long_size else 0 if size >= UNKNOWN else size
                return size / there if 0 < there < size < there * ABSURD else 1.0
            body = file.read(min(size, 16))
            if name == b"ds64" and len(body) == 16:
                long_size = int.from_bytes(body[8:], "little")
            file.seek(size + size % 2 - len(body), os.SEEK_CUR)
    return 1.0


def _mono(samples: npt.NDArray[np.float32]) -> Samples:
    """The mean of all channels or, where they cancel each other out, the loudest channel."""
    mixed: Samples = samples.mean(axis=1, dtype=np.float32)
    if samples.shape[1] == 1:
        return mixed
    powers = np.var(samples, axis=0, dtype=np.float64)
    # Uncorrelated channels would give the right-hand side without CANCELLED; far less means opposite polarity.
    if float(np.var(mixed, dtype=np.float64)) < CANCELLED * float(powers.sum()) / samples.shape[1] ** 2:
        return np.ascontiguousarray(samples[:, int(powers.argmax())])
    return mixed


@contextlib.contextmanager
def _silent_decoders() -> Iterator[None]:
    """Silence libmpg123, which prints its warnings to stderr: the user should see only our one line."""
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
    """RMS level in dB relative to full scale; -120 for digital silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * float(np.log10(max(power, 1e-12)))
