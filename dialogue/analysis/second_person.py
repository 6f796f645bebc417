"""The candidate's own clause, said back: no fillers or stutters, pronouns turned, cut where the thought ends. Pure.

"so I, uh, I moved the the reporting pipeline to streaming because" becomes "you moved the reporting pipeline to
streaming". Precision before recall: a clause that cannot be turned safely is not used.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from dialogue.analysis.assertions import orders, sentence_ranges
from dialogue.analysis.language import FILLERS, STOPWORDS, closes_clause, closes_sentence
from dialogue.analysis.lexicon import is_past, kinds
from memory.records import Word

LONGEST, SHORTEST = 10, 4  # words of a clause that can be said back
_SURE = 0.5  # confidence below which a word is not quoted
_TURN = {
    "i": "you", "we": "you", "my": "your", "our": "your", "me": "you", "us": "you", "mine": "yours", "ours": "yours",
    "myself": "yourself", "ourselves": "yourselves", "i'm": "you're", "we're": "you're", "i've": "you've", "we've": "you've",
    "i'd": "you'd", "we'd": "you'd", "i'll": "you'll", "we'll": "you'll", "am": "are",
}  # fmt: skip
_SUBJECTS = frozenset(["i", "we"])
_ENDS = frozenset("because so and but which when while until where who whose then after before since if or though although however that".split())  # fmt: skip
# Verbs that express no act to ask about, or make a sentence about the talk itself.
_EMPTY = frozenset(
    "think thought guess mean know knew believe believed feel felt hope remember say said would could should can will might may "
    "must have had am was were do did don't didn't want wanted like liked love loved try see saw need needed get got used".split()
)
_DISCOURSE = frozenset(
    "basically actually really just also kind sort honestly obviously literally like well okay ok yeah".split()
)
_DANGLING = frozenset(
    "a an the my your our their his her its this that these those to of in on at for with from by into about over under very more "
    "most some any each every all no not be been being is are was were".split()
)


Piece = tuple[str, str, float | None]  # lower case, as shown, confidence


class SaidBack:
    """What can be said back from an answer. Each part is computed once, on first access."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words

    @functools.cached_property
    def clauses(self) -> list[str]:
        """What they did, in order: "you moved the reports to a dashboard". "We" becomes "you"."""
        return _collect(self._clean, _acted, "you")

    @functools.cached_property
    def team_clauses(self) -> list[str]:
        """The same for questions about their own part: "we" becomes "the team"."""
        return _collect(self._clean, _acted, "the team")

    @functools.cached_property
    def statements(self) -> list[str]:
        """What they say about themselves in the present: "you prefer to be respected"."""
        return _collect(self._clean, lambda low, following: low == "i" and _states(following[0]), "you")

    @functools.cached_property
    def _clean(self) -> list[Piece]:
        return _clean(self.words)


def _acted(low: str, following: list[str]) -> bool:
    helped = len(following) == 2 and following[0] in {"have", "was", "were"} and is_past(following[1])
    if low in _SUBJECTS:
        return _acts(following[0]) or helped
    return low in {"i've", "we've"} and _acts(following[0])


def _collect(clean: Sequence[Piece], begins: Callable[[str, list[str]], bool], we: str) -> list[str]:
    """What begins at a word, without duplicates. `begins(word, the one or two that follow)`."""
    found: list[str] = []
    for i, (low, _, _) in enumerate(clean[:-1]):
        if begins(low, [piece[0] for piece in clean[i + 1 : i + 3]]):
            clause = _take(clean[i:], we)
            if clause and clause not in found:
                found.append(clause)
    return found


def _states(word: str) -> bool:
    return word in {"like", "love", "prefer", "believe", "want", "try", "can"} or (
        word not in _EMPTY and "VERB" in kinds(word) and not is_past(word) and not word.endswith(("ing", "ly"))
    )


def _acts(word: str) -> bool:
    return word not in _EMPTY and is_past(word)


def _clean(words: Sequence[Word]) -> list[Piece]:
    """The words without fillers, filler words and immediate repeats; the shown form keeps its punctuation."""
    kept: list[Piece] = []
    plain = [word.text.lower().replace("’", "'").strip(".,;:?!\"'()") for word in words]
    commands = orders(plain, sentence_ranges([word.text for word in words]))
    for i, word in enumerate(words):
        if i in commands:
            continue
        low = word.text.lower().replace("’", "'").strip(".,;:?!\"'()")
        if not low or low in FILLERS or low in _DISCOURSE:
            if kept and closes_clause(word.text):  # a dropped filler leaves its pause behind
                kept[-1] = (kept[-1][0], kept[-1][1].rstrip(".,;:?!") + word.text[-1], kept[-1][2])
            continue
        if kept and kept[-1][0] == low and not closes_sentence(kept[-1][1]):
            kept[-1] = (low, word.text, word.confidence)
            continue
        kept.append((low, word.text, word.confidence))
    return kept


def _take(pieces: Sequence[Piece], we: str) -> str | None:
    body: list[str] = []
    full = False
    for n, (low, shown, confidence) in enumerate(pieces):
        full = len(body) == LONGEST
        if n and (low in _ENDS or full):
            break
        if n and low in _SUBJECTS:  # a new subject with no conjunction: the recogniser lost something
            return None
        if (
            low in {"you", "your"}
            or (confidence is not None and confidence < _SURE)
            or not low.replace("'", "").replace("-", "").isalnum()
        ):
            return None
        if n == 1 and low == "was" and body[-1] == "you":
            body.append("were")
            continue
        if n == 0 and low == "we":
            body += we.split()
            continue
        body.append(_TURN.get(low, _plain_case(shown.strip(".,;:?!\"'()"), low)))
        if closes_clause(shown):
            break
    while body and body[-1].lower() in _DANGLING:
        body.pop()
    while full and body and "NOUN" not in kinds(body[-1]):  # cut in mid-thought: back to the last noun
        body.pop()
    while body and body[-1].lower() in _DANGLING:
        body.pop()
    meaningful = [w for w in body[2:] if w.lower() not in STOPWORDS]
    return " ".join(body) if len(body) >= SHORTEST and meaningful else None


def _plain_case(shown: str, low: str) -> str:
    """Recognisers capitalise at random; acronyms and names that contain a digit are kept."""
    return shown if (shown.isupper() and len(shown) > 1) or any(c.isdigit() for c in shown) else low
