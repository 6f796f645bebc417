"""Hesitation in the words: filled pauses, filler words, repetitions, restarts. Rules in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Sequence

from voice.words import FILLED_PAUSES, TimedWord

# Phrases that are fillers wherever they stand as a phrase of their own.
_PHRASES = ("you know", "i mean", "sort of", "kind of", "or something", "or whatever")
_SINGLE = frozenset({"basically", "actually", "literally", "obviously"})
# "like" is a filler only where it is neither verb, preposition nor comparison.
_LIKE_BEFORE = frozenset(
    (
        "i you we they would 'd i'd we'd you'd they'd don't didn't really is was were are be been feel feels felt "
        "look looks looked sound sounds sounded seem seems something things anything nothing people tools more "
        "much just to"
    ).split()
)
_INTENSIFIERS = frozenset("really so very totally super um uh".split())
_ALLOWED_REPEATS = frozenset(
    (
        "very really no yes so much many far long had that ha bye well again never ever never more now one two "
        "three four five six seven eight nine zero oh word"
    ).split()
)
_EDIT_TERMS = ("i mean", "sorry", "no wait", "or rather", "actually no", "let me rephrase")


def filler_words(words: Sequence[str]) -> list[str]:
    """Filler words and phrases among plain words, in order (filled pauses such as "um" not among them)."""
    found: list[str] = []
    i = 0
    while i < len(words):
        pair = " ".join(words[i : i + 2])
        if pair in _PHRASES and _is_filler_phrase(words, i):
            found.append(pair)
            i += 2
            continue
        if words[i] in _SINGLE or (words[i] == "like" and _is_filler_like(words, i)):
            found.append(words[i])
        i += 1
    return found


def _is_filler_phrase(words: Sequence[str], i: int) -> bool:
    before, after = words[i - 1] if i else "", words[i + 2] if i + 2 < len(words) else ""
    if words[i] == "you":  # "do you know", "you know how/what/that" ask or state
        return before not in {"do", "did", "if", "as", "what", "that", "when"} and after not in {
            "how",
            "what",
            "that",
            "the",
        }
    if words[i] == "i":  # "what I mean", "I mean that"
        return before not in {"what", "that", "do"} and after != "by"
    if words[i] in {"sort", "kind"}:  # "a sort of", "what kind of", "this kind of" name a class
        return before not in {
            "a",
            "what",
            "this",
            "that",
            "the",
            "some",
            "any",
            "which",
            "every",
            "one",
            "same",
            "these",
        }
    return True


def _is_filler_like(words: Sequence[str], i: int) -> bool:
    before, after = words[i - 1] if i else "", words[i + 1] if i + 1 < len(words) else ""
    if before in FILLED_PAUSES or after in _INTENSIFIERS:
        return True
    return before not in _LIKE_BEFORE and after not in {"to", "that", "this", "these", "those", "it"}


def repetitions(words: Sequence[TimedWord]) -> list[str]:
    """Runs of one to four words said again at once ("we we", "in the in the"), filled pauses ignored.

    Deliberate doubles ("very very"), numbers and spelt letters do not count.
    """
    said = [w.plain for w in words if w.plain and w.plain not in FILLED_PAUSES]
    found: list[str] = []
    i = 0
    while i < len(said):
        for n in (4, 3, 2, 1):
            run = said[i : i + n]
            if len(run) == n and run == said[i + n : i + 2 * n] and not _deliberate(run):
                found.append(" ".join(run))
                i += n
                break
        else:
            i += 1
    return found


def _deliberate(run: list[str]) -> bool:
    return all(word in _ALLOWED_REPEATS or word.isdigit() for word in run)


def restarts(words: Sequence[TimedWord]) -> list[str]:
    """Places where the speaker broke off: cut words ("mon-", "mon—") and spoken edit terms ("I mean, ...", "no wait").

    A text-level estimate; a recogniser that cleans up speech hides most of them.
    """
    found = [w.text for w in words if w.text.rstrip(".,?!").endswith(("-", "—")) and len(w.plain) > 0]
    text = [w.plain for w in words]
    for term in _EDIT_TERMS:
        parts = term.split()
        found += [term for i in range(1, len(text)) if text[i : i + len(parts)] == parts]
    return found


def ends_clause(text: str) -> bool:
    """Whether the recogniser closed a clause after this word."""
    return text.rstrip().endswith((".", "?", "!", ",", ";", ":"))
