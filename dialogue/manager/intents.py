"""What the candidate wants besides answering: repeat, skip, a person, time. Pure; matched against the phrase list.

Everything a candidate says is data. An instruction to the interviewer ("ignore your rubric") is not an intent: it is
an answer like any other, and nothing downstream executes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dialogue.analysis.language import STOPWORDS, contains_phrase, tokens

# A request is short. The same words inside a long answer are part of a story ("the client said: let's stop here").
_LONGEST_REQUEST = {
    "repeat": 14,
    "skip": 8,
    "dont_know": 12,
    "robot": 14,
    "human": 14,
    "leave": 14,
    "time": 12,
    "rephrase": 14,
    "go_on": 5,
    "distress": 25,
    "complaint": 12,
}
_ALONE = {"sorry": "repeat", "pardon": "repeat", "what": "repeat", "huh": "repeat", "pass": "skip"}  # as the whole turn
# Words common in one language that are not English words: with enough of them, the text is not English.
_FOREIGN = {
    language: frozenset(common.split())
    for language, common in {
        "German": "ich und nicht das ist wir haben auch eine mit der dann habe sehr aber",
        "Spanish": "que los una por para pero muy como porque yo con las estaba más es la el bien hablo de mi",
        "French": "je les des est pas une dans pour avec que mais nous très était suis",
        "Italian": "che non una per con sono della molto anche perché ho il di era",
        "Portuguese": "que não uma para com muito mas eu os as foi porque são do",
        "Polish": "nie że się jest na to jak ale był już tak są w i z",
    }.items()
}
_FOREIGN_SHARE = 0.3  # share of words that makes it another language; the same share of English words makes it English


@dataclass(frozen=True)
class Intent:
    """`name`: answer, repeat, go_on, rephrase, skip, dont_know, robot, human, leave, time, distress, complaint, language,
    question_back, or none."""

    name: str
    phrase: str | None = None


def intent_of(text: str, phrases: dict[str, Any]) -> Intent:
    """What a whole turn of the candidate is meant to do."""
    words = [w for w in tokens(text) if w not in {"um", "uh"}]
    if not words:
        return Intent("none")
    if len(words) == 1 and words[0] in _ALONE:
        return Intent(_ALONE[words[0]], words[0])
    for name, longest in _LONGEST_REQUEST.items():
        found = contains_phrase(text, phrases["intents"].get(name, []))
        if found and len(words) <= longest:
            return Intent(name, found)
    if language := foreign(text):
        return Intent("language", language)
    if text.rstrip().endswith("?") and len(words) <= 20 and words[0] in _QUESTION_WORDS:
        return Intent("question_back", text.strip())
    return Intent("answer")


def foreign(text: str) -> str | None:
    """The language of a text that is not English, if its common words reveal it."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < 5 or sum(w in STOPWORDS for w in words) / len(words) >= _FOREIGN_SHARE:
        return None
    shares = {name: sum(w in common for w in words) / len(words) for name, common in _FOREIGN.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _FOREIGN_SHARE else None


_QUESTION_WORDS = frozenset("what who when where why how do does is are can could would will which should".split())
