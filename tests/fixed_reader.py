"""A reader without a model, for tests of what goes by its readings: every probe is open, the first the most worth asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dialogue.understanding.reader import Answer
from dialogue.understanding.segments import passage
from memory.records import ActSaid, PointRead, PrivateSaid, ProbeRead, Reading, Word


@dataclass
class FixedReader:
    """`answered`: texts of probes that every answer has answered. `private`: a word that makes its whole answer private."""

    answered: set[str] = field(default_factory=set)
    private: str = ""
    name: str = "fixed reader"

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        return [ActSaid(act="answer", passage=passage(words, range(len(words))))] if words else []

    async def read(self, answer: Answer) -> Reading:
        whole = passage(answer.words, range(len(answer.words)))
        hidden = self.private and self.private in answer.texts
        return Reading(
            reader=self.name, acts=self.acts(answer.words), private=[PrivateSaid(kind="health", passage=whole)] if hidden else [],
            points=[PointRead(name=p.name, state="unsure") for p in answer.question.key_points],
            probes=[
                ProbeRead(text=p.text, state="answered" if p.text in self.answered else "open", worth=round(0.9 - 0.01 * i, 2))
                for i, p in enumerate(answer.question.probes)
            ],
        )  # fmt: skip
