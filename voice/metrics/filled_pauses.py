"""Filled pauses (um, uh, er, mm): the union of what the recogniser wrote and what only the audio shows.

Recognisers drop them, write them as words ("a"), or write one several times, so clear audio overrides the text:
written ones are moved onto the sustained sounds they name, and a sustained sound without a plausible word also counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voice.intervals import Interval, overlap
from voice.metrics.sustained_sounds import Sound, SustainedSound, together
from voice.pronunciation import phones
from voice.words import FILLED_PAUSES, TimedWord

SHORTEST, LONGEST = 0.2, 1.0  # s; length of a filled pause for which the audio is the only evidence
SHORTEST_WRITTEN = 0.08  # s; a recogniser that repeats itself squeezes its words
HIDDEN_IN = frozenset("a uh oh of or er ah her are".split())  # what recognisers write for an "uh"
HIDDEN = 0.35  # s; nobody takes this long over one of those words
ALONE = 0.1  # s of silence on either side of an island
FITS = 0.12  # s by which a word may miss the island it names
DRAWN_OUT = 0.4  # s; a shorter sound right after a word is that word's drawn-out end


UNWRITTEN = "(um)"


@dataclass(frozen=True)
class FilledPauseAt:
    """A vocal hesitation. `word`: as the recogniser wrote it, or "(um)" if only the audio shows it."""

    start: float
    end: float
    word: str


def filled_pauses(words: Sequence[TimedWord], sound: Sound, speech: Sequence[Interval]) -> list[FilledPauseAt]:
    """All filled pauses in order. `words` with times, `speech` intervals; all times in s."""
    sustained = together(sound.sustained())
    written = [w for w in words if w.plain in FILLED_PAUSES]
    others = [w for w in words if w.plain and w.plain not in FILLED_PAUSES]
    found: list[FilledPauseAt] = []

    def add(start: float, end: float, word: str) -> None:
        if not any(overlap((start, end), (f.start, f.end)) > 0.0 for f in found):
            found.append(FilledPauseAt(start, end, word))

    for word in written:  # move onto the sounds they name
        for one in sustained:
            if overlap((one.start, one.end), (word.start, word.end)) > 0.3 * one.duration:
                add(one.start, one.end, word.plain)
    for word in written:  # those that name no sound, unless squeezed in beside one that does
        beside = any(f.start - 0.1 <= word.end and word.start <= f.end + 0.1 for f in found)
        if word.end - word.start >= (0.16 if beside else SHORTEST_WRITTEN):
            add(word.start, word.end, word.plain)
    for one in sustained:
        if any(w.plain in HIDDEN_IN and one.duration >= HIDDEN and _share(one, w) > 0.7 for w in others):
            add(one.start, one.end, UNWRITTEN)
    for start, end in [*_islands(speech, words), *_gaps(speech, words)]:
        if SHORTEST <= end - start <= LONGEST and sound.is_steady(start, end):
            add(start, end, UNWRITTEN)
    return sorted(found, key=lambda f: f.start)


def lengthened(words: Sequence[TimedWord], sound: Sound, filled: Sequence[FilledPauseAt]) -> list[TimedWord]:
    """Words that contain a sound sustained for 0.25 s or more that is not itself a filled pause."""
    sustained = [s for s in sound.sustained() if s.duration >= 0.25]
    own = [s for s in sustained if not any(overlap((s.start, s.end), (f.start, f.end)) > 0.1 for f in filled)]
    return [w for w in words if w.plain not in FILLED_PAUSES and any(_share(s, w) > 0.5 for s in own)]


def _islands(speech: Sequence[Interval], words: Sequence[TimedWord]) -> list[Interval]:
    """Intervals between silences that no word accounts for. Two words, or a long one, are never one steady sound."""
    found = []
    for i, (start, end) in enumerate(speech):
        before = start - speech[i - 1][1] if i else ALONE
        after = speech[i + 1][0] - end if i + 1 < len(speech) else ALONE
        over = [w for w in words if overlap((start, end), (w.start, w.end)) > 0.03]
        named = len(over) == 1 and abs(over[0].start - start) < FITS and abs(over[0].end - end) < FITS
        if min(before, after) >= ALONE and not (named and len(phones(over[0].plain)) <= 3):
            found.append((start, end))
    return found


def _gaps(speech: Sequence[Interval], words: Sequence[TimedWord]) -> list[Interval]:
    """Parts of the speech without a word, except the drawn-out end of the preceding word."""
    found = []
    for start, end in speech:
        cursor, after_word = start, False
        for word in words:
            if word.end <= start or word.start >= end:
                continue
            found.append((cursor, min(word.start, end), after_word))
            cursor, after_word = max(cursor, word.end), True
        found.append((cursor, end, after_word))
    return [(a, b) for a, b, after_word in found if b - a >= (DRAWN_OUT if after_word else SHORTEST)]


def _share(sound: SustainedSound, word: TimedWord) -> float:
    return overlap((sound.start, sound.end), (word.start, word.end)) / sound.duration
