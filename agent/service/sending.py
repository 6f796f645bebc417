"""Which interviews were sent an agent, when, and how often in vain. Pure: the clock is injected.

Two things can keep an agent away, and they ask for different patience. Where no worker took the call, asking again costs
nothing and a worker that starts is wanted at once. Where workers took it and the interview is still not attended to, every
further agent is a process more on a machine that is perhaps too busy already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Literal

from agent.service.backoff import Backoff

Reason = Literal["", "no_worker", "not_taken"]
AGAIN = 2.5  # s that an agent is given to come before another is asked for
SETTLED = 10.0  # s for which an agent must have held the interview before earlier failures are forgotten
TELL = 3  # agents asked for in vain before somebody is told why
NO_WORKER = Backoff(AGAIN, 10.0, quick=10)
NOT_TAKEN = Backoff(AGAIN, 60.0, quick=2)
_SENTENCES: dict[Reason, str] = {
    "": "",
    "no_worker": "no worker took the call; is one running (viva worker), and has it room for one more call?",
    "not_taken": "agents were sent and none took the interview; the worker's log says why",
}


@dataclass(frozen=True)
class _Sent:
    count: int = 0  # since an agent was last there for good
    at: float = float("-inf")
    dispatch: str = ""
    reason: Reason = ""
    held_since: float | None = None


class Sending:
    """Shared by the watch and by the ways in, so that a page that joins again and again sends one agent, not many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[str, _Sent] = {}

    def due(self, session: str) -> bool:
        """Whether another agent may be asked for."""
        sent = self._sent.get(session)
        return sent is None or self._clock() - sent.at >= self.wait(session)

    def wait(self, session: str) -> float:
        """Seconds from the last agent to the next."""
        sent = self._of(session)
        waits = NO_WORKER if sent.reason == "no_worker" else NOT_TAKEN
        return waits.wait_after(max(1, sent.count))

    def sent(self, session: str) -> None:
        """An agent is being asked for. Said before the server is, so that nobody else asks meanwhile."""
        sent = self._of(session)
        self._sent[session] = replace(sent, count=sent.count + 1, at=self._clock(), dispatch="", held_since=None)

    def named(self, session: str, dispatch: str) -> None:
        """LiveKit's id of the newest dispatch."""
        self._sent[session] = replace(self._of(session), dispatch=dispatch)

    def in_vain(self, session: str, reason: Reason) -> bool:
        """Why the last one did not come. Returns whether that is news worth telling: after some tries, once a reason."""
        sent = self._of(session)
        news = sent.count >= TELL and (sent.count == TELL or reason != sent.reason)
        self._sent[session] = replace(sent, reason=reason)
        return news

    def attended(self, session: str) -> bool:
        """An agent holds the interview. Returns whether it has come for good after others had not.

        One that takes it and dies at once is no success: else an agent that crashes at its start would be sent for ever.
        """
        sent = self._sent.get(session)
        if sent is None or not sent.count:
            return False
        if sent.held_since is None:
            self._sent[session] = replace(sent, held_since=self._clock())
            return False
        if self._clock() - sent.held_since < SETTLED:
            return False
        self._sent[session] = _Sent(at=sent.at)
        return sent.count >= TELL

    def unattended(self, session: str) -> None:
        """Nobody holds it."""
        sent = self._sent.get(session)
        if sent is not None and sent.held_since is not None:
            self._sent[session] = replace(sent, held_since=None)

    def left(self, session: str) -> None:
        """No candidate is there: when one is back, it begins anew. The last agent still counts for AGAIN seconds."""
        sent = self._sent.get(session)
        if sent is not None and sent.count:
            self._sent[session] = _Sent(at=sent.at)

    def count(self, session: str) -> int:
        """Agents asked for since one was there for good."""
        return self._of(session).count

    def last(self, session: str) -> str:
        """LiveKit's id of the newest dispatch; empty where there is none."""
        return self._of(session).dispatch

    def reason(self, session: str) -> Reason:
        return self._of(session).reason

    def why(self, session: str) -> str:
        """Why no agent is there, in a sentence for people; empty while that is not known, or nothing is amiss."""
        sent = self._of(session)
        return _SENTENCES[sent.reason] if sent.count >= TELL else ""

    def keep_only(self, names: Container[str]) -> None:
        """Forget every session that is not among these."""
        self._sent = {name: sent for name, sent in self._sent.items() if name in names}

    def _of(self, session: str) -> _Sent:
        return self._sent.get(session, _Sent())
