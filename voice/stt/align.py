"""Forced alignment: when each word of a known text is spoken (PocketSphinx, 10 ms grid, offline).

Moonshine tiny gives no word times; this does, at about 3 % of real time on one core. One decoder per process, used
under a lock because it is not re-entrant.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from pocketsphinx import Decoder

from voice.audio import SPEECH_RATE, Samples, to_int16
from voice.pronunciation import phones, syllables
from voice.words import TimedWord, plain

_MARGIN = 0.2  # s
_WIDE = {"beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80}


class Aligner:
    """Assigns times to words. `align` never fails: if the decoder finds no path, the words are spread evenly."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The text is known, so no language model is needed.
        self._decoder = Decoder(lm=None, samprate=SPEECH_RATE, loglevel="FATAL")
        # Hoarse or hesitant speech falls outside the usual beams; wider ones take twice as long, so they come second.
        self._patient: Decoder | None = None

    def align(self, samples: Samples, words: Sequence[str]) -> list[TimedWord]:
        """`samples`: 16 kHz, containing `words` in order. One TimedWord each, times in s from the first sample."""
        sounding = [(i, p) for i, p in enumerate(map(plain, words)) if phones(p)]
        times = self._times(samples, [p for _, p in sounding]) if sounding else None
        if times is None:
            return spread(words, 0.0, len(samples) / SPEECH_RATE)
        placed: list[tuple[float, float] | None] = [None] * len(words)
        for (i, _), time in zip(sounding, times, strict=True):
            placed[i] = time
        result: list[TimedWord] = []
        last = 0.0
        for text, at in zip(words, placed, strict=True):
            start, end = at or (last, last)  # punctuation takes no time
            result.append(TimedWord(text, start, end))
            last = end
        return result

    def _times(self, samples: Samples, words: list[str]) -> list[tuple[float, float]] | None:
        with self._lock:
            found = self._aligned(self._decoder, samples, words)
            if found is None:
                if self._patient is None:
                    self._patient = Decoder(lm=None, samprate=SPEECH_RATE, loglevel="FATAL", **_WIDE)
                found = self._aligned(self._patient, samples, words)
            return found

    def _aligned(self, decoder: Decoder, samples: Samples, words: list[str]) -> list[tuple[float, float]] | None:
        for word in set(words):
            if decoder.lookup_word(word) is None:
                decoder.add_word(word, " ".join(phones(word)), True)
        # A margin of near-silence lets the decoder place the first and last word freely.
        margin = np.random.default_rng(0).normal(0.0, 2e-4, round(_MARGIN * SPEECH_RATE)).astype(np.float32)
        pcm = to_int16(np.concatenate([margin, samples, margin])).tobytes()
        try:
            decoder.set_align_text(" ".join(words))
            decoder.start_utt()
            decoder.process_raw(pcm, no_search=False, full_utt=True)
            decoder.end_utt()
            found = [s for s in decoder.seg() or [] if not s.word.startswith(("<", "["))]
        except RuntimeError:
            return None
        if len(found) != len(words):
            return None
        duration = len(samples) / SPEECH_RATE

        def clamp(frame: int) -> float:
            return min(max(frame / 100.0 - _MARGIN, 0.0), duration)

        return [(clamp(s.start_frame), clamp(s.end_frame + 1)) for s in found]


def spread(words: Sequence[str], start: float, end: float) -> list[TimedWord]:
    """Distribute words over `start`..`end` s in proportion to their syllables, for want of a better estimate."""
    weights = np.array([max(1, syllables(plain(word))) for word in words], np.float64)
    if not len(weights):
        return []
    edges = start + (end - start) * np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return [TimedWord(w, float(a), float(b)) for w, a, b in zip(words, edges, edges[1:], strict=False)]
