"""Transcribe a whole recording: cut it at pauses into windows that suit the engine, then decode each."""

from __future__ import annotations

from collections.abc import Callable

from voice.audio import SPEECH_RATE, Samples
from voice.stt.decoder import Decoder
from voice.stt.hallucination import believable
from voice.vad.boundaries import SpeechMap, map_speech
from voice.words import TimedWord

MARGIN = 0.2  # s kept around each window


def transcribe(
    samples: Samples,
    decoder: Decoder,
    progress: Callable[[float], None] = lambda _: None,
    heard: SpeechMap | None = None,
) -> list[TimedWord]:
    """All words of 16 kHz samples, times in s from their start. `progress` receives the share done, 0..1.

    `heard`: where the speech is, if already known.
    """
    words: list[TimedWord] = []
    windows = cut_windows((heard or map_speech(samples)).speech, decoder.max_window)
    for i, (start, end, voiced) in enumerate(windows):
        a = max(0.0, start - MARGIN)
        piece = samples[round(a * SPEECH_RATE) : round((end + MARGIN) * SPEECH_RATE)]
        words += [word.shifted(a) for word in believable(decoder.decode(piece, timed=True), voiced)]
        progress((i + 1) / len(windows))
    return words


def cut_windows(speech: list[tuple[float, float]], longest: float) -> list[tuple[float, float, float]]:
    """Windows (start, end, seconds of speech) of at most `longest` s, cut at the widest pause that allows it.

    A window also ends at any pause of three seconds; shorter pauses stay inside, because context across them helps.
    Unbroken speech longer than a window is cut at `longest` regardless.
    """
    windows: list[tuple[float, float, float]] = []
    group: list[tuple[float, float]] = []

    def close(until: int) -> None:
        part = group[:until]
        windows.append((part[0][0], part[-1][1], sum(b - a for a, b in part)))
        del group[:until]

    for begin, end in speech:
        pieces = [(begin, end)]
        while pieces[-1][1] - pieces[-1][0] > longest:
            a, b = pieces.pop()
            pieces += [(a, a + longest), (a + longest, b)]
        for piece in pieces:
            if group and piece[0] - group[-1][1] >= 3.0:
                close(len(group))
            while group and piece[1] - group[0][0] > longest:
                gaps = [b[0] - a[1] for a, b in zip(group, [*group[1:], piece], strict=True)]
                close(max(range(len(gaps)), key=lambda i: gaps[i]) + 1)
            group.append(piece)
    if group:
        close(len(group))
    return windows
