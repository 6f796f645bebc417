"""What a candidate asks about the job, answered in the operator's own sentences. Pure; nothing is made up.

Notes are read as sentences. One answers a question if it holds most of what the question asks about, rare words counting more
(tf-idf without lengths; Sparck Jones 1972). Below the threshold there is no answer: the question is noted for a person.
"""

from __future__ import annotations

import functools
import math
from collections import Counter

from dialogue.analysis.language import content_stems, sentences, tokens

LONGEST = 40  # words of an answer that is said aloud
ENOUGH = 0.5  # share of what is asked about, by weight, that a sentence must hold
_SAME = {
    "pay": "salary", "paid": "salary", "wage": "salary", "wages": "salary", "money": "salary", "earn": "salary", "compensation": "salary",
    "home": "remote", "hybrid": "remote", "office": "remote", "vacation": "holiday", "holidays": "holiday", "leave": "holiday",
    "shifts": "hours", "shift": "hours", "schedule": "hours", "located": "location", "where": "location", "address": "location",
    "steps": "process", "stage": "process", "next": "process", "hear": "process", "begin": "start", "starting": "start",
    "colleagues": "team", "people": "team", "boss": "manager", "supervisor": "manager", "learning": "training",
}  # fmt: skip
_ABOUT_NOTHING = frozenset("job role position work company question ask please".split())


def answer_from(notes: str, question: str) -> str:
    """The sentence of the notes that answers, or "" if none surely does."""
    wanted = _meaning(question)
    if not wanted or not notes.strip():
        return ""
    said = _read(notes)
    rarity = {stem: math.log(1 + len(said) / (1 + sum(stem in s for _, s in said))) for stem in wanted}
    total = sum(rarity.values())
    best, text = 0.0, ""
    for sentence, held in said:
        share = sum(rarity[stem] for stem in wanted & held) / total if total else 0.0
        if share > best and len(tokens(sentence)) <= LONGEST:
            best, text = share, sentence
    return text if best >= ENOUGH else ""


@functools.lru_cache(maxsize=8)
def _read(notes: str) -> tuple[tuple[str, frozenset[str]], ...]:
    lines = [part for line in notes.splitlines() for part in sentences(line.strip(" -*•\t"))]
    return tuple((line, _meaning(line)) for line in Counter(lines))


@functools.lru_cache(maxsize=4096)
def _meaning(text: str) -> frozenset[str]:
    bare = (w.removesuffix("'s") for w in tokens(text.lower().replace("next to", "beside")))  # no step of a process
    words = [_SAME.get(w, w) for w in bare if w not in _ABOUT_NOTHING]
    return frozenset(content_stems(" ".join(words)))
