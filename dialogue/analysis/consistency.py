"""Two statements by one person that do not fit: the same thing counted differently. Pure; precision before recall.

Only numbers of named things are compared ("a team of five", later "twelve people in the team"), because a question
about them is neutral and checkable. Nothing here accuses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dialogue.analysis.language import STOPWORDS, stem
from dialogue.analysis.lexicon import is_plural
from dialogue.analysis.reading import Reader
from memory.records import Span

_NUMBERS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())} | {
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000,
}  # fmt: skip
_UNITS = frozenset(
    stem(unit)
    for unit in "percent year month week day hour minute second time thing point step question people person way".split()
)


@dataclass(frozen=True)
class Count:
    """`number` of `thing` (a stem), as said in `span`."""

    thing: str
    number: float
    span: Span


def counts(reader: Reader) -> list[Count]:
    """What was counted: "five engineers", "a team of five"."""
    found: list[Count] = []
    for i, word in enumerate(reader.plain):
        number = _number(word)
        if number is None or i in reader.dead:
            continue
        following = reader.plain[i + 1] if i + 1 < len(reader.plain) else ""
        things = [stem(following)] if following and following not in STOPWORDS and is_plural(following) else []
        if i >= 2 and reader.plain[i - 1] == "of" and reader.plain[i - 2] not in STOPWORDS:
            things.append(stem(reader.plain[i - 2]))
        found += [Count(thing, number, reader.clause((i, i + 1), 9)) for thing in things if thing not in _UNITS]
    return found


def contradiction(earlier: Iterable[Reader], now: Reader) -> tuple[Count, Count] | None:
    """The first thing whose count now differs from an earlier one: (before, now)."""
    counted = counts(now)
    before = [count for reader in earlier for count in counts(reader)] if counted else []
    for new in counted:
        for old in before:
            if old.thing == new.thing and max(old.number, new.number) >= 1.5 * min(old.number, new.number) > 0:
                return old, new
    return None


def _number(word: str) -> float | None:
    if word in _NUMBERS:
        return float(_NUMBERS[word])
    try:
        return float(word.replace(",", ""))
    except ValueError:
        return None
