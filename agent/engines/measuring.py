"""From a turn's words and sound to its Delivery record. The measuring itself is done by voice.metrics.hesitation.

Live and recorded sound are processed identically, so the numbers are the same: one resampler, one refiner that starts
at the beginning of the leg, and the same part of it measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dialogue.state import Turn
from memory.records import Delivery, FilledPause, Interval, Word
from voice.audio import SPEECH_RATE, Samples, speech_resampler
from voice.intervals import overlap
from voice.metrics.hesitation import Measures, first_sounds, measure
from voice.vad.boundaries import EDGE, SpeechMap, map_speech, speech_in
from voice.vad.frames import FRAME_SECONDS
from voice.vad.refiner import Refiner
from voice.words import TimedWord

LEAD, TAIL = 0.6, 0.5  # s of sound taken before the first and after the last word
READ = 10.0  # s of a recording held in memory at once


@dataclass(frozen=True)
class Floor:
    """When the candidate got the floor. `given`: end of the question's audible sound, s; None if unknown.

    `transport`: round-trip delay of the line including buffers, s; None if unknown (a phone).
    """

    given: float | None
    transport: float | None = 0.0


@dataclass(frozen=True)
class Answer:
    """What is measured: 16 kHz `samples` from session time `start`, the words in them, and where the speech is."""

    samples: Samples
    start: float
    words: Sequence[Word]
    floor: Floor
    interruptions: int = 0
    heard: SpeechMap | None = None
    held_up: Sequence[Interval] = ()  # session times at which our own process stalled


Measure = Callable[[Answer], Delivery]


def spoken_words(turn: Turn) -> list[Word]:
    """The words of an answer that have a sound."""
    return [word for piece in turn.heard if not piece.typed for word in piece.words]


def held_up_in(turn: Turn) -> list[Interval]:
    """Session times at which our own process stalled, as noted in the pieces of this answer."""
    return [stretch for piece in turn.heard for stretch in piece.held_up]


class Sound(Protocol):
    """An array of samples, or something that reads them on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Samples: ...


def is_measured(turn: Turn) -> bool:
    """Whether a turn is a spoken answer: not a request ("could you repeat that?"), and not typed."""
    return turn.answered and turn.intent == "answer" and bool(spoken_words(turn))


def measured_words(turn: Turn, holes: Sequence[tuple[float, float]]) -> list[Word]:
    """The words of an answer to measure. Nothing is measured across a hole, so this is the part with the most words."""
    parts: list[list[Word]] = [[]]
    edges = sorted(t for t, _ in holes)
    for word in spoken_words(turn):
        while edges and word.start >= edges[0]:
            edges.pop(0)
            parts.append([])
        parts[-1].append(word)
    return max(parts, key=len)


def floor_of(turn: Turn, words: Sequence[Word]) -> Floor:
    """When the candidate was given the floor for an answer of which `words` are measured.

    This is the end of the last utterance that asked the question (the original, a repeat or a rewording) before the
    answer began. A nudge or a notice asks no question, and the candidate cannot have waited for anything said after the
    answer began. Unknown if the beginning of the answer is not measured, or the question was not heard before it.
    """
    spoken = spoken_words(turn)
    if not words or not spoken or words[0] is not spoken[0]:
        return Floor(None)
    before = [put for put in turn.put if put.t <= words[0].start]
    return Floor(before[-1].end, before[-1].transport) if before else Floor(None)


