"""Timing and hesitation of a stretch of speech, measured from sound on the sample clock.

One function serves the live call and `viva analyse`, so their numbers agree. docs/metrics.md has every formula
with its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voice.audio import SPEECH_RATE, Samples
from voice.boundaries import SpeechMap, map_speech
from voice.disfluency import ends_clause, filler_words, repetitions, restarts
from voice.pronunciation import syllables
from voice.prosody import loudness, pitch, pitch_track
from voice.words import FILLED_PAUSES, TimedWord

MIN_PAUSE = 0.25  # s; Goldman-Eisler 1968, de Jong & Bosker 2013
MIN_WORDS_FOR_RATE = 3


@dataclass(frozen=True)
class FilledPauseAt:
    """A vocal hesitation. `word` as the recogniser wrote it, or "(um)" where only the sound shows it."""

    start: float
    end: float
    word: str


@dataclass(frozen=True)
class Measures:
    """All times in s from the start of the samples. None: not enough speech to say. See docs/metrics.md."""

    duration: float
    words: list[TimedWord]
    speech: list[tuple[float, float]]
    silent_pauses: list[tuple[float, float]]
    pauses_within_clause: int
    pauses_between_clauses: int
    filled_pauses: list[FilledPauseAt]
    filler_words: list[str]
    repetitions: list[str]
    restarts: list[str]
    speaking_time: float
    phonation_time: float
    pause_rate: float
    longest_pause: float
    pause_share: float
    filler_rate: float
    speech_rate: float | None
    articulation_rate: float | None
    words_per_minute: float | None
    mean_length_of_run: float | None
    pitch_median_hz: float | None
    pitch_sd_semitones: float | None
    loudness_dbfs: float | None
    loudness_iqr_db: float | None
    snr_db: float
    confidence: float
    notes: list[str] = field(default_factory=list)


def measure(samples: Samples, words: Sequence[TimedWord]) -> Measures:
    """Measure 16 kHz speech with its recognised words (times in s from the first sample). Never raises on odd sound."""
    heard = map_speech(samples)
    duration = len(samples) / SPEECH_RATE
    placed = [_inside(word, heard.speech) for word in words]
    pauses = heard.pauses(MIN_PAUSE)
    filled = _filled_pauses(samples, placed, heard)
    spoken = [w for w in placed if w.plain and w.plain not in FILLED_PAUSES]
    plain = [w.plain for w in spoken]
    speaking = heard.speech[-1][1] - heard.speech[0][0] if heard.speech else 0.0
    silent = sum(b - a for a, b in pauses)
    phonation = speaking - silent
    count = sum(syllables(word) for word in plain)
    rated = len(plain) >= MIN_WORDS_FOR_RATE and phonation > 0.5
    inside, between = _places(pauses, placed)
    fillers = filler_words(plain)
    tone = pitch(_only(samples, heard.speech))
    loud = loudness(samples, heard.speech)
    confidence, notes = _confidence(samples, heard, phonation)
    minutes = speaking / 60.0
    return Measures(
        duration=duration,
        words=placed,
        speech=heard.speech,
        silent_pauses=pauses,
        pauses_within_clause=inside,
        pauses_between_clauses=between,
        filled_pauses=filled,
        filler_words=fillers,
        repetitions=repetitions(placed),
        restarts=restarts(placed),
        speaking_time=speaking,
        phonation_time=phonation,
        pause_rate=len(pauses) / minutes if minutes else 0.0,
        longest_pause=max((b - a for a, b in pauses), default=0.0),
        pause_share=silent / speaking if speaking else 0.0,
        filler_rate=(len(filled) + len(fillers)) / minutes if minutes else 0.0,
        speech_rate=count / speaking if rated else None,
        articulation_rate=count / phonation if rated else None,
        words_per_minute=len(plain) / minutes if rated else None,
        mean_length_of_run=count / (len(pauses) + 1) if rated else None,
        pitch_median_hz=tone.median if tone else None,
        pitch_sd_semitones=tone.sd if tone else None,
        loudness_dbfs=loud[0] if loud else None,
        loudness_iqr_db=loud[1] if loud else None,
        snr_db=heard.snr_db,
        confidence=confidence,
        notes=notes,
    )


def first_sounds(
    words: Sequence[TimedWord], speech: Sequence[tuple[float, float]]
) -> tuple[float | None, float | None]:
    """(first sound, first word that is not a filled pause or a "so"/"well"), in s; None where there is none."""
    content = (
        w.start for w in words if w.plain and w.plain not in FILLED_PAUSES | {"so", "well", "okay", "right", "yeah"}
    )
    return (speech[0][0] if speech else None), next(content, None)


def _inside(word: TimedWord, speech: Sequence[tuple[float, float]]) -> TimedWord:
    """An aligner lets words run into silence; cut them at the edge of the speech that holds most of them."""
    best, overlap = None, 0.0
    for start, end in speech:
        common = min(word.end, end) - max(word.start, start)
        if common > overlap:
            best, overlap = (start, end), common
    if best is None:
        return word
    return TimedWord(word.text, max(word.start, best[0]), min(word.end, best[1]), word.confidence)


def _places(pauses: Sequence[tuple[float, float]], words: Sequence[TimedWord]) -> tuple[int, int]:
    """(pauses inside clauses, between clauses): by the punctuation on the word before the pause."""
    between = 0
    for start, _ in pauses:
        before = [w for w in words if w.end <= start + 0.1]
        between += bool(before) and ends_clause(before[-1].text)
    return len(pauses) - between, between


def _filled_pauses(samples: Samples, words: Sequence[TimedWord], heard: SpeechMap) -> list[FilledPauseAt]:
    """Union of what a verbatim recogniser wrote and voiced, level-pitched stretches that it left without a word."""
    written = [FilledPauseAt(w.start, w.end, w.plain) for w in words if w.plain in FILLED_PAUSES]
    return sorted(written + _unwritten(samples, words, heard), key=lambda f: f.start)


def _unwritten(samples: Samples, words: Sequence[TimedWord], heard: SpeechMap) -> list[FilledPauseAt]:
    if not words or heard.snr_db < 12.0:
        return []
    hertz, voiced, hop = pitch_track(samples)
    found: list[FilledPauseAt] = []
    # A recogniser also hides an "um" in an article: no spoken "a" lasts longer than 0.4 s.
    disguised = [(w.start, w.end) for w in words if w.plain == "a" and w.end - w.start > 0.4]
    for start, end in [*_without_words(words, heard.speech), *disguised]:
        if not 0.2 <= end - start <= 1.5:
            continue
        frames = slice(int(start / hop), int(end / hop))
        tone = hertz[frames][voiced[frames]]
        # A filled pause is voiced nearly throughout and level: SD under one semitone (Shriberg 1994; O'Shaughnessy 1992).
        if len(tone) * hop >= 0.7 * (end - start) and np.std(12 * np.log2(tone / np.median(tone))) < 1.0:
            found.append(FilledPauseAt(start, end, "(um)"))
    return found


def _without_words(words: Sequence[TimedWord], speech: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    free: list[tuple[float, float]] = []
    for start, end in speech:
        cursor = start
        for word in words:
            if word.end <= start or word.start >= end:
                continue
            free.append((cursor, min(word.start, end)))
            cursor = max(cursor, word.end)
        free.append((cursor, end))
    return [(a, b) for a, b in free if b > a]


def _only(samples: Samples, speech: Sequence[tuple[float, float]]) -> Samples:
    parts = [samples[round(a * SPEECH_RATE) : round(b * SPEECH_RATE)] for a, b in speech]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _confidence(samples: Samples, heard: SpeechMap, phonation: float) -> tuple[float, list[str]]:
    """How far the numbers may be trusted, 0..1, as a product of three stated factors, and why it is lower."""
    notes: list[str] = []
    if not heard.speech:
        return 0.0, ["no speech found"]
    amount = min(1.0, phonation / 3.0)
    if amount < 1.0:
        notes.append(f"only {phonation:.1f} s of speech; rates settle after about 3 s")
    noise = float(np.clip((heard.snr_db - 5.0) / 20.0, 0.1, 1.0))
    if noise < 1.0:
        notes.append(f"speech is only {heard.snr_db:.0f} dB above the noise; boundaries are rough below 25 dB")
    clipped = float(np.mean(np.abs(samples) >= 0.999)) if len(samples) else 0.0
    clip = float(np.clip(1.0 - clipped * 50.0, 0.2, 1.0))
    if clip < 1.0:
        notes.append(f"{clipped:.1%} of the samples are clipped; lower the microphone's gain")
    return round(amount * noise * clip, 3), notes
