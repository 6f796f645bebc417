"""What people ask for during a room session: kept until a call can handle it, or handled without one if none runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from agent.call.journal import Journal
from agent.call.recording import Recording
from agent.call.requests import Request, Requests
from agent.rooms.commands import was_handled, without_a_call
from dialogue.state import State


class PendingRequests:
    """`requests` is passed to the call of each leg."""

    def __init__(self, journal: Journal, folder: Path, wall: Callable[[], float] = time.time) -> None:
        self.requests = Requests()
        self.requests.on_take = self._note_taken
        self._journal = journal
        self._folder = folder
        self._wall = wall
        self._state_when_taken: State | None = None  # the log's state when the request in hand was taken

    @property
    def recorded(self) -> float:
        """The session's clock while no leg is running, in s."""
        return Recording(self._folder).seconds

    def carry_over(self) -> None:
        """A leg has ended: a request that it took but did not get to handle waits for the next one."""
        request, before = self.requests.in_hand, self._state_when_taken
        if request is not None and before is not None and not was_handled(request, before, self._journal.state):
            self.requests.put_back(request)

    async def handle(self) -> None:
        """While no call runs: let people end the interview or take the floor, and store what was typed."""
        kept: list[Request] = []
        while request := self.requests.take():
            events = without_a_call(request, self._journal.state, self._wall(), self.recorded)
            if events is None:
                kept.append(request)
            else:
                await self._journal.write(*events)
        self.requests.put_back(*kept)

    def _note_taken(self, request: Request) -> None:
        self._state_when_taken = self._journal.state
