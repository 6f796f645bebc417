"""Hesitation in the words, on text of our own: filler words in context, repetitions, restarts, cut-off words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.pauses import Counted
from voice.metrics.disfluency import cut_offs, filler_words, repetitions, restarts
from voice.words import TimedWord, plain

SENTENCES = Path(__file__).parent / "filler_sentences.txt"


def filler_sentences() -> list[tuple[list[str], list[str]]]:
    """(words, fillers among them) of our own sentences."""
    lines = [line for line in SENTENCES.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [(words_of(re.sub(r"[{}]", "", line)), re.findall(r"\{(.+?)\}", line.lower())) for line in lines]


def words_of(text: str) -> list[str]:
    """Plain words."""
    return [w for w in map(plain, text.split()) if w]


def fillers() -> list[Counted]:
    """Filler words found in each sentence."""
    return [_count(filler_words(words), true) for words, true in filler_sentences()]


def planted(seed: int = 3) -> list[tuple[str, str, list[str]]]:
    """(kind, text, what was planted): each fluent sentence with one disfluency, and as many with lookalikes."""
    rng = np.random.default_rng(seed)
    made: list[tuple[str, str, list[str]]] = []
    for words, true in filler_sentences():
        if true or len(words) < 6:
            continue
        n, at = int(rng.integers(1, 4)), int(rng.integers(0, len(words) - 3))
        run = words[at : at + n]
        um = ["um"] if rng.random() < 0.3 else []
        if not repetitions(timed(words)):
            made.append(("repetition", " ".join([*words[:at], *run, *um, *words[at:]]), [" ".join(run)]))
        long = next((i for i, w in enumerate(words) if len(w) > 6), None)
        if long is not None:
            part = words[long][:4] + "-"
            made.append(("cut-off", " ".join([*words[:long], part, *words[long:]]), [part]))
        pronoun = next((i for i, w in enumerate(words) if w in ("i", "we", "he", "she", "they")), None)
        if pronoun is not None and len(words) > pronoun + 1 and words[pronoun + 1] not in ("had", "would"):
            false = [words[pronoun], "had" if words[pronoun + 1] != "had" else "was"]
            made.append(("restart", " ".join([*words[:pronoun], *false, *words[pronoun:]]), [" ".join(false)]))
        term = ["no wait", "or rather", "let me rephrase"][int(rng.integers(0, 3))]
        made.append(("restart", " ".join([*words[:3], *term.split(), *words]), [term]))
    fluent = (
        "it was very very slow", "no no that was somebody else", "they had had enough of it", "I said that that was wrong",
        "we waited and waited for the build", "one two two three", "it went on and on for hours", "again and again it failed",
        "many many people asked", "it is what it is", "a well-known problem", "the end-to-end test", "I think I can do it",
    )  # fmt: skip
    return made + [("none", text, []) for text in fluent]


def disfluencies() -> dict[str, list[Counted]]:
    """By kind: found in each sentence."""
    finders: dict[str, Callable[[Sequence[TimedWord]], list[str]]] = {
        "repetition": repetitions, "cut-off": cut_offs, "restart": restarts,
    }  # fmt: skip
    results: dict[str, list[Counted]] = {kind: [] for kind in finders}
    for kind, text, true in planted():
        for name, find in finders.items():
            found = find(timed(text.split()))
            wanted = len(true) if name == kind else 0
            results[name].append(Counted(min(len(found), wanted), len(found), wanted))
    return results


def timed(words: Sequence[str]) -> list[TimedWord]:
    """Words a third of a second apart: only the order matters."""
    return [TimedWord(w, i / 3, (i + 1) / 3) for i, w in enumerate(words)]


def _count(found: Sequence[str], true: Sequence[str]) -> Counted:
    return Counted(sum((Counter(found) & Counter(true)).values()), len(found), len(true))
