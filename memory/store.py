"""The contract of every store, and its errors.

One writer per session: the holder of the lease. Each acquisition hands out a fencing token larger than any before;
an append with an older token is refused, so a process that slept through its lease cannot write.
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
    """This process no longer holds the session; the attempt wrote nothing."""


class LogConflict(StoreError):
    """The log is not what the writer takes it to be; nothing was written. Read it again before writing."""


class UnreadableLog(StoreError):
    """An event that this version cannot read. The message quotes nothing of what was said."""


class UnknownSession(StoreError):
    """There is no session with that name."""


@dataclass(frozen=True)
class Lease:
    """The right to write one session. `token` fences off every earlier holder."""

    session: str
    owner: str
    token: int


def unexpected_length(session: str, length: int, expected: int) -> LogConflict:
    """The error for a log whose length is not what the writer expects."""
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
    """The events of a log from position `after` on. Raises UnreadableLog, naming the position."""
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
    """Append-only logs, one per session. tests/memory/test_stores.py checks the contract on every implementation."""

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        """Take the lease for `ttl` seconds. Raises LeaseHeld while another owner's has not expired."""
        ...

    async def renew(self, lease: Lease, ttl: float) -> None:
        """Extend the lease. Raises LeaseLost if it expired and was taken."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back; does nothing if it is no longer ours."""
        ...

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        """Append all events or none, in order. Returns the log's new length.

        `after`: the length before, as the writer knows it. `batch`: an id the writer makes for these events and reuses
        when it retries (empty: one is made here, which covers the store's own retries). If the log already ends with
        this batch, the reply to an earlier attempt was lost: the length is returned and nothing is written. A
        repetition is recognised by id, place and content, so only the newest batch can be repeated.

        Raises LeaseLost; LogConflict if the log's length is not `after` and this is no repetition, or if the id names
        other events; StoreUnavailable, after which it is unknown whether the events were written.
        """
        ...

    async def holder(self, session: str) -> str | None:
        """The holder of an unexpired lease, if any."""
        ...

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        """Events from position `after` on (0: all); earlier ones are not transferred. An unknown session has none.

        Raises UnreadableLog.
        """
        ...

    async def sessions(self) -> list[str]:
        """Names of all sessions with at least one event, ordered by their first."""
        ...

    async def close(self) -> None:
        """Calls under way finish or raise StoreUnavailable; every later call raises it. Closing again does nothing."""
        ...
