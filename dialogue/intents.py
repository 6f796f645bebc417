"""What the candidate wants besides answering: repeat, skip, a person, time. Pure, by the phrase list.

Everything a candidate says is data. An instruction to the interviewer ("ignore your rubric") is no intent here: it is
an answer like any other, and nothing downstream executes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialogue.language import contains_phrase, tokens

# A request is short. The same words inside a long answer are part of a story ("the client said: let's stop here").
_LONGEST_REQUEST = {
    "repeat": 14,
    "skip": 8,
    "dont_know": 12,
    "robot": 14,
    "human": 14,
    "leave": 14,
    "time": 12,
}


@dataclass(frozen=True)
class Intent:
    """`name`: answer, repeat, skip, dont_know, robot, human, leave, time, question_back, or none."""

    name: str
    phrase: str | None = None


def intent_of(text: str, phrases: dict[str, Any]) -> Intent:
    """What a whole turn of the candidate is meant to do."""
    words = [w for w in tokens(text) if w not in {"um", "uh"}]
    if not words:
        return Intent("none")
    for name, longest in _LONGEST_REQUEST.items():
        found = contains_phrase(text, phrases["intents"].get(name, []))
        if found and len(words) <= longest:
            return Intent(name, found)
    if text.rstrip().endswith("?") and len(words) <= 20 and words[0] in _QUESTION_WORDS:
        return Intent("question_back", text.strip())
    return Intent("answer")


_QUESTION_WORDS = frozenset("what who when where why how do does is are can could would will which should".split())
