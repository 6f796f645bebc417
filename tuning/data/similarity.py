"""Near-duplicates among records: two that teach the same thing, or one on both sides of a split. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from dialogue.analysis.language import tokens
from tuning.data.records import CoachingRecord, FollowUpRecord

SAME = 0.7  # Jaccard of word pairs from which two texts count as one (Broder 1997, shingles of two words)
Record = FollowUpRecord | CoachingRecord


def shingles(text: str, n: int = 2) -> frozenset[tuple[str, ...]]:
    """Runs of n words; a shorter text is one run."""
    words = tokens(text)
    return frozenset(tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1)))


def jaccard(a: frozenset[tuple[str, ...]], b: frozenset[tuple[str, ...]]) -> float:
    """Size of the intersection over size of the union, 0..1."""
    return len(a & b) / len(a | b) if a | b else 1.0


def near_pairs(texts: Sequence[str], same: float = SAME) -> list[tuple[int, int, float]]:
    """Pairs of texts at or above `same`, found through the word pairs they share."""
    sets = [shingles(text) for text in texts]
    seen: dict[tuple[str, ...], list[int]] = defaultdict(list)
    found: list[tuple[int, int, float]] = []
    for i, mine in enumerate(sets):
        others = {j for gram in mine for j in seen[gram]}
        found += [(j, i, near) for j in sorted(others) if (near := jaccard(sets[j], mine)) >= same]
        for gram in mine:
            seen[gram].append(i)
    return found


def deduplicated(records: Sequence[Record]) -> tuple[list[Record], list[tuple[Record, Record]]]:
    """The records without near-duplicates (the first is kept), and each dropped one with the one it repeats.

    Duplicates are judged by what is learnt (follow-up or feedback), and by the answer where questions differ:
    several follow-ups to one answer are intended.
    """
    learnt: Callable[[Record], str] = lambda r: r.follow_up if isinstance(r, FollowUpRecord) else r.feedback  # noqa: E731
    dropped: dict[int, int] = {}
    for i, j, _ in near_pairs([learnt(r) for r in records]):
        if i not in dropped:
            dropped.setdefault(j, i)
    for i, j, _ in near_pairs([r.answer for r in records]):
        long_enough = len(tokens(records[j].answer)) >= 8  # "no idea" may occur twice
        if i not in dropped and long_enough and records[i].question != records[j].question:
            dropped.setdefault(j, i)
    kept = [r for i, r in enumerate(records) if i not in dropped]
    return kept, [(records[j], records[i]) for j, i in sorted(dropped.items())]
