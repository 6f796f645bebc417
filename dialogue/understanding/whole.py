"""What is known of a question from the readings of all its turns: the core answer and the answers to follow-ups. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dialogue.state import Turn
from dialogue.understanding.segments import covered
from memory.records import Passage, PlannedQuestion, Probe, Reading, Word

PointState = Literal["said", "contradicted", "not_found", "unsure"]


@dataclass(frozen=True)
class PointSoFar:
    """A key point over all turns of a question. `turn`: number of the turn that `passage` is in."""

    name: str
    state: PointState
    passage: Passage | None = None
    turn: int | None = None


def points_so_far(question: PlannedQuestion, turns: Sequence[Turn]) -> list[PointSoFar]:
    """Said or contradicted where a turn does so (the newest counts); not found only if every reading says that."""
    found: list[PointSoFar] = []
    for point in question.key_points:
        newest = PointSoFar(point.name, "unsure")
        missing = 0
        read = [t for t in turns if t.reading is not None]
        for turn in read:
            assert turn.reading is not None
            for seen in turn.reading.points:
                if seen.name == point.name and seen.passage and seen.state in ("said", "contradicted"):
                    newest = PointSoFar(point.name, seen.state, seen.passage, turn.number)
                missing += seen.name == point.name and seen.state == "not_found"
        if newest.state == "unsure" and read and missing == len(read):
            newest = PointSoFar(point.name, "not_found")
        found.append(newest)
    return found


def spent(turns: Sequence[Turn]) -> set[str]:
    """Texts of probes that were asked or are answered already."""
    asked = {turn.text for turn in turns if turn.probe is not None}
    answered = {p.text for t in turns if t.reading for p in t.reading.probes if p.state == "answered"}
    return asked | answered


def still_open(question: PlannedQuestion, turns: Sequence[Turn]) -> list[Probe]:
    """Probes that neither were asked nor are answered, the most worth asking first, by the newest reading of each."""
    used = spent(turns)
    newest = {p.text: p for t in turns if t.reading for p in t.reading.probes}
    left = [p for p in question.probes if p.text not in used and p.text in newest and newest[p.text].state == "open"]
    return sorted(left, key=lambda p: -newest[p.text].worth)


def public_words(words: Sequence[Word], reading: Reading | None) -> list[Word]:
    """The words that may leave the transcript: without what is private. Without a reading, none."""
    if reading is None:
        return []
    hidden = covered(reading.private)
    return [word for i, word in enumerate(words) if i not in hidden]
