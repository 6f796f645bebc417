"""Removes personal data from text before it becomes training data: by pattern, by the names the session knows, and what was
read as private.

What it cannot know (a colleague's name in mid-answer) stays, so a person reads imported rows before they are used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialogue.state import Turn
from dialogue.understanding.whole import public_words

_PATTERNS = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b"), "[email]"),
    (re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE), "[link]"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"), "[account]"),
    (re.compile(r"(?<!\w)\+?\d[\d ()/.-]{6,}\d(?!\w)"), "[number]"),
    (re.compile(r"\b\d{1,5} [A-Z][a-z]+ (?:Street|Road|Avenue|Lane|Drive|Square)\b"), "[address]"),
    (re.compile(r"\b[A-Z][a-zß]+(?:straße|strasse|weg|platz) \d+\b"), "[address]"),
)
_SPOKEN_MAIL = re.compile(r"\b\w+ at \w+ dot (?:com|net|org|de|eu|io)\b", re.IGNORECASE)
_CALLED = re.compile(r"\b(my name is|my name's|i am called|this is) ([A-Z][\w'-]+(?: [A-Z][\w'-]+)?)")
_TITLED = re.compile(r"\b(Mr|Mrs|Ms|Dr|Prof|Herr|Frau)\.? [A-Z][\w'-]+")


def scrubbed(text: str, names: Sequence[str] = ()) -> str:
    """`names`: what the session calls the candidate; every word of them is removed, regardless of case."""
    text = _SPOKEN_MAIL.sub("[email]", text)
    for pattern, mark in _PATTERNS:
        text = pattern.sub(mark, text)
    text = _CALLED.sub(r"\1 [name]", text)
    text = _TITLED.sub("[name]", text)
    for name in names:
        for part in re.findall(r"[\w'-]{2,}", name):
            if part.lower() not in {"candidate", "the", "de", "von", "van"}:
                text = re.sub(rf"\b{re.escape(part)}\b", "[name]", text, flags=re.IGNORECASE)
    return text


def public_answer(turn: Turn, names: Sequence[str]) -> str:
    """What may be learnt of a turn's answer: as a model heard it, so nothing private, and nothing that was never read."""
    return scrubbed(" ".join(word.text for word in public_words(turn.words, turn.reading)), names)
