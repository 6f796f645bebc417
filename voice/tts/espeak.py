"""espeak-ng from the `espeakng-loader` wheel: the embedded voice. GPL-3.0, so loaded as a library and replaceable.

The library's state is global: one instance per process, used under a lock.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from typing import Any

import numpy as np

from voice.audio import Samples
from voice.errors import EngineError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth returns once all audio has been delivered
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    def __init__(self) -> None:
        try:
            import espeakng_loader

            self._lib: Any = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineError(f"espeak-ng cannot be loaded ({error}); pip install espeakng-loader") from error
        self.rate = int(self._lib.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0))
        if self.rate <= 0:
            raise EngineError(f"espeak-ng found no voices in {data}; reinstall espeakng-loader")
        self._chunks: list[Samples] = []
        self._callback = _Callback(self._collect)  # keep a reference: ctypes does not
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()

    def _collect(self, wave: Any, count: int, _events: Any) -> int:
        if wave and count > 0:
            self._chunks.append(np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / 32768.0)
        return 0

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int, pitch_range: int) -> Samples:
        with self._lock:
            self._chunks = []
            if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
                raise EngineError(f"espeak-ng has no voice {voice!r}; try en-us, en or de in VIVA_TTS_VOICE")
            self._lib.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._lib.espeak_SetParameter(_PITCH, pitch, 0)
            self._lib.espeak_SetParameter(_RANGE, pitch_range, 0)
            encoded = text.encode()
            self._lib.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
            return np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.float32)


@functools.cache
def _library() -> _Library:
    return _Library()


class EspeakVoice:
    """Implements `Voice`. `pitch` and `pitch_range` 0..99."""

    def __init__(
        self, voice: str = "en-us", words_per_minute: int = 160, pitch: int = 45, pitch_range: int = 55
    ) -> None:
        self._arguments = (voice, words_per_minute, pitch, pitch_range)
        self.name = f"espeak-ng {voice} {words_per_minute} wpm pitch {pitch}/{pitch_range}"
        self.rate = _library().rate
        _library().say("a", *self._arguments)  # fail on an unknown voice now, not during a call

    def say(self, clause: str) -> Samples:
        samples = _library().say(clause, *self._arguments)
        if not len(samples):  # punctuation alone: a breath
            return np.zeros(self.rate // 10, np.float32)
        return samples
