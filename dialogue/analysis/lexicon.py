"""What part of speech a word can be, by LemmInflect's dictionary (MIT, data in its wheel). Pure, cached, offline."""

from __future__ import annotations

import functools

from lemminflect import getAllLemmas, getInflection


@functools.lru_cache(maxsize=20_000)
def kinds(word: str) -> frozenset[str]:
    """Which of NOUN, VERB, ADJ, ADV, PROPN, AUX the word can be; empty if the dictionary lacks it."""
    return frozenset(getAllLemmas(word.lower()))


@functools.lru_cache(maxsize=20_000)
def is_past(word: str) -> bool:
    """Whether it can be a verb in the simple past: "moved", "wrote"."""
    lemmas = getAllLemmas(word.lower(), upos="VERB").get("VERB", ())
    return any(word.lower() in getInflection(lemma, "VBD") for lemma in lemmas)
