"""Small language tools shared by understanding, validator, planning and coach: words, stems, sentences, phrase search. Pure.

English only for now; another language needs its own tables, not branches in the code.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

FILLERS = frozenset(["um", "uh", "er", "erm", "hm", "hmm", "mm", "uhm", "umm", "ah", "mhm"])

STOPWORDS = frozenset(
    (
    "a an the and or but if so as of at by for from in into on onto to with without about over under up down "
    "out off than then i me my mine we us our ours you your yours he him his she her hers it its they them "
    "their theirs this that these those who whom whose which what when where why how am is are was were be "
    "been being do does did done doing have has had having can could will would shall should may might must "
    "not no nor yes yeah okay ok well just also too very really quite much many more most some any all each "
    "every both either neither one two thing things something anything lot lots bit kind sort like there here "
    "again once now because while since until after before between through during only own same such get got "
    "getting go went going come came said say tell told know think thought want wanted make made let us else "
    "ever never always sometimes actually basically maybe perhaps probably im ive dont didnt wasnt cant "
    "couldnt wont thats its"
).split()
) | FILLERS  # fmt: skip


def tokens(text: str) -> list[str]:
    """Lower-case words; apostrophes and inner hyphens are kept."""
    return [t.strip("'-") for t in re.findall(r"[a-z0-9][a-z0-9'’-]*", text.lower().replace("’", "'")) if t.strip("'-")]


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A rough lemma, enough to match "pipelines"/"pipeline" and "moved"/"moving"/"move". Not for display."""
    word = word.removesuffix("'s").replace("'", "")
    irregular = _IRREGULAR.get(word)
    if irregular:
        return irregular
    for suffix, keep in (("ies", "y"), ("ying", "y"), ("ied", "y"), ("sses", "ss")):
        if word.endswith(suffix) and len(word) > len(suffix) + 1:
            return word[: -len(suffix)] + keep
    for suffix in ("ingly", "edly", "ing", "ed", "es", "s", "ly", "er", "e"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3 and not word.endswith("ss"):
            word = word[: -len(suffix)]
            if suffix in ("ing", "ed", "er") and len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 4 else word


_IRREGULAR = {
    "wrote": "writ", "written": "writ", "writing": "writ", "write": "writ", "built": "build", "ran": "run", "led": "lead",
    "took": "tak", "taken": "tak", "take": "tak", "taking": "tak", "gave": "giv", "given": "giv", "give": "giv",
    "broke": "break", "broken": "break", "found": "find", "felt": "feel", "saw": "see", "seen": "see", "chose": "choos",
    "chosen": "choos", "choose": "choos", "began": "begin", "begun": "begin", "brought": "bring", "kept": "keep",
    "left": "leav", "leave": "leav", "lost": "los", "lose": "los", "met": "meet", "sent": "send", "spent": "spend",
    "taught": "teach", "understood": "understand", "drew": "draw", "drawn": "draw", "people": "person", "children": "child",
    "fell": "fall", "grew": "grow", "held": "hold", "sold": "sell", "bought": "buy", "caught": "catch",
}  # fmt: skip


def content_stems(text: str) -> set[str]:
    """Stems of the words that carry meaning."""
    return {stem(t) for t in tokens(text) if t not in STOPWORDS and len(t) > 2}


def sentences(text: str) -> list[str]:
    """Sentences by closing punctuation; a transcript without any is one sentence."""
    return [s.strip() for s in re.split(r"(?<=[.?!])\s+", text) if s.strip()]


def closes_sentence(text: str) -> bool:
    """Whether this word ends a sentence, by the recogniser's punctuation."""
    return text.endswith((".", "?", "!"))


def closes_clause(text: str) -> bool:
    """Whether this word ends a sentence or a clause."""
    return text.endswith((".", "?", "!", ",", ";", ":"))


def holds(answer: str, quote: str) -> bool:
    """Whether the quote occurs in the answer, word for word."""
    said, wanted = tokens(answer), tokens(quote)
    return bool(wanted) and any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def find_phrase(words: Sequence[str], phrase: str) -> tuple[int, int] | None:
    """Where `phrase` occurs in `words`, as (first, after last), ignoring word endings; None if it does not."""
    wanted = [stem(t) for t in tokens(phrase)]
    have = [stem(t) for t in words]
    if not wanted:
        return None
    for i in range(len(have) - len(wanted) + 1):
        if have[i : i + len(wanted)] == wanted:
            return i, i + len(wanted)
    return None


def contains_phrase(text: str, phrases: Iterable[str]) -> str | None:
    """The first of `phrases` that occurs in `text` word for word (ignoring punctuation and case), or None."""
    padded = f" {' '.join(tokens(text))} "
    return next((p for p in phrases if f" {' '.join(tokens(p))} " in padded), None)


def overlap(a: str, b: str) -> float:
    """Jaccard overlap of content stems, 0..1: how far two questions ask the same thing."""
    x, y = content_stems(a), content_stems(b)
    return len(x & y) / len(x | y) if x | y else 0.0
