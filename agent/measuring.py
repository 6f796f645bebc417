"""From a turn's words and sound to its Delivery record. The measuring itself is voice.hesitation's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from agent.ear import Ear
from dialogue.state import Turn
from memory.records import Delivery, FilledPause, Stretch, Word
from voice.audio import SPEECH_RATE, Samples, resample
from voice.hesitation import Measures, first_sounds, measure
from voice.words import TimedWord

LEAD, TAIL = 0.6, 0.5  # s of sound taken before the first and after the last word


Measure = Callable[[Samples, float, Sequence[Word], float | None, int], Delivery]


async def measure_turn(
    ear: Ear, turn: Turn, floor_given: float, executor: Executor, measure: Measure
) -> Delivery | None:
    """Measure an answer from the sound that this process heard; None if there are no words in it.

    Words from before a crash are left out: hesitation is never measured across a hole.
    """
    words = [word for word in spoken_words(turn) if word.start >= ear.offset]
    if not words:
        return None
    start, end = max(ear.offset, words[0].start - LEAD), words[-1].end + TAIL
    resumed = len(words) < len(spoken_words(turn))
    samples = ear.sound(start, end)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        executor,
        lambda: measure(samples, start, words, None if resumed else floor_given, turn.interruptions),
    )


def spoken_words(turn: Turn) -> list[Word]:
    """The words of an answer that have a sound."""
    return [word for piece in turn.heard if not piece.typed for word in piece.words]


def measure_recorded(
    candidate: Samples, rate: int, turn: Turn, holes: Sequence[tuple[float, float]], measure: Measure
) -> Delivery | None:
    """The same from the recording, for an answer whose measuring a crash prevented."""
    floor_given = turn.spoken.end if turn.spoken else None
    parts: list[list[Word]] = [[]]
    edges = [t for t, _ in holes]
    for word in spoken_words(turn):
        while edges and word.start >= edges[0]:
            edges.pop(0)
            parts.append([])
        parts[-1].append(word)
    words = max(parts, key=len)
    if not words:
        return None
    low = max((t for t, _ in holes if t <= words[0].start), default=0.0)
    start, end = max(low, words[0].start - LEAD), words[-1].end + TAIL
    samples = resample(candidate[round(start * rate) : round(end * rate)], rate, SPEECH_RATE)
    whole = words[0] is spoken_words(turn)[0]
    return measure(samples, start, words, floor_given if whole else None, turn.interruptions)


def measure_answer(
    samples: Samples, start: float, words: Sequence[Word], floor_given: float | None, interruptions: int
) -> Delivery:
    """`samples`: 16 kHz from session time `start`. `floor_given`: when the question's audible sound had ended, if known."""
    timed = [TimedWord(w.text, w.start - start, w.end - start, w.confidence) for w in words]
    found = measure(samples, timed)
    first, content = first_sounds(found.words, found.speech)
    return delivery_of(
        found,
        start,
        response_delay=None if first is None or floor_given is None else first + start - floor_given,
        first_word_delay=None if content is None or floor_given is None else content + start - floor_given,
        interruptions=interruptions,
    )


def delivery_of(
    found: Measures,
    start: float,
    *,
    response_delay: float | None,
    first_word_delay: float | None,
    interruptions: int,
) -> Delivery:
    """The measures of a stretch that began at session time `start`, as a record on the session's timeline."""

    def at(time: float) -> float:
        return round(time + start, 3)

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 3)

    def stretches(pairs: Sequence[tuple[float, float]]) -> list[Stretch]:
        return [Stretch(start=at(a), end=at(b)) for a, b in pairs]

    return Delivery(
        start=at(found.speech[0][0]) if found.speech else at(0.0),
        end=at(found.speech[-1][1]) if found.speech else at(found.duration),
        response_delay=rounded(response_delay),
        first_word_delay=rounded(first_word_delay),
        speaking_time=round(found.speaking_time, 3),
        phonation_time=round(found.phonation_time, 3),
        silent_pauses=stretches(found.silent_pauses),
        pauses_within_clause=found.pauses_within_clause,
        pauses_between_clauses=found.pauses_between_clauses,
        pause_rate=round(found.pause_rate, 3),
        longest_pause=round(found.longest_pause, 3),
        pause_share=round(found.pause_share, 4),
        filled_pauses=[FilledPause(start=at(f.start), end=at(f.end), word=f.word) for f in found.filled_pauses],
        filler_words=found.filler_words,
        filler_rate=round(found.filler_rate, 3),
        speech_rate=rounded(found.speech_rate),
        articulation_rate=rounded(found.articulation_rate),
        words_per_minute=rounded(found.words_per_minute),
        mean_length_of_run=rounded(found.mean_length_of_run),
        repetitions=found.repetitions,
        restarts=found.restarts,
        pitch_sd_semitones=rounded(found.pitch_sd_semitones),
        pitch_median_hz=rounded(found.pitch_median_hz),
        loudness_dbfs=rounded(found.loudness_dbfs),
        loudness_iqr_db=rounded(found.loudness_iqr_db),
        interruptions=interruptions,
        confidence=found.confidence,
    )
