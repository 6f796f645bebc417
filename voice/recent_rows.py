"""An endless stream of numeric rows of which the latest are kept. Row numbers count from the first row ever added."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
SPARE = 1024  # rows of spare room, so that old rows are dropped in batches


class RecentRows:
    """`kept`: at least this many rows stay readable; None: all of them."""

    def __init__(self, width: int, kept: int | None = None) -> None:
        self._kept = kept
        self._held = np.zeros((SPARE, width), np.float32)
        self._count = 0  # rows held
        self.first = 0  # number of the oldest row held

    def __len__(self) -> int:
        """How many rows were ever added: the number of the next one."""
        return self.first + self._count

    @property
    def nbytes(self) -> int:
        """Allocated memory in bytes."""
        return self._held.nbytes

    @property
    def held(self) -> Floats:
        """All rows held; the first has the number `first`."""
        return self._held[: self._count]

    def between(self, start: int, end: int) -> Floats:
        """Rows `start` to `end`, as far as they exist and are still held."""
        return self._held[max(0, start - self.first) : max(0, min(end - self.first, self._count))]

    def at(self, numbers: npt.NDArray[np.intp]) -> Floats:
        """The rows with these numbers, which must be held."""
        return self.held[numbers - self.first]

    def add(self, rows: Floats) -> None:
        if self._count + len(rows) > len(self._held):
            self._make_room(len(rows))
        self._held[self._count : self._count + len(rows)] = rows
        self._count += len(rows)

    def _make_room(self, more: int) -> None:
        drop = 0 if self._kept is None else max(0, min(self._count + more - self._kept, self._count))
        left = self._count - drop
        if left + more <= len(self._held):
            self._held[:left] = self._held[drop : self._count]
        else:
            most = 2 * len(self._held)
            if self._kept is not None:
                most = min(most, self._kept + SPARE)
            grown = np.zeros((max(most, left + more), self._held.shape[1]), np.float32)
            grown[:left] = self._held[drop : self._count]
            self._held = grown
        self.first += drop
        self._count = left
