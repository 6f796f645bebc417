"""The latest part of an endless audio stream, in bounded memory. The cost of a read depends only on its length."""

from __future__ import annotations

from collections import deque

import numpy as np

from voice.audio import SPEECH_RATE, Samples

PIECE = SPEECH_RATE  # samples allocated at once: memory grows with the audio, second by second, up to its bound


class SoundBuffer:
    """Push samples; read any part of the last `kept` s by position. Positions count from the first sample pushed.

    Holds at most `kept` s plus one piece of PIECE samples.
    """

    def __init__(self, kept: float, rate: int = SPEECH_RATE) -> None:
        self._most = round(kept * rate)
        self._pieces: deque[Samples] = deque()
        self._start = 0  # position of the first piece
        self.end = 0  # position after the newest sample

    @property
    def first(self) -> int:
        """Position of the oldest sample that may still be read."""
        return max(self._start, self.end - self._most)

    @property
    def nbytes(self) -> int:
        """Allocated memory in bytes."""
        return sum(piece.nbytes for piece in self._pieces)

    def push(self, samples: Samples) -> None:
        """Append any number of samples; those older than `kept` are dropped."""
        done = 0
        while done < len(samples):
            room = self._start + len(self._pieces) * PIECE - self.end
            if room == 0:
                self._pieces.append(self._free_piece())
                room = PIECE
            part = samples[done : done + room]
            at = PIECE - room
            self._pieces[-1][at : at + len(part)] = part
            self.end += len(part)
            done += len(part)

    def read(self, start: int, end: int) -> Samples:
        """A copy of the samples from position `start` to `end`, as far as they are kept."""
        start, end = max(start, self.first), min(end, self.end)
        found = np.empty(max(0, end - start), np.float32)
        at = start
        while at < end:
            piece, offset = divmod(at - self._start, PIECE)
            count = min(PIECE - offset, end - at)
            found[at - start : at - start + count] = self._pieces[piece][offset : offset + count]
            at += count
        return found

    def _free_piece(self) -> Samples:
        """A piece to write into: the oldest one if nothing in it is needed any more, else a new one."""
        oldest: Samples | None = None
        while self._pieces and self._start + PIECE <= self.end - self._most:
            oldest = self._pieces.popleft()
            self._start += PIECE
        return np.empty(PIECE, np.float32) if oldest is None else oldest
