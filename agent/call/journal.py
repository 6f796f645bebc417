"""The session's log during a call: append, fold, and keep the lease alive."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import NamedTuple

from dialogue.state import State, fold
from memory.events import AnyEvent
from memory.store import EventStore, Lease, StoreUnavailable

RETRY = 0.25  # s between attempts while the store is unavailable


class _Batch(NamedTuple):
    """The events of one write. The store recognises a repeated write by its id, so retries keep the same one."""

    id: str
    events: tuple[AnyEvent, ...]


class Journal:
    """The only writer. `state` is always the fold of what is stored: an event counts only once the store has it.

    `length`: of the log when the lease was taken. `patience`: s to wait for an unavailable store; the interview halts
    meanwhile, because nothing may be said that is not stored. Times are the event loop's.
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
    ) -> None:
        self._store = store
        self._lease = lease
        self._turnstile = asyncio.Lock()
        self._on_event = on_event
        self._length = length
        self._patience = patience
        self._stalled = 0.0
        self._unsettled: list[_Batch] = []  # written, but not known to be stored
        self.state = state

    @property
    def session(self) -> str:
        return self._lease.session

    @property
    def token(self) -> int:
        """Fencing token of the lease under which this process writes; it grows with every holder."""
        return self._lease.token

    async def write(self, *events: AnyEvent) -> None:
        """Store events in order, then fold them.

        Raises StoreUnavailable if the store is unavailable for longer than `patience`: the events will be stored and
        folded before the next write, so do not write them again. Raises LeaseLost or LogConflict, in which case nothing
        was folded and nothing will be stored.

        A cancellation does not cut the append short; it is raised again once the append is over. If the store had the
        events without their writer knowing, words would be lost or stored twice.
        """
        if not events:
            return
        appending = asyncio.create_task(self._append(_Batch(uuid.uuid4().hex, events)), name="journal-append")
        cancelled: asyncio.CancelledError | None = None
        while not appending.done():
            try:
                await asyncio.wait({appending})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled from (None if appending.cancelled() else appending.exception())
        appending.result()

    async def _append(self, batch: _Batch) -> None:
        async with self._turnstile:
            self._unsettled.append(batch)
            began = _now()
            while self._unsettled:
                await self._settle(self._unsettled[0], began)

    async def _settle(self, batch: _Batch, began: float) -> None:
        try:
            # Fold first: an event that cannot be folded must not reach the log, or the log is unreadable for good.
            state = fold(batch.events, self.state)
            self._length = await self._store_patiently(batch, began)
        except StoreUnavailable:
            raise  # the batch stays unsettled: the store may have it
        except Exception:
            self._unsettled.clear()
            raise
        self._unsettled.remove(batch)
        self.state = state
        self._stalled = max(self._stalled, _now() - began)
        for event in batch.events:
            self._on_event(event)

    async def _store_patiently(self, batch: _Batch, began: float) -> int:
        while True:
            try:
                return await self._store.append(self._lease, batch.events, self._length, batch.id)
            except StoreUnavailable:
                if _now() - began >= self._patience:
                    raise
                await asyncio.sleep(RETRY)

    def take_stall(self) -> float:
        """The longest wait for the store since the last call of this method, in s."""
        stalled, self._stalled = self._stalled, 0.0
        return stalled

    async def keep_lease(self, seconds: float) -> None:
        """Renew the lease three times per lifetime of `seconds`, until cancelled. Raises LeaseLost on a takeover.

        An unavailable store is retried even beyond the lifetime of the lease: if nobody took the session meanwhile it
        is still ours, and if somebody did, fencing has protected the log.
        """
        while True:
            await asyncio.sleep(seconds / 3)
            while not await self._renewed(seconds):
                await asyncio.sleep(min(RETRY, seconds / 3))

    async def _renewed(self, seconds: float) -> bool:
        # A store that does not answer may take longer to fail than the lease lives; another attempt may get through.
        try:
            async with asyncio.timeout(seconds / 3):
                await self._store.renew(self._lease, seconds)
        except (StoreUnavailable, TimeoutError):
            return False
        return True

    async def release(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # the lease runs out by itself
            await self._store.release(self._lease)


def _now() -> float:
    return asyncio.get_running_loop().time()
