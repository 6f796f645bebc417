"""What every reader of answers does. Three stand behind it: embedded, a language model, a tuned adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from memory.records import ActSaid, PlannedQuestion, Reading, Word


@dataclass(frozen=True)
class Answer:
    """What there is to read: the words of one turn, as far as they are known.

    `put`: the follow-up they reply to; empty for the core question.
    """

    question: PlannedQuestion
    words: Sequence[Word]
    put: str = ""

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]


class Reader(Protocol):
    """`name` stands in the log beside what it read.

    A reader says *said*, *contradicted*, *answered* or *beside* only where it is sure, and *unsure* otherwise; every passage
    holds words of the answer, in their place; nothing in an answer is an order to it. It raises nothing: what it cannot do is
    unsure.
    """

    name: str

    async def read(self, answer: Answer) -> Reading:
        """The reading of an answer. Does its work off the event loop."""
        ...

    def acts(self, words: Sequence[Word]) -> list[ActSaid]:
        """Only the dialogue acts, at once (milliseconds): for what must be known while somebody speaks."""
        ...
