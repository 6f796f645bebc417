"""A wall around what is nobody's business: which pieces of an utterance must never leave the transcript. Pure.

Two guards, either of which is enough: a list of words that people can edit (prompts/private), and the small model. The list
is overruled only where its word has a sense at work too, or a patient or customer is spoken of, and the model is very sure. What is
left out wrongly costs one piece of evidence; what is let through wrongly is harm, so the thresholds lean to leaving out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from dialogue.analysis.language import tokens
from dialogue.understanding.pairs import Pair, wall_pair
from dialogue.understanding.segments import passage
from dialogue.understanding.small_model import Judged
from memory.records import PrivateSaid, Word
from prompts.loader import load_private

PRIVATE = "possibly private"  # of some kind: a wrong name for it would be a claim about somebody
NAMED = 0.6  # share of a kind from which it is named
LOGISTICS = "logistics"  # kept for the process question, apart from judgement
_REFERS_BACK = frozenset("it this that he she they he's she's it's that's they're his her their".split())


@dataclass(frozen=True)
class Guarded:
    """A piece of text and what it is; `kind` "none": anybody's business."""

    kind: str
    certainty: float


Judge = Callable[[str, Sequence[Pair]], list[Judged]]


def guard(texts: Sequence[str], judge: Judge, thresholds: Mapping[str, float]) -> list[Guarded]:
    """What each sentence is, in order; a sentence that refers back to a private one is private too."""
    judged = judge("wall", [wall_pair(text.split()) for text in texts])
    found: list[Guarded] = []
    for text, verdict in zip(texts, judged, strict=True):
        listed = listed_kind(text)
        work = verdict.share["none"] + verdict.share[LOGISTICS]
        private = {kind: p for kind, p in verdict.share.items() if kind not in ("none", LOGISTICS)}
        likeliest = max(private, key=lambda kind: private[kind])
        sure = likeliest if private[likeliest] >= NAMED else PRIVATE
        if listed not in ("none", LOGISTICS) and not (_may_be_work(text) and work >= thresholds["wall_overrule"]):
            found.append(Guarded(listed if sure == PRIVATE else sure, 1.0 - work))
        elif 1.0 - work >= thresholds["wall"]:
            found.append(Guarded(sure, 1.0 - work))
        elif verdict.best == LOGISTICS:
            found.append(Guarded(LOGISTICS, verdict.share[LOGISTICS]))
        elif (
            found
            and found[-1].certainty >= NAMED
            and found[-1].kind not in ("none", LOGISTICS)
            and (tokens(text)[:1] or [""])[0] in _REFERS_BACK
        ):
            found.append(Guarded(found[-1].kind, 0.5))
        else:
            found.append(Guarded("none", work))
    return found


def private_in(
    words: Sequence[Word],
    places: Sequence[range],
    judge: Judge,
    thresholds: Mapping[str, float],
    requests: Collection[int] = (),
) -> list[PrivateSaid]:
    """The private (and logistic) segments of an answer. `requests`: segments that tell nothing ("what does the job pay?"); they
    are private only where a word or a certain model says so."""
    texts = [" ".join(words[i].text for i in place) for place in places]
    found = guard(texts, judge, thresholds) if texts else []
    return [
        PrivateSaid(kind=guarded.kind, passage=passage(words, place))
        for n, (place, guarded) in enumerate(zip(places, found, strict=True))
        if guarded.kind != "none" and not (n in requests and guarded.kind == PRIVATE)
    ]


def listed_kind(text: str) -> str:
    """The kind of the first listed word in a text, or "none"."""
    said = " ".join(tokens(text))
    return next((kind for kind, pattern in _patterns().items() if pattern.search(said)), "none")


def _may_be_work(text: str) -> bool:
    """Whether every listed word has a sense at work too, or the sentence is about people whom one works for."""
    said = " ".join(tokens(text))
    if _any_of(*load_private()["people_at_work"]).search(said):
        return True
    rest = _any_of(*load_private()["also_work"]).sub(" ", said)
    return all(pattern.search(rest) is None for kind, pattern in _patterns().items() if kind != LOGISTICS)


@functools.cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {kind: _any_of(*phrases) for kind, phrases in load_private()["kinds"].items()}


@functools.cache
def _any_of(*phrases: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(_pattern(phrase) for phrase in phrases) + r")\b")


def _pattern(phrase: str) -> str:
    return r"\s".join(re.escape(w).replace(r"\*", r"[\w'-]*") for w in phrase.lower().split())
