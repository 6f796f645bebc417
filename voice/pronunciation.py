"""Pronunciations from CMUdict (in the pocketsphinx wheel, BSD), with simple letter rules for words it lacks.

Phones are ARPAbet without stress. Used by the aligner and for counting syllables (one per vowel phone).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pocketsphinx

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())

_DIGITS = dict(
    zip("0123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
)

# Longest first. Deliberately rough: the aligner needs plausible phones, the syllable count only the vowels.
_RULES: list[tuple[str, str]] = [
    ("tion", "SH AH N"), ("sion", "ZH AH N"), ("ough", "AO"), ("augh", "AO"), ("eigh", "EY"), ("igh", "AY"),
    ("tch", "CH"), ("sch", "S K"), ("ch", "CH"), ("sh", "SH"), ("th", "TH"), ("ph", "F"), ("wh", "W"), ("ck", "K"),
    ("ng", "NG"), ("qu", "K W"), ("ee", "IY"), ("ea", "IY"), ("oo", "UW"), ("ou", "AW"), ("ow", "OW"), ("oi", "OY"),
    ("oy", "OY"), ("ai", "EY"), ("ay", "EY"), ("au", "AO"), ("aw", "AO"), ("ie", "IY"), ("ei", "IY"), ("ey", "IY"),
    ("er", "ER"), ("ir", "ER"), ("ur", "ER"), ("ar", "AA R"), ("or", "AO R"), ("a", "AE"), ("b", "B"), ("c", "K"),
    ("d", "D"), ("e", "EH"), ("f", "F"), ("g", "G"), ("h", "HH"), ("i", "IH"), ("j", "JH"), ("k", "K"), ("l", "L"),
    ("m", "M"), ("n", "N"), ("o", "AA"), ("p", "P"), ("r", "R"), ("s", "S"), ("t", "T"), ("u", "AH"), ("v", "V"),
    ("w", "W"), ("x", "K S"), ("y", "IY"), ("z", "Z"),
]  # fmt: skip


@functools.cache
def dictionary() -> dict[str, str]:
    """CMUdict as a mapping from plain word to its first pronunciation."""
    path = Path(pocketsphinx.get_model_path("en-us")) / "cmudict-en-us.dict"
    entries = (line.rstrip().split(" ", 1) for line in path.read_text("utf-8").splitlines())
    return {entry[0]: entry[1] for entry in entries if len(entry) == 2 and "(" not in entry[0]}


@functools.lru_cache(maxsize=20_000)
def phones(word: str) -> tuple[str, ...]:
    """Phones of a plain word (see words.plain). Never empty for a word with a letter or digit."""
    if known := dictionary().get(word):
        return tuple(known.split())
    if "-" in word:
        return tuple(p for part in word.split("-") for p in phones(part))
    if any(c.isdigit() for c in word):
        return tuple(p for c in word if c in _DIGITS for p in phones(_DIGITS[c]))
    if word.endswith("'s") and len(word) > 2:
        return (*phones(word[:-2]), "Z")
    return tuple(_by_letters(re.sub(r"[^a-z]", "", word)))


def syllables(word: str) -> int:
    """Syllables of a plain word; at least 1 if it has any phones."""
    sounds = phones(word)
    return max(1, sum(phone in VOWELS for phone in sounds)) if sounds else 0


def _by_letters(letters: str) -> list[str]:
    if re.fullmatch(r".*[^aeiou]e", letters) and re.search(r"[aeiouy].", letters[:-1]):
        letters = letters[:-1]  # silent final e
    found: list[str] = []
    i = 0
    while i < len(letters):
        for spelling, sound in _RULES:
            if letters.startswith(spelling, i):
                found += sound.split()
                i += len(spelling)
                break
        else:
            i += 1
    return found
