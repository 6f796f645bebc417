"""Should the agent stop talking? Speech over the agent is a barge-in, a backchannel ("mhm") or noise. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from voice.words import FILLED_PAUSES, plain

_BACKCHANNELS = frozenset(
    {
        "yeah",
        "yes",
        "yep",
        "okay",
        "ok",
        "right",
        "sure",
        "mhm",
        "uh-huh",
        "hmm",
        "oh",
        "i",
        "see",
        "alright",
        "cool",
        "great",
        "got",
        "it",
    }
)


@dataclass(frozen=True)
class BargeIn:
    """Seconds of candidate speech over the agent after which the agent yields."""

    certain: float = 0.9  # whatever was said
    with_words: float = 0.45  # with at least one word that is not a backchannel

    def yields(self, speech_seconds: float, text: str) -> bool:
        """`text`: what the recogniser has of this overlap so far, "" if nothing."""
        words = [w for w in map(plain, text.split()) if w]
        if words and all(w in _BACKCHANNELS or w in FILLED_PAUSES for w in words):
            return speech_seconds >= 2 * self.certain
        if words:
            return speech_seconds >= self.with_words
        return speech_seconds >= self.certain
