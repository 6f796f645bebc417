"""Drops the words that recognisers invent in silence and noise. Pure.

Whisper was trained on subtitles, so it turns silence into "Thank you." or "Thanks for watching!"; Moonshine writes
"You".
"""

from __future__ import annotations

from collections.abc import Sequence

from voice.words import TimedWord, plain

_EMPTY_PHRASES = frozenset(
    {
        "you",
        "thank you",
        "thanks",
        "thanks for watching",
        "thank you for watching",
        "bye",
        "please subscribe",
        "the",
        "so",
    }
)
MIN_SPEECH = 0.30  # s of detected speech needed to believe an empty phrase


def believable(words: Sequence[TimedWord], speech_seconds: float) -> list[TimedWord]:
    """The words that a window with `speech_seconds` s of detected speech can contain; loops are cut to one round."""
    text = " ".join(plain(w.text) for w in words)
    if not words or speech_seconds <= 0.0 or (text in _EMPTY_PHRASES and speech_seconds < MIN_SPEECH):
        return []
    kept = _without_loop(list(words))
    # Nobody speaks faster than about nine words a second.
    return kept if len(kept) <= 4 + 9.0 * speech_seconds else []


def _without_loop(words: list[TimedWord]) -> list[TimedWord]:
    """ "the cat the cat the cat the cat": a run repeated four or more times at the end is the decoder's doing."""
    said = [w.plain for w in words]
    for n in range(1, 9):
        rounds = 1
        while said[-n:] == said[-n * (rounds + 1) : -n * rounds] and n * (rounds + 1) <= len(said):
            rounds += 1
        if rounds >= 4 and n * rounds >= 6:
            return words[: len(words) - n * (rounds - 1)]
    return words
