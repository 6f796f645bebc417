"""The recording: stereo, candidate left, agent right, written as the call goes so that a crash loses at most a second.

Raw 16-bit samples while the call runs; a WAV is made of them at the end. A later process appends to the same file, so
a session has one timeline; where it has a hole, the event log says so.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from agent.errors import UserError
from voice.audio import Samples, to_int16

RATE = 24_000
_BYTES = 4  # two channels of 16 bits


class Recorder:
    """`seconds` is the session's clock: everything on the timeline is measured in samples of this file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
        except OSError as error:
            raise UserError(
                f"cannot write the recording {path} ({error.strerror}); set VIVA_HOME to a folder you can write"
            ) from error
        self._file.truncate(path.stat().st_size // _BYTES * _BYTES)  # half a sample from a crash
        self.start = path.stat().st_size // _BYTES
        self.frames = self.start
        self._synced = self.frames
        # A busy disk takes seconds for a sync; the call must not stand still for it.
        self._disk = ThreadPoolExecutor(1, "recorder")
        self._syncing: Future[None] | None = None

    @property
    def seconds(self) -> float:
        return self.frames / RATE

    def write(self, candidate: Samples, agent: Samples) -> None:
        """Equal lengths, at 24 kHz. Out of this process within a second, and on the disk as soon as it can take it."""
        self._file.write(np.stack([to_int16(candidate), to_int16(agent)], axis=1).tobytes())
        self.frames += len(candidate)
        if self.frames - self._synced >= RATE and (self._syncing is None or self._syncing.done()):
            self._file.flush()
            self._syncing = self._disk.submit(os.fsync, self._file.fileno())
            self._synced = self.frames

    def close(self) -> None:
        self._disk.shutdown(wait=True)
        self._file.close()


def read_raw(path: Path) -> tuple[Samples, Samples]:
    """(candidate, agent) at 24 kHz; empty where nothing was recorded."""
    data = np.fromfile(path, np.int16) if path.is_file() else np.zeros(0, np.int16)
    stereo = data[: len(data) // 2 * 2].reshape(-1, 2).astype(np.float32) / 32768.0
    return stereo[:, 0].copy(), stereo[:, 1].copy()


def write_wav(raw: Path, wav: Path) -> None:
    """The recording as a stereo WAV, copied block by block."""
    with soundfile.SoundFile(wav, "w", RATE, 2, "PCM_16") as out, raw.open("rb") as source:
        while block := source.read(RATE * _BYTES * 10):
            out.write(np.frombuffer(block[: len(block) // _BYTES * _BYTES], np.int16).reshape(-1, 2))
