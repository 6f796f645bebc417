"""Readings made by hand: what is said is told by the sentence, so that tests of what follows need no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialogue.understanding.reader import Answer
from dialogue.understanding.segments import passage, segments
from memory.records import ActSaid, PointRead, ProbeRead, Reading, Word, untimed
from tests.fixed_reader import FixedReader


def acts(*said: tuple[str, str]) -> list[ActSaid]:
    """(act, words) in the order in which they were said in one turn."""
    words = untimed(" ".join(text for _, text in said))
    found: list[ActSaid] = []
    at = 0
    for act, text in said:
        count = len(text.split())
        found.append(ActSaid(act=act, passage=passage(words, range(at, at + count))))
        at += count
    return found


@dataclass
class ScriptedReader(FixedReader):
    """`meant`: the act of a sentence; the others are answers. `said`: names of the key points that each answer makes."""

    meant: Mapping[str, str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        pieces = [passage(words, place) for place in segments(words)]
        return [ActSaid(act=self.meant.get(piece.quote, "answer"), passage=piece) for piece in pieces]

    async def read(self, answer: Answer) -> Reading:
        reading = await super().read(answer)
        whole = passage(answer.words, range(len(answer.words)))
        points = [
            PointRead(name=p.name, state="said", passage=whole) if p.name in self.said else p for p in reading.points
        ]
        return reading.model_copy(update={"points": points})


def probe_reads(**state: str) -> list[ProbeRead]:
    """Probes by text ("_" for a space): "open 0.8", "answered", "unsure 0.5" ..."""
    found: list[ProbeRead] = []
    for text, told in state.items():
        kind, _, worth = told.partition(" ")
        found.append(
            ProbeRead.model_validate({"text": text.replace("_", " "), "state": kind, "worth": float(worth or 0.0)})
        )
    return found
