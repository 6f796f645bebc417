"""Reading an answer: the key points it hits, the parts of a story it has, where it stays vague. Pure, explainable.

Every finding carries the words it rests on, so the report can play them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialogue.analysis.assertions import denied, find_by_sound, without_credit
from dialogue.analysis.language import FILLERS, closes_clause, find_phrases, tokens
from memory.records import PlannedQuestion, Span, Word, untimed


@dataclass(frozen=True)
class Finding:
    """Something found in the answer, with its place."""

    name: str
    span: Span


@dataclass(frozen=True)
class Reading:
    """What an answer contains."""

    words: int
    hits: tuple[Finding, ...]  # key points
    missed: tuple[str, ...]
    numbers: tuple[Finding, ...]
    results: tuple[Finding, ...]
    reasons: tuple[Finding, ...]
    first_person: int  # "I", "my"
    plural_person: int  # "we", "our"
    actions: tuple[Finding, ...]  # "I built", "I wrote"
    unsure: float = 0.0  # share of words the recogniser was unsure of

    @property
    def coverage(self) -> float:
        """Share of key points hit, 0..1."""
        total = len(self.hits) + len(self.missed)
        return len(self.hits) / total if total else 0.0


_NUMBER = re.compile(
    r"^(\d[\d.,]*%?|half|twice|double|dozen|hundred|thousand|million|billion|percent|two|three|four|five|six|seven|eight|nine"
    r"|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)$"
)
_RESULT = ("as a result", "in the end", "turned out", "it cut", "reduced", "saved", "improved", "increased", "led to",
           "now it", "now we", "now the", "now they", "and now", "since then", "it worked", "that worked", "worked out", "outcome", "ended up",
           "dropped", "went down", "went up")  # fmt: skip
_REASON = ("because", "so that", "the reason", "in order to", "since we", "due to", "that's why", "that is why", "wanted to",
           "otherwise", "to avoid", "the point was")  # fmt: skip
_ACTION = re.compile(
    r"^(built|wrote|made|moved|set|led|designed|changed|fixed|started|replaced|automated|proposed|asked|found|created|decided|ran"
    r"|tested|measured|organised|organized|convinced|talked|called|rolled|restored|added|removed|introduced|rewrote|deployed|broke"
    r"|deleted|dropped|lost|missed|forgot|sent|shipped|pushed|missed|compared|told|showed|drew|taught|planned|split|went|took|checked|looked|learned|tried|suggested|explained|migrated|cut)$"
)


def read(words: Sequence[Word], question: PlannedQuestion) -> Reading:
    """Read an answer given as timed words. `words` without times (typed) work too."""
    return Reader(words, question.text).read(question)


def read_text(text: str, question: PlannedQuestion) -> Reading:
    """Read an answer that has no times."""
    return read(untimed(text), question)


UNSURE = 0.5  # a word with lower confidence may be another that sounds alike


class Reader:
    """Finds phrases in timed words and turns them into playable spans.

    With a question: words that were retracted, or only repeat it, do not count (dialogue/analysis/assertions.py).
    """

    def __init__(self, words: Sequence[Word], question: str = "") -> None:
        self.words = [w for w in words if tokens(w.text) and tokens(w.text)[0] not in FILLERS]
        self.plain = [tokens(w.text)[0] for w in self.words]
        self.texts = [w.text for w in self.words]
        self.unsure = {i for i, w in enumerate(self.words) if w.confidence is not None and w.confidence < UNSURE}
        self.dead = without_credit(self.texts, self.plain, question)

    @property
    def alive(self) -> list[Word]:
        """The words that count: those that may be picked up and said back."""
        return [w for i, w in enumerate(self.words) if i not in self.dead]

    def places(self, phrase: str) -> list[tuple[int, int]]:
        """Where a phrase occurs and counts; a possible mishearing counts only if the phrase occurs nowhere else."""
        found = [p for p in find_phrases(self.plain, phrase) if self._counts(p)]
        if not found and (heard := find_by_sound(self.plain, self.unsure, phrase)) and self._counts(heard):
            return [heard]
        return found

    def _counts(self, place: tuple[int, int]) -> bool:
        return not (self.dead & set(range(*place))) and not denied(self.texts, self.plain, place)

    def read(self, question: PlannedQuestion) -> Reading:
        hits: list[Finding] = []
        missed: list[str] = []
        for point in question.key_points:
            places = [place for phrase in point.any_of for place in self.places(phrase)[:1]]
            if places:
                hits.append(Finding(point.name, self.clause(min(places))))
            else:
                missed.append(point.name)
        return Reading(
            words=len(self.plain),
            hits=tuple(hits),
            missed=tuple(missed),
            numbers=self._where("number", lambda i: bool(_NUMBER.match(self.plain[i]))),
            results=self._phrases("result", _RESULT),
            reasons=self._phrases("reason", _REASON),
            first_person=sum(w in {"i", "my", "me", "myself", "i'm", "i've", "i'd"} for w in self.plain),
            plural_person=sum(w in {"we", "our", "us", "we're", "we've", "we'd", "ours"} for w in self.plain),
            actions=self._where(
                "own action",
                lambda i: i > 0 and self.plain[i - 1] == "i" and bool(_ACTION.match(self.plain[i])),
            ),
            unsure=len(self.unsure) / len(self.plain) if self.plain else 0.0,
        )

    def _where(self, name: str, test: object) -> tuple[Finding, ...]:
        assert callable(test)
        counted = (i for i in range(len(self.plain)) if i not in self.dead and test(i))
        return tuple(Finding(name, self.clause((i, i + 1))) for i in counted)

    def _phrases(self, name: str, phrases: Sequence[str]) -> tuple[Finding, ...]:
        places = sorted(place for phrase in phrases for place in self.places(phrase)[:1])
        return tuple(Finding(name, self.clause(place)) for place in places)

    def clause(self, place: tuple[int, int], widest: int = 14) -> Span:
        """The clause around the words at `place`, at most `widest` words: what a listener needs in order to follow."""
        first, last = place[0], place[1] - 1
        while first > 0 and place[1] - first < widest - 4 and not closes_clause(self.words[first - 1].text):
            first -= 1
        while last < len(self.words) - 1 and last - first + 1 < widest and not closes_clause(self.words[last].text):
            last += 1
        return self.span(first, last + 1)

    def span(self, first: int, after: int) -> Span:
        """The words from `first` up to `after` as a span."""
        part = self.words[first:after]
        timed = part[-1].end > part[0].start  # typed words have no sound
        return Span(
            quote=" ".join(w.text for w in part),
            t0=part[0].start if timed else None,
            t1=part[-1].end if timed else None,
        )
