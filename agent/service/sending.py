"""Which interviews an agent was sent to, when, and how often in vain. Pure: the clock is injected.

Two things can keep an agent away, and they call for different patience. If no worker took the call, asking again costs
nothing, and a worker that has just started should get it at once. If workers took it and the interview still has no
agent, every further one is another process on a machine that may already be too busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Literal

from agent.service.backoff import Backoff

Reason = Literal["", "no_worker", "not_taken"]
AGAIN = 2.5  # s an agent has to arrive before another is requested
SETTLED = 10.0  # s an agent must hold the interview before earlier failures are forgotten
TELL = 3  # agents requested in vain before the reason is reported
NO_WORKER = Backoff(AGAIN, 10.0, quick=10)
NOT_TAKEN = Backoff(AGAIN, 60.0, quick=2)
_SENTENCES: dict[Reason, str] = {
    "": "",
    "no_worker": "no worker took the call; is one running (viva worker), and has it room for one more call?",
    "not_taken": "agents were sent and none took the interview; the worker's log says why",
}


@dataclass(frozen=True)
class _Sent:
    count: int = 0  # agents requested since one last stayed
    at: float = float("-inf")
    dispatch: str = ""
    reason: Reason = ""
    held_since: float | None = None


class Sending:
    """Shared by the watch and the join requests, so that a page that keeps rejoining sends one agent, not many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[str, _Sent] = {}

    def due(self, session: str) -> bool:
        """Whether another agent may be requested."""
        sent = self._sent.get(session)
        return sent is None or self._clock() - sent.at >= self.wait(session)

    def wait(self, session: str) -> float:
        """Seconds from the last agent to the next."""
        sent = self._of(session)
        waits = NO_WORKER if sent.reason == "no_worker" else NOT_TAKEN
        return waits.wait_after(max(1, sent.count))

    def sent(self, session: str) -> None:
        """An agent is being requested. Call it before asking the server, so that nobody else asks meanwhile."""
        sent = self._of(session)
        self._sent[session] = replace(sent, count=sent.count + 1, at=self._clock(), dispatch="", held_since=None)

    def named(self, session: str, dispatch: str) -> None:
        """Set LiveKit's id of the newest dispatch."""
        self._sent[session] = replace(self._of(session), dispatch=dispatch)

    def in_vain(self, session: str, reason: Reason) -> bool:
        """Record why the last one did not come. Returns whether to report it: after TELL tries, once per reason."""
        sent = self._of(session)
        news = sent.count >= TELL and (sent.count == TELL or reason != sent.reason)
        self._sent[session] = replace(sent, reason=reason)
        return news

    def attended(self, session: str) -> bool:
        """An agent holds the interview. Returns whether it has stayed after others had failed.

        Taking it and dying at once is no success: otherwise an agent that crashes on start would be sent for ever.
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
        """The candidate has left: counting starts afresh on return. The last agent still counts for AGAIN seconds."""
        sent = self._sent.get(session)
        if sent is not None and sent.count:
            self._sent[session] = _Sent(at=sent.at)

    def count(self, session: str) -> int:
        """Agents requested since one last stayed."""
        return self._of(session).count

    def last(self, session: str) -> str:
        """LiveKit's id of the newest dispatch; empty if there is none."""
        return self._of(session).dispatch

    def reason(self, session: str) -> Reason:
        return self._of(session).reason

    def why(self, session: str) -> str:
        """Why there is no agent, in a sentence for people; empty while that is unknown or nothing is wrong."""
        sent = self._of(session)
        return _SENTENCES[sent.reason] if sent.count >= TELL else ""

    def keep_only(self, names: Container[str]) -> None:
        """Forget every other session."""
        self._sent = {name: sent for name, sent in self._sent.items() if name in names}

    def _of(self, session: str) -> _Sent:
        return self._sent.get(session, _Sent())
