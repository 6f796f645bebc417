"""The recording of a session: stereo, candidate left, agent right, written as the call goes; a crash loses at most 1 s.

It is a set of pieces, raw 16-bit samples at 24 kHz, each written by one holder of the session's lease and named after
the holder's fencing token and the sample at which it begins: `recording/000003-000012345678.raw`. A process that was
suspended, lost its lease and goes on writing therefore writes into its own piece, and a piece counts only up to where
the next holder's begins. Gaps between pieces are silence.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import wave
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.errors import UserError
from memory.store import LeaseLost
from voice.audio import Samples, from_int16, to_int16

RATE = 24_000
_BYTES = 4  # two channels of 16 bits
_NAME = re.compile(r"(\d{6,})-(\d{12,})\.raw")
BLOCK = RATE * 10  # samples read at once when going through all of it
RESERVE = 4 * 2**20  # bytes left free on the disk: the log of the interview matters more than its sound
RETRY = 5.0  # s of the call before a failed disk is tried again
CLOSING = 5.0  # s to wait for a slow disk at the end
log = logging.getLogger(__name__)

Stereo = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Piece:
    """What one lease holder wrote: samples `start` to `end` count; another `ignored` samples were written too late."""

    path: Path
    token: int
    start: int
    end: int
    ignored: int = 0


class Recording:
    """The current recording of a session. `folder`: the session's. None of the sound is kept in memory.

    Sessions from before pieces existed have a single file, `recording.raw`, which is read as the first piece.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pieces = _pieces(folder)

    @property
    def length(self) -> int:
        """In samples: the session's clock."""
        return self.pieces[-1].end if self.pieces else 0

    @property
    def seconds(self) -> float:
        return self.length / RATE

    @property
    def ignored(self) -> float:
        """Seconds written by processes after another one had taken over the session."""
        return sum(piece.ignored for piece in self.pieces) / RATE

    @property
    def last_written(self) -> float | None:
        """When the newest sound was written, unix s; None if there is none."""
        filled = [piece for piece in self.pieces if piece.end > piece.start]
        return filled[-1].path.stat().st_mtime if filled else None

    def stereo(self, start: int, end: int) -> Stereo:
        """Samples `start` to `end`, shape (samples, 2): candidate, agent. Clipped to what exists."""
        start = min(max(0, start), self.length)
        end = min(max(start, end), self.length)
        found = np.zeros((end - start, 2), np.int16)
        for piece in self.pieces:
            low, high = max(start, piece.start), min(end, piece.end)
            if low < high:
                part = np.fromfile(piece.path, np.int16, (high - low) * 2, offset=(low - piece.start) * _BYTES)
                whole = len(part) // 2
                found[low - start : low - start + whole] = part[: whole * 2].reshape(-1, 2)
        return found

    def read(self, start: int = 0, end: int | None = None) -> tuple[Samples, Samples]:
        """(candidate, agent) of samples `start` to `end`, at 24 kHz."""
        found = self.stereo(start, self.length if end is None else end)
        return from_int16(found[:, 0]), from_int16(found[:, 1])

    def blocks(self, count: int = BLOCK) -> Iterator[Stereo]:
        """All of it in order, `count` samples at a time."""
        for start in range(0, self.length, count):
            yield self.stereo(start, start + count)

    @property
    def candidate(self) -> Channel:
        """The candidate's side."""
        return Channel(self)


