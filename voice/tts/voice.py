"""What an engine must do to be a voice: say one clause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from voice.audio import Samples


class Voice(Protocol):
    """Blocking, called from a worker thread, one clause at a time."""

    name: str  # engine and voice: the key of the phrase cache
    rate: int  # Hz of what `say` returns

    def say(self, clause: str) -> Samples:
        """float32 mono samples at `rate`. Raises EngineError where the engine fails."""
        ...


class PhraseCache:
    """Remembers what a clause sounds like, so that fixed sentences cost nothing. Bounded by seconds of sound."""

    def __init__(self, seconds: float = 600.0) -> None:
        self._limit = seconds
        self._held = 0.0
        self._clips: dict[tuple[str, str, int], Samples] = {}

    def get(self, voice: Voice, clause: str, rate: int, make: Callable[[], Samples]) -> Samples:
        """The clip at `rate` Hz, made by `make` if it is not known."""
        key = (voice.name, clause, rate)
        if key in self._clips:
            self._clips[key] = clip = self._clips.pop(key)  # newest last
            return clip
        clip = make()
        self._clips[key] = clip
        self._held += len(clip) / rate
        while self._held > self._limit and len(self._clips) > 1:
            oldest = next(iter(self._clips))
            self._held -= len(self._clips.pop(oldest)) / oldest[2]
        return clip

    def __contains__(self, key: tuple[str, str, int]) -> bool:
        return key in self._clips
