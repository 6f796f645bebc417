"""Timing and hesitation of a passage of speech, measured from audio on the sample clock.

One function serves the live call and `viva analyse`, so their numbers agree. docs/metrics.md gives every formula, its
source and the accuracy measured by bench/hesitation.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from voice.audio import SPEECH_RATE, Samples
from voice.intervals import overlap
from voice.metrics.breath import breaths, groups
from voice.metrics.disfluency import cut_offs, filler_words, repetitions, restarts
from voice.metrics.filled_pauses import FilledPauseAt, filled_pauses, lengthened
from voice.metrics.prosody import (
    PitchTrack,
    VoiceQuality,
    centres_apart,
    integrated_loudness,
    loudness,
    pitch,
    pitch_track,
    voice_quality,
)  # fmt: skip
from voice.metrics.rates import nuclei, pauses_of
from voice.metrics.sustained_sounds import Sound
from voice.pronunciation import syllables
from voice.vad.boundaries import SpeechMap, map_speech
from voice.vad.frames import Frames
from voice.words import FILLED_PAUSES, TimedWord

MIN_PAUSE = 0.25  # s; Goldman-Eisler 1968, de Jong & Bosker 2013
MIN_WORDS_FOR_RATE = 3


@dataclass(frozen=True)
class Measures:
    """All times in s from the start of the samples. None: too little speech to tell. See docs/metrics.md."""

    duration: float
    words: list[TimedWord]
    speech: list[tuple[float, float]]
    silent_pauses: list[tuple[float, float]]
    pauses_within_clause: int
    pauses_between_clauses: int
    pause_counts: dict[int, int]
    pause_counts_within_clause: dict[int, int]
    pause_median: float | None
    pause_log_sd: float | None
    filled_pauses: list[FilledPauseAt]
    filler_words: list[str]
    repetitions: list[str]
    restarts: list[str]
    cut_offs: list[str]
    lengthened: list[TimedWord]
    speaking_time: float
    phonation_time: float
    phonation_ratio: float | None
    pause_rate: float
    longest_pause: float
    pause_share: float
    filler_rate: float
    syllables: int
    syllables_from: str
    speech_rate: float | None
    articulation_rate: float | None
    words_per_minute: float | None
    mean_length_of_run: float | None
    pitch_median_hz: float | None
    pitch_sd_semitones: float | None
    pitch_span_semitones: float | None
    pitch_final_slope: float | None
    loudness_dbfs: float | None
    loudness_iqr_db: float | None
    loudness_lufs: float | None
    breaths: list[tuple[float, float]]
    breath_group: float | None
    voice_quality: VoiceQuality | None
    pitch_track: PitchTrack
    snr_db: float
    confidence: float
    notes: list[str] = field(default_factory=list)


def measure(samples: Samples, words: Sequence[TimedWord], heard: SpeechMap | None = None) -> Measures:
    """Measure 16 kHz speech with its recognised words (times in s from the first sample). Never raises on odd input.

    `heard`: where the speech is, if a refiner has already followed the audio; otherwise it is computed here.
    """
    samples = np.nan_to_num(np.asarray(samples, np.float32), posinf=1.0, neginf=-1.0)
    heard = map_speech(samples) if heard is None else heard
    duration = len(samples) / SPEECH_RATE
    placed = [_inside(word, heard.speech) for word in words]
    silences = heard.pauses(MIN_PAUSE)
    pauses = pauses_of(heard.speech, placed)
    track = pitch_track(samples, heard.speech)
    frames = Frames()
    levels = np.concatenate([frames.push(samples), frames.flush()])
    sound = Sound(levels, track)
    filled = filled_pauses(placed, sound, heard.speech)
    plain = [w.plain for w in placed if w.plain and w.plain not in FILLED_PAUSES]
    speaking = heard.speech[-1][1] - heard.speech[0][0] if heard.speech else 0.0
    silent = sum(b - a for a, b in silences)
    phonation = speaking - silent
    voiced = track.at_frames(len(levels))
    counted = sum(syllables(word) for word in plain) if plain else nuclei(levels, voiced, heard.speech)
    rated = (len(plain) >= MIN_WORDS_FOR_RATE or (not plain and counted >= 4)) and phonation > 0.5
    fillers = filler_words(plain)
    tone = pitch(track, heard.speech)
    loud = loudness(samples, heard.speech)
    taken = breaths(levels, voiced, heard.speech, silences)
    confidence, notes = _confidence(samples, heard, phonation, centres_apart(track, heard.speech))
    minutes = speaking / 60.0
    return Measures(
        duration=duration,
        words=placed,
        speech=heard.speech,
        silent_pauses=silences,
        pauses_within_clause=pauses.within_clause[250],
        pauses_between_clauses=pauses.counts[250] - pauses.within_clause[250],
        pause_counts=pauses.counts,
        pause_counts_within_clause=pauses.within_clause,
        pause_median=pauses.median,
        pause_log_sd=pauses.log_sd,
        filled_pauses=filled,
        filler_words=fillers,
        repetitions=repetitions(placed),
        restarts=restarts(placed),
        cut_offs=cut_offs(placed),
        lengthened=lengthened(placed, sound, filled),
        speaking_time=speaking,
        phonation_time=phonation,
        phonation_ratio=phonation / speaking if speaking else None,
        pause_rate=len(silences) / minutes if minutes else 0.0,
        longest_pause=max((b - a for a, b in silences), default=0.0),
        pause_share=silent / speaking if speaking else 0.0,
        filler_rate=(len(filled) + len(fillers)) / minutes if minutes else 0.0,
        syllables=counted,
        syllables_from="words" if plain else "nuclei",
        speech_rate=counted / speaking if rated else None,
        articulation_rate=counted / phonation if rated else None,
        words_per_minute=len(plain) / minutes if rated and plain else None,
        mean_length_of_run=counted / (len(silences) + 1) if rated else None,
        pitch_median_hz=tone.median if tone else None,
        pitch_sd_semitones=tone.sd if tone else None,
        pitch_span_semitones=tone.span if tone else None,
        pitch_final_slope=tone.final_slope if tone else None,
        loudness_dbfs=loud[0] if loud else None,
        loudness_iqr_db=loud[1] if loud else None,
        loudness_lufs=integrated_loudness(samples, heard.speech),
        breaths=taken,
        breath_group=float(np.mean([b - a for a, b in groups(heard.speech, taken)])) if heard.speech else None,
        voice_quality=voice_quality(samples, track, heard.speech),
        pitch_track=track,
        snr_db=heard.snr_db,
        confidence=confidence,
        notes=notes,
    )


def first_sounds(
    words: Sequence[TimedWord], speech: Sequence[tuple[float, float]]
) -> tuple[float | None, float | None]:
    """(first sound, first word other than a filled pause or a "so"/"well"), in s; None if there is none."""
    content = (
        w.start for w in words if w.plain and w.plain not in FILLED_PAUSES | {"so", "well", "okay", "right", "yeah"}
    )
    return (speech[0][0] if speech else None), next(content, None)


def _inside(word: TimedWord, speech: Sequence[tuple[float, float]]) -> TimedWord:
    """An aligner lets words run into silence: clip the word to the speech interval that contains most of it."""
    best = max(speech, key=lambda stretch: overlap(stretch, (word.start, word.end)), default=None)
    if best is None or not overlap(best, (word.start, word.end)):
        return word
    return TimedWord(word.text, max(word.start, best[0]), min(word.end, best[1]), word.confidence)


def _confidence(samples: Samples, heard: SpeechMap, phonation: float, apart: float | None) -> tuple[float, list[str]]:
    """How far the numbers can be trusted, 0..1, as a product of stated factors, and the reasons it is below 1."""
    notes: list[str] = []
    if not heard.speech:
        return 0.0, ["no speech found"]
    amount = min(1.0, phonation / 3.0)
    if amount < 1.0:
        notes.append(f"only {phonation:.1f} s of speech; rates settle after about 3 s")
    noise = float(np.clip((heard.snr_db - 5.0) / 20.0, 0.1, 1.0))
    if noise < 1.0:
        notes.append(f"speech is only {heard.snr_db:.0f} dB above the noise; boundaries are rough below 25 dB")
    clear = float(np.clip((heard.probability - 0.4) / 0.4, 0.1, 1.0))
    if clear < 1.0:
        notes.append("the detector is not sure that this is one person's speech (music, many voices, a whisper)")
    clipped = float(np.mean(np.abs(samples) >= 0.999)) if len(samples) else 0.0
    clip = float(np.clip(1.0 - clipped * 50.0, 0.2, 1.0))
    if clip < 1.0:
        notes.append(f"{clipped:.1%} of the samples are clipped; lower the microphone's gain")
    lost = _dropped(samples, heard)
    whole = float(np.clip(1.0 - lost * 10.0, 0.2, 1.0))
    if lost > 0.005:
        notes.append(f"{lost:.1%} of the sound inside the speech is missing; the line drops frames")
    alone = 0.6 if apart is not None else 1.0
    if apart is not None:
        notes.append(f"the pitch has two centres, {apart:.0f} semitones apart: perhaps two voices")
    return round(amount * noise * clear * clip * whole * alone, 3), notes


def _dropped(samples: Samples, heard: SpeechMap) -> float:
    """Share of the speech that is digital silence: frames lost in transmission."""
    parts = [samples[round(a * SPEECH_RATE) : round(b * SPEECH_RATE)] for a, b in heard.speech]
    joined = np.concatenate(parts) if parts else samples[:0]
    frames = joined[: len(joined) // 160 * 160].reshape(-1, 160)
    return float(np.mean(np.abs(frames).max(axis=1) == 0.0)) if len(frames) else 0.0
