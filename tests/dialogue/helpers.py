"""Whole interviews in virtual time: no sound, no clock, the real interviewer and the real fold."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field

from dialogue.backends.base import LanguageModel
from dialogue.manager.interviewer import Interviewer, Proposal
from dialogue.manager.reply import Reply
from dialogue.plan.plan import draw, questions_of
from dialogue.state import State, Turn, fold
from memory.events import AnyEvent, Consented, Created, Heard, Spoken
from memory.records import CandidateSource, Interview, Mode, Word
from prompts.loader import load_pack
from tests.dialogue.remembering import remembering_reader

DEMO = ("improved-process", "mistake", "slow-service")


def agreed(ids: Sequence[str] = DEMO, probes: int = 1, mode: Mode = "practice", seed: int = 0) -> Interview:
    pack = load_pack("phone-screen")
    questions = draw(questions_of(pack), minutes=30, probes=probes, ids=ids)
    return Interview(
        id="test", mode=mode, title=pack["title"], pack=pack["name"], source=CandidateSource(kind="typed"),
        questions=questions, probe_budget=probes, minutes=30, seed=seed,
    )  # fmt: skip


def timed(text: str, start: float) -> list[Word]:
    """The words, a third of a second each."""
    return [
        Word(text=w, start=round(start + i / 3, 3), end=round(start + i / 3 + 0.3, 3))
        for i, w in enumerate(text.split())
    ]


@dataclass
class Conversation:
    """Drives an interviewer as the call does; `said` is what the agent said, in order.

    `untouched`: whether every proposal left the log and the state exactly as they were.
    """

    interview: Interview
    interviewer: Interviewer = field(default_factory=Interviewer)
    events: list[AnyEvent] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ended: bool = False
    t: float = 0.0
    untouched: bool = True
    _folded: tuple[tuple[AnyEvent, ...], State] = ((), State())

    def __post_init__(self) -> None:
        if not self.events:
            self.events = [
                Created(at=0, interview=self.interview),
                Consented(at=0, by="test", text_version="1", scope=["recording"]),
            ]

    @property
    def state(self) -> State:
        """Folded on from the last time, unless an event that was folded is another one now."""
        known, state = self._folded
        if len(known) > len(self.events) or any(a is not b for a, b in zip(known, self.events, strict=False)):
            known, state = (), State()
        state = fold(self.events[len(known) :], state)
        self._folded = tuple(self.events), state
        return state

    @property
    def open_turn(self) -> Turn:
        """The turn that waits for its answer; there must be one."""
        turn = self.state.awaiting
        assert turn is not None
        return turn

    def take(self, reply: Reply) -> str:
        self.events += reply.events
        turn = self.state.awaiting
        number = turn.number if turn else None
        self.events.append(Spoken(at=self.t, t=self.t, turn=number, end=self.t + 4, text=reply.text))
        self.t += 5
        self.said.append(reply.text)
        self.ended = reply.ends
        return reply.text

    def open(self) -> str:
        return self.take(self.interviewer.open(self.state, self.t, self.t))

    def answer(self, text: str, propose: bool = False) -> str:
        return asyncio.run(self._answer(text, propose))

    async def _answer(self, text: str, propose: bool) -> str:
        turn = self.state.awaiting
        assert turn is not None
        words = timed(text, self.t)
        proposal = await self._propose(turn, words) if propose else None
        if words:
            self.events.append(Heard(at=self.t, t=self.t, turn=turn.number, text=text, words=words, end=words[-1].end))
            self.t = words[-1].end + 1
        turn = self.state.awaiting
        assert turn is not None
        return self.take(await self.interviewer.commit(self.state, turn, at=self.t, t=self.t, proposal=proposal))

    async def _propose(self, turn: Turn, words: Sequence[Word]) -> Proposal:
        """Propose once in mid-answer, discarding the result, and once at its end."""
        state = self.state
        before = pickle.dumps((self.events, state))
        await self.interviewer.propose(state, turn, words[: len(words) // 2])
        proposal = await self.interviewer.propose(state, turn, words)
        self.untouched = self.untouched and pickle.dumps((self.events, state)) == before
        return proposal

    def silence(self, count: int) -> str:
        turn = self.state.awaiting
        assert turn is not None
        return self.take(self.interviewer.nudge(self.state, turn, count, self.t, self.t))


def conversation(model: LanguageModel | None = None, deadline: float = 1.0, **kwargs: object) -> Conversation:
    return Conversation(agreed(**kwargs), Interviewer(model, deadline, reader=remembering_reader()))  # type: ignore[arg-type]


GOOD = {
    "improved-process": "Our reports used to run every night and people waited until noon. I moved the reporting pipeline to "
    "streaming because the analysts lost half their day, and it improved the work of the whole team.",
    "mistake": "Two years ago I deleted a customer table by accident. I told my manager at once and we restored it from the "
    "backup. Since then I test every script on a copy first.",
    "slow-service": "First I would look at what changed yesterday, maybe a release. Then I check the metrics and the database, "
    "and roll back if the users suffer, because they come first.",
}
