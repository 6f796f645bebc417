"""Works out the reply while the silence is still being waited out (preemptive generation). No side effects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from agent.tasks import Background, cancel_and_wait
from dialogue.manager.interviewer import Interviewer, Proposal
from dialogue.state import State, Turn
from memory.records import Word
from voice.tts.clauses import clauses

PATIENCE = 3.0  # s to wait for a proposal under way; the model's own deadline is shorter


class Proposals:
    """One at a time, for the newest words. `make_clip`: synthesises a clause, so its sound is ready when needed."""

    def __init__(self, interviewer: Interviewer, make_clip: Callable[[str], Awaitable[Any]]) -> None:
        self._interviewer = interviewer
        self._make_clip = make_clip
        self._background = Background()
        self._task: asyncio.Task[Any] | None = None
        self._proposal: Proposal | None = None

    def start(self, state: State, turn: Turn, words: Sequence[Word]) -> None:
        """Work out the reply to `words` as if there were no more; any earlier proposal is dropped."""
        self.drop()
        self._task = self._background.start("proposal", self._propose(state, turn, words))

    def drop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = self._proposal = None

    async def take(self) -> Proposal | None:
        """The newest proposal. One under way is waited for, since it will be done sooner than a new one.

        None if there is none, it failed, or it takes too long; the reply is then worked out without it.
        """
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=PATIENCE)
        return self._proposal

    async def aclose(self) -> None:
        await cancel_and_wait(self._task)
        await self._background.aclose()

    async def _propose(self, state: State, turn: Turn, words: Sequence[Word]) -> None:
        proposal = await self._interviewer.propose(state, turn, words)
        self._proposal = proposal
        if proposal.wording:
            for clause in clauses(proposal.wording.text):
                await self._make_clip(clause)
