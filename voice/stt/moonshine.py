"""Moonshine tiny-en, bundled in moonshine-voice 0.1.0: the embedded engine. Unlike Whisper, it writes "um" and "uh".

The library's own detector is switched off (`vad_threshold` 0), because it swallows soft onsets that ours lets through.
Its Python wrapper copies audio through a list, so we call the C function with a pointer instead.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from typing import Any

import numpy as np

from voice.audio import SPEECH_RATE, Samples
from voice.errors import EngineError
from voice.stt.align import Aligner, spread
from voice.words import TimedWord


class MoonshineDecoder:
    """Implements `Decoder`. The tiny model gives no word times; forced alignment (voice/stt/align.py) supplies them."""

    name = "moonshine tiny-en"
    max_window = 14.0

    def __init__(self) -> None:
        # Half the CPU for 10 % more latency: partials must not starve the rest of the call.
        os.environ.setdefault("MOONSHINE_ORT_SINGLE_THREAD", "1")
        try:
            from moonshine_voice.moonshine_api import ModelArch
            from moonshine_voice.transcriber import Transcriber
            from moonshine_voice.utils import get_model_path

            self._transcriber: Any = Transcriber(
                get_model_path("tiny-en"), ModelArch.TINY, options={"vad_threshold": "0"}
            )
        except (ImportError, OSError, RuntimeError) as error:
            raise EngineError(
                f"Moonshine cannot be loaded ({error}); pip install 'moonshine-voice==0.1.0' (later ones bundle no model)"
            ) from error
        self._lock = threading.Lock()
        self._aligner = Aligner()

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        words = self.text(samples).split()
        if not words:
            return []
        return self._aligner.align(samples, words) if timed else spread(words, 0.0, len(samples) / SPEECH_RATE)

    def text(self, samples: Samples) -> str:
        """Plain text of 16 kHz samples."""
        if len(samples) < SPEECH_RATE // 10:
            return ""
        from moonshine_voice.errors import check_error
        from moonshine_voice.moonshine_api import TranscriptC

        sound = np.ascontiguousarray(samples, np.float32)
        found: Any = ctypes.POINTER(TranscriptC)()
        with self._lock:
            t = self._transcriber
            check_error(
                t._lib.moonshine_transcribe_without_streaming(
                    t._handle,
                    sound.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
                    len(sound),
                    SPEECH_RATE,
                    0,
                    ctypes.byref(found),
                )
            )
            lines = [found.contents.lines[i] for i in range(found.contents.line_count)] if found else []
            text = [ctypes.string_at(line.text).decode("utf-8", "ignore") for line in lines if line.text]
        # The tiny model stutters on punctuation ("example,, a").
        return re.sub(r"([,.?!])[,.]+", r"\1", " ".join(text)).strip()
