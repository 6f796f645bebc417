"""A jitter buffer: audio arrives unevenly and is taken evenly. Silence where none is left; the oldest is dropped."""

from __future__ import annotations

from collections import deque

import numpy as np

from voice.audio import Samples


class JitterBuffer:
    """`cushion`: samples to collect before audio flows. `most`: samples kept; older ones are dropped."""

    def __init__(self, cushion: int, most: int) -> None:
        self._cushion = cushion
        self._most = most
        self._pieces: deque[Samples] = deque()
        self._count = 0
        self._flowing = False

    def push(self, samples: Samples) -> None:
        self._pieces.append(samples)
        self._count += len(samples)
        while self._count > self._most:
            self._count -= len(self._pieces.popleft())

    def take(self, count: int) -> Samples:
        """The next `count` samples."""
        out = np.zeros(count, np.float32)
        self._flowing = self._flowing or self._count >= self._cushion
        if not self._flowing:
            return out
        filled = 0
        while filled < count and self._pieces:
            head = self._pieces.popleft()
            part = min(count - filled, len(head))
            out[filled : filled + part] = head[:part]
            if part < len(head):
                self._pieces.appendleft(head[part:])
            filled += part
        self._count -= filled
        self._flowing = filled == count
        return out

    @property
    def depth(self) -> int:
        """Samples waiting, which is also the delay the buffer adds."""
        return self._count

    def clear(self) -> None:
        self._pieces.clear()
        self._count, self._flowing = 0, False
