"""A reader that is told what the words mean: tests of what is done with a reading do not hang on the small model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialogue.understanding.reader import Answer
from dialogue.understanding.segments import passage, segments
from memory.records import ActSaid, PointRead, PrivateSaid, ProbeRead, Reading, Word


@dataclass
class MarkedReader:
    """Everything is found by a piece of a sentence: kind of private matter, key point, act."""

    private: Mapping[str, str] = field(default_factory=dict)  # piece to kind
    said: Mapping[str, str] = field(default_factory=dict)  # name of a key point to a piece
    against: Mapping[str, str] = field(default_factory=dict)
    wishes: Mapping[str, str] = field(default_factory=dict)  # piece to act
    name: str = "marked reader"

    async def read(self, answer: Answer) -> Reading:
        words = list(answer.words)
        parts = [(" ".join(words[i].text for i in place), passage(words, place)) for place in segments(words)]
        points = [PointRead(name=p.name, state="unsure") for p in answer.question.key_points]
        for state, pieces in (("said", self.said), ("contradicted", self.against)):
            for i, point in enumerate(points):
                span = next((span for text, span in parts if pieces.get(point.name, "\0") in text), None)
                if span:
                    points[i] = PointRead(name=point.name, state=state, passage=span)  # type: ignore[arg-type]
        return Reading(
            reader=self.name,
            acts=self.acts(words),
            private=[
                PrivateSaid(kind=k, passage=s) for t, s in parts for piece, k in self.private.items() if piece in t
            ],
            points=points,
            probes=[ProbeRead(text=p.text, state="open", worth=0.5) for p in answer.question.probes],
        )

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        found: list[ActSaid] = []
        for place in segments(words):
            text = " ".join(words[i].text for i in place)
            act = next((act for piece, act in self.wishes.items() if piece in text), "answer")
            found.append(ActSaid(act=act, passage=passage(words, place)))
        return found
