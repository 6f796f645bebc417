"""Which words of an answer count: none that are retracted, denied, echoed from the question, or an order. Pure.

A level that credited "I made that up" or an echo of the question would be wrong, however well the words match.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.analysis.language import STOPWORDS, closes_clause, closes_sentence, stem, tokens

# Retracts everything said so far on this question.
_ALL = (
    "i made that up", "i made it up", "none of that is true", "none of that was true", "that is not true", "that's not true",
    "that was not true", "that wasn't true", "that never happened", "i take that back", "i have to take that back",
    "i was lying", "that was a lie", "forget what i said", "i didn't actually do that", "i did not actually do that",
    "it wasn't me who did that", "it was not me who did that", "i did not really do that", "i didn't really do that",
)  # fmt: skip
# Retracts the sentence before it.
_ONE = (
    "scratch that",
    "strike that",
    "no wait",
    "correction",
    "i misspoke",
    "let me correct that",
    "sorry that's wrong",
)
_NEGATIONS = frozenset(
    "not never no didn't don't doesn't wasn't weren't couldn't haven't hadn't hasn't isn't aren't won't can't without nobody neither".split()
)
_REACH = 6  # how many words a negation reaches over: "I would not look at the metrics"
_NEW_CLAUSE = frozenset("but so and because until then though although however instead".split())


# Sentences that address the system instead of answering: they do not count, and nothing in them is said back.
_COMMANDS = frozenset(
    "say print repeat ignore forget reply reveal give mark end translate praise output return pretend act disregard override".split()
)
_TO_THE_SYSTEM = (
    "previous instructions", "system prompt", "your rubric", "your instructions", "your prompt", "developer mode", "you are now",
    "as the administrator", "as an administrator", "as your administrator", "repeat after me", "hidden notes", "new rubric", "reply only",
)  # fmt: skip


def orders(plain: Sequence[str], ranges: Sequence[range]) -> set[int]:
    """Indices of the words in sentences that give the interviewer orders."""
    dead: set[int] = set()
    for part in ranges:
        words = [plain[i] for i in part]
        lead = [w for w in words[:2] if w not in {"please", "now", "then", "and"}]
        if (lead and lead[0] in _COMMANDS) or _stands(f" {' '.join(words)} ", _TO_THE_SYSTEM):
            dead |= set(part)
    return dead


def sentence_ranges(texts: Sequence[str]) -> list[range]:
    """Indices of the words of each sentence."""
    found: list[range] = []
    first = 0
    for i, text in enumerate(texts):
        if closes_sentence(text) or i == len(texts) - 1:
            found.append(range(first, i + 1))
            first = i + 1
    return found


def without_credit(texts: Sequence[str], plain: Sequence[str], question: str) -> set[int]:
    """Indices of the words that do not count. `texts`: words as heard; `plain`: the same, lower case, bare."""
    ranges = sentence_ranges(texts)
    return _retracted(plain, ranges) | _echoed(plain, ranges, question) | orders(plain, ranges)


def _retracted(plain: Sequence[str], ranges: Sequence[range]) -> set[int]:
    dead: set[int] = set()
    for number, part in enumerate(ranges):
        words = [plain[i] for i in part]
        text = f" {' '.join(words)} "
        if _stands(text, _ALL):
            dead |= set(range(part.stop))
        elif _stands(text, _ONE):
            # Within a sentence, what precedes the phrase; if it opens the sentence, the previous sentence.
            at = min(place for phrase in _ONE if (place := _place(words, phrase)) is not None)
            dead |= set(range(part.start, part.start + at)) if at else set(ranges[number - 1]) if number else set()
    return dead


def _place(words: Sequence[str], phrase: str) -> int | None:
    wanted = phrase.split()
    for i in range(len(words) - len(wanted) + 1):
        if list(words[i : i + len(wanted)]) == wanted:
            return i
    return None


def _stands(text: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases occurs in `text`, which has a space at either end."""
    return any(f" {phrase} " in text for phrase in phrases)


def _echoed(plain: Sequence[str], ranges: Sequence[range], question: str) -> set[int]:
    asked = {stem(t) for t in tokens(question) if t not in STOPWORDS}
    dead: set[int] = set()
    for part in ranges:
        said = {stem(plain[i]) for i in part if plain[i] not in STOPWORDS and len(plain[i]) > 2}
        if len(said) >= 3 and len(said & asked) / len(said) >= 0.8:
            dead |= set(part)
    return dead


def denied(texts: Sequence[str], plain: Sequence[str], place: tuple[int, int]) -> bool:
    """Whether the words at `place` are denied: "we did not measure it". Not so if the phrase has its own negation."""
    if any(plain[i] in _NEGATIONS for i in range(*place)):
        return False
    for i in range(place[0] - 1, max(place[0] - 1 - _REACH, -1), -1):
        if closes_clause(texts[i]) or plain[i] in _NEW_CLAUSE:
            return False
        if plain[i] in _NEGATIONS:
            return not (i + 1 < len(plain) and plain[i + 1] in {"only", "just"})
    return False


_CLASSES = {c: str(n) for n, group in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in group}


def sound(word: str) -> str:
    """How a word sounds, roughly: first letter and consonant classes, vowels dropped (after Soundex, Russell 1918)."""
    codes = [_CLASSES[c] for c in word.lower() if c in _CLASSES]
    return word[:1].lower() + "".join(code for i, code in enumerate(codes) if i == 0 or code != codes[i - 1])


def find_by_sound(plain: Sequence[str], unsure: set[int], phrase: str) -> tuple[int, int] | None:
    """Where `phrase` may have been said: a word the recogniser was unsure of sounds like one of its words."""
    wanted = tokens(phrase)
    if not unsure or sum(len(sound(w)) for w in wanted) < 3:
        return None
    for i in range(len(plain) - len(wanted) + 1):
        place = range(i, i + len(wanted))
        if any(k in unsure for k in place) and all(
            stem(plain[k]) == stem(w) or (k in unsure and sound(plain[k]) == sound(w))
            for k, w in zip(place, wanted, strict=True)
        ):
            return i, i + len(wanted)
    return None
