"""The promise that every store keeps, and how it fails.

One writer per session: whoever holds the lease. Each acquisition hands out a fencing token larger than any
before it; an append under an older token is refused, so a process that slept through its lease cannot write.
(Kleppmann, "How to do distributed locking", 2016.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from memory.events import AnyEvent, decode
from vivavoce.errors import VivavoceError


class StoreError(VivavoceError):
    """The message says what to do next."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written (server down, disk full, folder not writable)."""


class LeaseHeld(StoreError):
    """Another process holds the session."""


class LeaseLost(StoreError):
    """This process no longer holds the session; this attempt wrote nothing."""


class LogConflict(StoreError):
    """The log is not what its writer takes it for; nothing was written. It has to be read again before it is written."""


class UnreadableLog(StoreError):
    """An event that this version cannot read. The message holds nothing of what was said."""


class UnknownSession(StoreError):
    """There is no session of that name."""


@dataclass(frozen=True)
class Lease:
    """The right to write one session. `token` fences off every earlier holder."""

    session: str
    owner: str
    token: int


def unexpected_length(session: str, length: int, expected: int) -> LogConflict:
    """The error for a log that has another length than its writer knows of."""
    return LogConflict(
        f"the log of session {session} has {length} events where its writer expected {expected}, so nothing was written; "
        f"go on with: viva interview --resume {session}"
    )


def reused_id(session: str, batch: str) -> LogConflict:
    """The error for a batch whose id already names other events."""
    return LogConflict(
        f"other events are stored in session {session} under the id {batch}, so nothing was written; "
        "every batch needs an id of its own"
    )


def decode_log(session: str, after: int, bodies: Iterable[str | bytes]) -> list[AnyEvent]:
    """The events of a log from position `after` on. Raises UnreadableLog, which names the position."""
    events: list[AnyEvent] = []
    for body in bodies:
        try:
            events.append(decode(body))
        except ValidationError:
            # Not chained: the validation error quotes the event, and with it what the candidate said.
            raise UnreadableLog(
                f"event {after + len(events)} of session {session} cannot be read by this version; "
                "it was written by a newer one, or it is damaged: install the version that wrote it"
            ) from None
    return events


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

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        """Append all or none, in order. Returns the log's new length.

        `after`: the length before, as the writer knows it. `batch`: an id that the writer made for these events and keeps
        when it tries again (empty: one is made here, which covers the store's own attempts). Where the log already ends with
        this batch, the answer to an earlier attempt was lost: the length is returned and nothing is written. A repetition is
        known by its id, its place and its content, so only the newest batch can be repeated.

        Raises LeaseLost; LogConflict where the log has another length than `after` and this is no repetition, or where the id
        names other events; StoreUnavailable, after which it is not known whether the events were written.
        """
        ...

    async def holder(self, session: str) -> str | None:
        """Who holds a lease that is alive, if anyone."""
        ...

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        """Events from position `after` on (0: all); what lies before is not transferred. An unknown session has none.

        Raises UnreadableLog.
        """
        ...

    async def sessions(self) -> list[str]:
        """Names of all sessions with at least one event, in order of their first."""
        ...

    async def close(self) -> None:
        """Work that is under way is finished or raises StoreUnavailable, as every later call does. Closing again does nothing."""
        ...
