"""The session's log while a call runs: append, fold, and keep the lease alive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from dialogue.state import State, fold
from memory.events import AnyEvent
from memory.store import EventStore, Lease, StoreUnavailable


class Journal:
    """One writer. `state` is always the fold of what is stored: an event counts only after the store has it."""

    def __init__(
        self,
        store: EventStore,
        lease: Lease,
        state: State,
        on_event: Callable[[AnyEvent], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._turnstile = asyncio.Lock()
        self._on_event = on_event
        self.state = state

    async def write(self, *events: AnyEvent) -> None:
        """Store events in order, then fold them. Raises LeaseLost or StoreUnavailable, and then nothing was folded."""
        if not events:
            return
        async with self._turnstile:
            await self._store.append(self._lease, events)
            self.state = fold(events, self.state)
        for event in events:
            self._on_event(event)

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
