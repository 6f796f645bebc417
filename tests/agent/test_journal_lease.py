"""A call's lease: renewed in time, retried while the store is away, given up only when somebody else took it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.call.journal import RETRY, Journal
from dialogue.state import State
from memory.sqlite_store import SqliteStore
from memory.store import Lease, LeaseLost, StoreUnavailable
from simulation import virtual_time

LEASE = 6.0  # s


def now() -> float:
    return asyncio.get_running_loop().time()


class Away:
    """A real store, on the virtual clock, that is away at the given times; `silent`: it does not even raise."""

    def __init__(self, folder: Path, *times: tuple[float, float], silent: bool = False) -> None:
        self.store = SqliteStore(folder / "s.db", now=asyncio.get_running_loop().time)
        self._times, self._silent = times, silent
        self.renewed: list[float] = []
        self.asked: list[float] = []

    async def renew(self, lease: Lease, ttl: float) -> None:
        self.asked.append(now())
        if any(start <= now() < end for start, end in self._times):
            if self._silent:
                await asyncio.Event().wait()
            raise StoreUnavailable("away")
        await self.store.renew(lease, ttl)
        self.renewed.append(now())

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[asyncio.Task[None]]:
        """The task that keeps the lease of session `a`."""
        lease = await self.store.acquire("a", "me", LEASE)
        journal = Journal(self, lease, State())  # type: ignore[arg-type]
        keeping = asyncio.create_task(journal.keep_lease(LEASE))
        try:
            yield keeping
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self.store.close()


def test_the_lease_is_renewed_long_before_it_runs_out_and_until_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Away(tmp_path)
        async with store.kept() as keeping:
            for _ in range(100):
                await asyncio.sleep(LEASE / 2)
                assert await store.store.holder("a") == "me"
            keeping.cancel()
            await asyncio.wait({keeping})
            assert keeping.cancelled()
            await asyncio.sleep(LEASE)
            assert await store.store.holder("a") is None
        assert len(store.renewed) == pytest.approx(100 * LEASE / 2 / (LEASE / 3), abs=1)

    virtual_time.run(scenario())


def test_a_lease_that_somebody_else_took_ends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Away(tmp_path, (3, 20))
        async with store.kept() as keeping:
            await asyncio.sleep(10)
            assert await store.store.holder("a") is None
            await store.store.acquire("a", "you", LEASE)
            assert not keeping.done()
            with pytest.raises(LeaseLost):
                await keeping
            assert 20 <= now() < 20 + 2 * RETRY, "as soon as the store can tell"

    virtual_time.run(scenario())


@pytest.mark.parametrize("silent", [False, True], ids=["says so", "does not answer"])
def test_a_store_that_is_away_for_a_moment_costs_no_lease(tmp_path: Path, silent: bool) -> None:
    async def scenario() -> None:
        # Away at the time of the first renewal, or of the first two and back 0.3 s before the lease runs out.
        back = LEASE / 3 + 0.1 if silent else LEASE - 0.3
        store = Away(tmp_path, (LEASE / 3 - 0.1, back), silent=silent)
        async with store.kept() as keeping:
            for _ in range(40):
                await asyncio.sleep(LEASE / 20)
                assert await store.store.holder("a") == "me", now()
            assert not keeping.done()
        assert store.renewed[0] <= back + RETRY + (LEASE / 3 if silent else 0)

    virtual_time.run(scenario())


@pytest.mark.parametrize("silent", [False, True], ids=["says so", "does not answer"])
def test_a_lease_that_ran_out_and_that_nobody_took_is_taken_up_again(tmp_path: Path, silent: bool) -> None:
    async def scenario() -> None:
        store = Away(tmp_path, (1, 5 * LEASE), silent=silent)
        async with store.kept() as keeping:
            await asyncio.sleep(4 * LEASE)
            assert await store.store.holder("a") is None and not keeping.done()
            await asyncio.sleep(LEASE + LEASE / 3 + RETRY)
            assert await store.store.holder("a") == "me" and not keeping.done()
            assert len(store.asked) < 5 * LEASE / RETRY + 2, "no faster than it says"

    virtual_time.run(scenario())