class Channel:
    """The candidate's side of a recording, as an array of samples that are read on demand."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def __len__(self) -> int:
        return self._recording.length

    def __getitem__(self, part: slice, /) -> Samples:
        start, end, step = part.indices(len(self))
        if step != 1:
            raise ValueError("a recording is read sample by sample")
        return self._recording.read(start, end)[0]


class Recorder:
    """Writes one piece after all existing ones. `seconds` is the session's clock: the timeline counts these samples.

    `folder`: the session's. `token`: of the lease under which it is written. `at_least`: session time, s, before which
    the piece may not begin; after a power failure the log may know more than the disk. Raises UserError if the folder
    cannot be written, LeaseLost if a later holder of the lease has begun a piece.

    A disk failure during a call stops neither the call nor its clock: `problem` says what is wrong, `missing` how many
    seconds were not kept, and the disk is retried every few seconds.
    """

    def __init__(self, folder: Path, token: int = 0, at_least: float = 0.0) -> None:
        recording = Recording(folder)
        if any(piece.token > token for piece in recording.pieces):
            raise LeaseLost(f"session {folder.name} is recorded by another process, which took it over")
        self.folder = folder
        self.token = token
        self.start = max(recording.length, round(at_least * RATE))
        self.frames = self.start
        self.problem = ""
        self._lost = 0
        self._told = False
        self._synced = self.frames
        self._again = 0  # the frame from which a failed disk is tried again
        self._file: FileIO | None = None
        try:
            self._file = self._open()
        except OSError as error:
            raise UserError(
                f"cannot write the recording in {folder} ({error.strerror}); set VIVA_HOME to a folder you can write"
            ) from error
        # A sync can take seconds on a busy disk; the call must not wait for it.
        self._disk = ThreadPoolExecutor(1, "recorder")
        self._syncing: Future[None] | None = None
        self._closed = False

    @property
    def seconds(self) -> float:
        return self.frames / RATE

    @property
    def missing(self) -> float:
        """Seconds of this piece of the call that could not be written."""
        return self._lost / RATE

    def write(self, candidate: Samples, agent: Samples) -> None:
        """Equal lengths, at 24 kHz. Handed to the system at once, and synced to disk as soon as the disk can."""
        self._look_at_sync()
        if self._file is None and self.frames >= self._again:
            self._try_again()
        if self._file is not None:
            data = np.stack([to_int16(candidate), to_int16(agent)], axis=1).tobytes()
            try:
                if self._file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self._failed(error)
        if self._file is None:
            self._lost += len(candidate)
        self.frames += len(candidate)
        if self._file is not None and self._syncing is None and self.frames - self._synced >= RATE:
            self._syncing = self._disk.submit(_sync, self._file.fileno())
            self._synced = self.frames

    def close(self) -> None:
        """Sync to disk, or log why not; a second call does nothing. Waits for a slow disk, but not for ever."""
        if self._closed:
            return
        self._closed = True
        if self._file is None:
            with contextlib.suppress(OSError):
                self._file = self._open()  # empty: its name keeps the session's clock
        file, self._file = self._file, None
        last = [self._syncing] if self._syncing is not None else []
        if file is not None:
            last.append(self._disk.submit(_sync_and_close, file))
        for done in last:
            try:
                done.result(CLOSING)
            except OSError as error:  # a TimeoutError is one
                self._tell(error)
        self._disk.shutdown(wait=False)

    def _open(self) -> FileIO:
        folder = self.folder / "recording"
        folder.mkdir(parents=True, exist_ok=True)
        # The file exists only if an earlier leg of this holder ended before its first sample.
        return FileIO(folder / f"{self.token:06d}-{self.frames:012d}.raw", "ab")

    def _look_at_sync(self) -> None:
        if self._syncing is None or not self._syncing.done():
            return
        error, self._syncing = self._syncing.exception(), None
        if isinstance(error, OSError):
            self._failed(error)
        elif error is not None:
            raise error

    def _failed(self, error: OSError) -> None:
        """What is already in the piece is kept; the next attempt begins a new piece."""
        self._tell(error)
        file, self._file = self._file, None
        self._again = self.frames + round(RETRY * RATE)
        if file is not None:
            self._disk.submit(file.close)  # after a sync that still uses it

    def _try_again(self) -> None:
        self._again = self.frames + round(RETRY * RATE)
        try:
            if _free(self.folder) < 2 * RESERVE:
                return
            self._file = self._open()
        except OSError:
            return
        self._synced = self.frames
        self.problem = ""
        log.warning("the recording goes on; %.1f s are missing", self.missing)

    def _tell(self, error: Exception) -> None:
        self.problem = str(getattr(error, "strerror", "") or error or "the disk does not answer")
        if not self._told:
            log.error("the recording cannot be written (%s); the interview goes on without", self.problem)
        self._told = True


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)
    space = os.fstatvfs(descriptor)
    if space.f_bavail * space.f_frsize < RESERVE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_and_close(file: FileIO) -> None:
    with file:
        os.fsync(file.fileno())


def _free(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


def _pieces(folder: Path) -> list[Piece]:
    found: list[tuple[int, int, Path]] = []
    if (folder / "recording.raw").is_file():
        found.append((-1, 0, folder / "recording.raw"))
    for path in (folder / "recording").glob("*.raw"):
        if name := _NAME.fullmatch(path.name):
            found.append((int(name[1]), int(name[2]), path))
    pieces: list[Piece] = []
    limit: int | None = None  # where the earliest of the later pieces begins
    for token, start, path in sorted(found, reverse=True):
        written = start + path.stat().st_size // _BYTES  # a partial sample left by a crash does not count
        end = written if limit is None else max(start, min(written, limit))
        pieces.append(Piece(path, token, start, end, written - end))
        limit = start if limit is None else min(limit, start)
    return pieces[::-1]


def write_wav(recording: Recording, wav: Path) -> None:
    """Write a recording as a stereo WAV, block by block. Raises OSError, even on a full disk (libsndfile does not)."""
    with wav.open("wb") as file, wave.open(file, "wb") as out:
        out.setparams((2, 2, RATE, recording.length, "NONE", ""))
        for block in recording.blocks():
            out.writeframesraw(block.tobytes())
