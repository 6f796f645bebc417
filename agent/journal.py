"""The session's log while a call runs: append, fold, and keep the lease alive."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from dialogue.state import State, fold
from memory.events import AnyEvent
from memory.store import EventStore, Lease, StoreUnavailable

RETRY = 0.25  # s between attempts while the store is away


class Journal:
    """One writer. `state` is always the fold of what is stored: an event counts only after the store has it.

    `length`: of the log when the lease was taken. `patience`: s for which a store that is away is waited for; the
    interview stands still meanwhile, because nothing may be said that was not stored.
    """

    def __init__(
        self,
        store: EventStore,
        lease: Lease,
        state: State,
        on_event: Callable[[AnyEvent], None] = lambda _: None,
        *,
        length: int = 0,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._lease = lease
        self._turnstile = asyncio.Lock()
        self._on_event = on_event
        self._length = length
        self._patience = patience
        self._clock = clock
        self._stalled = 0.0
        self.state = state

    @property
    def session(self) -> str:
        return self._lease.session

    @property
    def token(self) -> int:
        """Of the lease under which this process writes; it grows with every holder."""
        return self._lease.token

    async def write(self, *events: AnyEvent) -> None:
        """Store events in order, then fold them. Raises LeaseLost or StoreUnavailable, and then nothing was folded."""
        if not events:
            return
        async with self._turnstile:
            self._length = await self._append(events)
            self.state = fold(events, self.state)
        for event in events:
            self._on_event(event)

    async def _append(self, events: tuple[AnyEvent, ...]) -> int:
        began = self._clock()
        while True:
            try:
                length = await self._store.append(self._lease, events, self._length)
            except StoreUnavailable:
                if self._clock() - began >= self._patience:
                    raise
                await asyncio.sleep(RETRY)
            else:
                self._stalled = max(self._stalled, self._clock() - began)
                return length

    def take_stall(self) -> float:
        """The longest wait for the store since this was last asked, in s."""
        stalled, self._stalled = self._stalled, 0.0
        return stalled

    async def keep_lease(self, seconds: float) -> None:
        """Until cancelled. Raises LeaseLost when another process took over; a store that is away for a moment is retried."""
        while True:
            await asyncio.sleep(seconds / 3)
            try:
                await self._store.renew(self._lease, seconds)
            except StoreUnavailable:
                continue  # fencing protects the log; the next append tells if it lasts

    async def release(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # it runs out by itself
            await self._store.release(self._lease)
