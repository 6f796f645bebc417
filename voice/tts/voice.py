"""What an engine must provide to be a voice: say one clause."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from voice.audio import Samples

KEPT = 120.0  # s of audio, 12 MB: a call's fixed sentences, and the reply that is being prepared


class Voice(Protocol):
    """Blocking, called from a worker thread, one clause at a time."""

    name: str  # engine and voice: the key of the phrase cache
    rate: int  # Hz of what `say` returns

    def say(self, clause: str) -> Samples:
        """float32 mono samples at `rate`. Raises if the engine fails; EngineError if the cause is known."""
        ...


class PhraseCache:
    """Caches the audio of clauses, so that fixed sentences cost nothing. Bounded by seconds of audio.

    Thread-safe: several threads use it at once if an engine hangs on one. Failures are not cached.
    """

    def __init__(self, seconds: float = KEPT) -> None:
        self._limit = seconds
        self._held = 0.0
        self._clips: dict[tuple[str, str, int], Samples] = {}
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory held for audio, in bytes."""
        with self._lock:
            return sum(clip.nbytes for clip in self._clips.values())

    def get(self, voice: Voice, clause: str, rate: int, make: Callable[[], Samples]) -> Samples:
        """This voice's clip at `rate` Hz, made by `make` if not cached."""
        known = self.find(voice, clause, rate)
        if known is not None:
            return known
        clip = make()
        with self._lock:
            self._forget((voice.name, clause, rate))
            self._clips[voice.name, clause, rate] = clip
            self._held += len(clip) / rate
            while self._held > self._limit and len(self._clips) > 1:
                self._forget(next(iter(self._clips)))
        return clip

    def find(self, voice: Voice, clause: str, rate: int) -> Samples | None:
        """This voice's clip at `rate` Hz, if cached."""
        key = (voice.name, clause, rate)
        with self._lock:
            if key not in self._clips:
                return None
            self._clips[key] = clip = self._clips.pop(key)  # newest last
            return clip

    def _forget(self, key: tuple[str, str, int]) -> None:
        clip = self._clips.pop(key, None)
        if clip is not None:
            self._held -= len(clip) / key[2]

    def __contains__(self, key: tuple[str, str, int]) -> bool:
        return key in self._clips
