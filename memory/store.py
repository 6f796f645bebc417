"""The promise that every store keeps, and how it fails.

One writer per session: whoever holds the lease. Each acquisition hands out a fencing token larger than any
before it; an append under an older token is refused, so a process that slept through its lease cannot write.
(Kleppmann, "How to do distributed locking", 2016.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from memory.events import AnyEvent


class StoreError(Exception):
    """The message says what to do next."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written (server down, disk full, folder not writable)."""


class LeaseHeld(StoreError):
    """Another process holds the session."""


class LeaseLost(StoreError):
    """This process no longer holds the session; nothing was written."""


class UnknownSession(StoreError):
    """There is no session of that name."""


@dataclass(frozen=True)
class Lease:
    """The right to write one session. `token` fences off every earlier holder."""

    session: str
    owner: str
    token: int


class EventStore(Protocol):
    """Append-only logs, one per session. Contract: tests/memory/test_stores.py runs on every implementation."""

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        """Take the lease for `ttl` seconds. Raises LeaseHeld while another owner's is alive."""
        ...

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Prolong it. Raises LeaseLost if it ran out and was taken."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it back; silent if it is no longer ours."""
        ...

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int | None = None) -> int:
        """Append all or none, in order. Returns the log's new length. Raises LeaseLost, StoreUnavailable.

        `after`: the length before, as the writer knows it. With it an append may be tried again when its answer was
        lost: what already stands is not written twice. Only one batch of one writer may be in doubt at a time.
        """
        ...

    async def holder(self, session: str) -> str | None:
        """Who holds a lease that is alive, if anyone."""
        ...

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        """Events from position `after` on (0: all). An unknown session has none."""
        ...

    async def sessions(self) -> list[str]:
        """Names of all sessions with at least one event, in order of their first."""
        ...

    async def close(self) -> None: ...