def leg_of(time: float, holes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(start, end) of the leg (a stretch without a hole) that contains a session time; the last leg ends at inf."""
    low = max((t for t, _ in holes if t <= time), default=0.0)
    high = min((t for t, _ in holes if t > time), default=float("inf"))
    return low, high


def measure_recorded(
    candidate: Sound, rate: int, turn: Turn, holes: Sequence[tuple[float, float]], measure: Measure
) -> Delivery | None:
    """Measure an answer from the recording, if it was not measured live. None if there are no words to measure."""
    words = measured_words(turn, holes)
    if not words:
        return None
    low, high = leg_of(words[0].start, holes)
    high = min(high, len(candidate) / rate)
    start, end = max(low, words[0].start - LEAD), words[-1].end + TAIL
    samples, refiner = _listened(candidate, rate, (low, high), (start, end))
    heard = speech_in(refiner, start - low, end - low)
    return measure(Answer(samples, start, words, floor_of(turn, words), turn.interruptions, heard, held_up_in(turn)))


def _listened(
    candidate: Sound, rate: int, leg: tuple[float, float], part: tuple[float, float]
) -> tuple[Samples, Refiner]:
    """16 kHz sound of `part`, and a refiner that heard the leg from its beginning until it had judged the part.

    The refiner has state, so it must hear what the speech tracker heard; the rest of the leg would change nothing.
    """
    (low, high), (start, end) = leg, part
    refiner, resampler = Refiner(), speech_resampler(rate, SPEECH_RATE)
    first, last, step = round(low * rate), round(high * rate), round(READ * rate)
    a, b = max(0, round((start - low) * SPEECH_RATE)), round((end - low) * SPEECH_RATE)
    needed = round((end - low) / FRAME_SECONDS) + EDGE
    kept, count = [np.zeros(0, np.float32)], 0
    for at in range(first, last, step):
        until = min(at + step, last)
        sound = candidate[at:until]
        if rate != SPEECH_RATE:
            sound = resampler.resample_chunk(sound, last=until == last)
        kept.append(sound[max(0, a - count) : max(0, b - count)])
        count += len(sound)
        for i in range(0, len(sound), SPEECH_RATE // 4):  # it judges only what came before the newest push
            refiner.push(sound[i : i + SPEECH_RATE // 4])
        if count >= b and len(refiner.probabilities) >= needed:
            break
    else:
        refiner.flush()
    return np.concatenate(kept), refiner


def measure_answer(answer: Answer) -> Delivery:
    """All measures of an answer, on the session's timeline."""
    start, floor = answer.start, answer.floor
    timed = [TimedWord(w.text, w.start - start, w.end - start, w.confidence) for w in answer.words]
    held_up = [(s.start - start, s.end - start) for s in answer.held_up]
    # A silence during which we stalled is not the candidate's pause.
    found = measure(answer.samples, timed, (answer.heard or map_speech(answer.samples)).bridged(held_up))
    transport = floor.transport or 0.0

    def since_floor(time: float | None) -> float | None:
        return None if time is None or floor.given is None else time + start - floor.given - transport

    first, content = first_sounds(found.words, found.speech)
    waiting = (floor.given - start if floor.given is not None else 0.0, first or 0.0)
    spoken = (found.speech[0][0], found.speech[-1][1]) if found.speech else (0.0, 0.0)
    stood_still = sum(overlap(stretch, spoken) for stretch in held_up)
    return delivery_of(found, start).model_copy(
        update={
            "response_delay": _rounded(since_floor(first)),
            "first_word_delay": _rounded(since_floor(content)),
            "response_delay_reliable": floor.transport is not None and not any(overlap(s, waiting) for s in held_up),
            "transport_delay": round(transport, 3),
            "interruptions": answer.interruptions,
            "confidence": round(found.confidence * (1.0 - min(0.8, stood_still / (found.speaking_time or 1.0))), 3),
        }
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


_AS_THEY_ARE = (
    "pauses_within_clause", "pauses_between_clauses", "pause_counts", "pause_counts_within_clause", "filler_words", "repetitions",
    "restarts", "cut_offs", "syllables", "syllables_from", "confidence",
)  # fmt: skip
_ROUNDED = (
    "speaking_time", "phonation_time", "phonation_ratio", "pause_rate", "pause_median", "pause_log_sd", "longest_pause",
    "pause_share", "filler_rate", "speech_rate", "articulation_rate", "words_per_minute", "mean_length_of_run",
    "pitch_sd_semitones", "pitch_median_hz", "pitch_span_semitones", "pitch_final_slope", "loudness_dbfs", "loudness_iqr_db",
    "loudness_lufs", "breath_group",
)  # fmt: skip


def delivery_of(found: Measures, start: float) -> Delivery:
    """The measures of a piece of sound that began at session time `start`, as a record on the session's timeline."""

    def at(time: float) -> float:
        return round(time + start, 3)

    def stretches(pairs: Sequence[tuple[float, float]]) -> list[Interval]:
        return [Interval(start=at(a), end=at(b)) for a, b in pairs]

    values: dict[str, Any] = {name: getattr(found, name) for name in _AS_THEY_ARE}
    values |= {name: _rounded(getattr(found, name)) for name in _ROUNDED}
    return Delivery(
        start=at(found.speech[0][0]) if found.speech else at(0.0),
        end=at(found.speech[-1][1]) if found.speech else at(found.duration),
        response_delay=None,
        first_word_delay=None,
        silent_pauses=stretches(found.silent_pauses),
        filled_pauses=[FilledPause(start=at(f.start), end=at(f.end), word=f.word) for f in found.filled_pauses],
        lengthened=[Word(text=w.text, start=at(w.start), end=at(w.end)) for w in found.lengthened],
        breaths=stretches(found.breaths),
        **values,
    )
