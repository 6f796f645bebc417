"""Variants of a record as speech would produce them: hesitations, misrecognitions, answers cut off in the middle.

The follow-up is unchanged; the span stays in the answer word for word. Pure, seeded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from dialogue.analysis.language import holds, tokens
from tuning.data.readings import ReadingRecord
from tuning.data.records import CoachingRecord, FollowUpRecord

Record = FollowUpRecord | CoachingRecord | ReadingRecord

FILLERS = ("um", "uh", "you know", "I mean", "like", "well", "er")
# What recognisers write for words they do not know or that sound alike; taken from transcripts of our own recordings.
MISHEARD = {
    "cache": "cash", "sql": "sequel", "postgres": "post gress", "kubernetes": "cooper netties", "their": "there", "queue": "cue",
    "write": "right", "whole": "hole", "data": "date a", "two": "to", "site": "sight", "api": "a p i", "json": "jason",
    "regex": "reg x", "bayes": "base", "kafka": "cough cut", "redis": "reddish", "weights": "waits", "lose": "loose",
    "would have": "would of", "pytorch": "pie torch", "gradient": "grade ient", "tensor": "tenser", "then": "than",
    "patients": "patience", "affect": "effect", "brakes": "breaks", "for": "four", "buy": "by", "sale": "sail",
}  # fmt: skip


def augmented(records: Sequence[Record], seed: int = 0) -> list[Record]:
    """The records plus one spoken variant of each, in turn: fillers, mishearing or (follow-ups) truncation.

    An answer that is to be read has none: its labels name its sentences.
    """
    rng = random.Random(seed)
    found = list(records)
    for i, record in enumerate(records):
        if isinstance(record, ReadingRecord):
            continue
        changes: list[Callable[[str, str, random.Random], str]] = [refilled, misheard]
        if isinstance(record, FollowUpRecord):
            changes.append(truncated)
        keep = record.span if isinstance(record, FollowUpRecord) else record.quote
        answer = changes[i % len(changes)](record.answer, keep, rng)
        if answer != record.answer and len(tokens(answer)) >= 3 and (not keep or holds(answer, keep)):
            found.append(record.model_copy(update={"id": f"{record.id}~{i % len(changes)}", "answer": answer}))
    return found


def refilled(answer: str, keep: str, rng: random.Random) -> str:
    """Other hesitations: existing ones are dropped, new ones added about every twelfth word, never inside `keep`."""
    words = answer.split()
    inside = _inside(words, keep)
    bare = {"um", "uh", "er", "erm", "hmm"}
    made: list[str] = []
    for i, word in enumerate(words):
        if i not in inside and word.lower().strip(".,") in bare:
            continue
        if i not in inside and rng.random() < 1 / 12:
            made.append(rng.choice(FILLERS))
        made.append(word)
        if i not in inside and len(word) <= 3 and rng.random() < 1 / 15:
            made.append(word)  # a repetition: "the the"
    return " ".join(made)


def misheard(answer: str, keep: str, rng: random.Random) -> str:
    """Words swapped for what a recogniser writes, punctuation and capitals lost, a small word dropped here and there."""
    words = answer.split()
    inside = _inside(words, keep)
    made: list[str] = []
    for i, word in enumerate(words):
        plain = (tokens(word) or [word])[0]
        if i in inside:
            made.append(word)
        elif plain in MISHEARD and rng.random() < 0.6:
            made.append(MISHEARD[plain])
        elif plain in {"a", "the", "to", "of", "and"} and rng.random() < 0.12:
            continue
        else:
            made.append(word.lower().strip(".,;:!?") if rng.random() < 0.8 else word)
    return " ".join(made)


def truncated(answer: str, keep: str, rng: random.Random) -> str:
    """The answer as heard when a proposal had to be made: cut after `keep`, before its end."""
    words = answer.split()
    inside = _inside(words, keep)
    first = max(inside, default=len(words) // 2) + 1
    return " ".join(words[: rng.randint(first, len(words))])


def _inside(words: Sequence[str], keep: str) -> set[int]:
    """Indices of the words that belong to `keep`."""
    wanted = tokens(keep)
    flat = [(i, t) for i, word in enumerate(words) for t in tokens(word)]
    said = [t for _, t in flat]
    for at in range(len(said) - len(wanted) + 1) if wanted else ():
        if said[at : at + len(wanted)] == wanted:
            return {i for i, _ in flat[at : at + len(wanted)]}
    return set()
