"""Both stores, and a way to let a lease expire on each."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
from memory.store import EventStore

SHORT = 0.03  # s, a lease that `lapse` outlasts


class Clock:
    """The clock of the SQLite store, in unix s."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[EventStore]:
    made: EventStore
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "sessions.db", now=lambda: clock.now)
    else:
        made = RedisStore(request.getfixturevalue("redis_url"), prefix=uuid.uuid4().hex)
    yield made
    await made.close()


@pytest.fixture
def lapse(store: EventStore, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Returns once every lease of SHORT seconds taken or renewed before the call has expired."""

    async def lapse() -> None:
        if isinstance(store, SqliteStore):
            clock.now += SHORT
            return
        # The server's clock cannot be set. A lease of the same length that is taken now outlives all earlier ones.
        marker = uuid.uuid4().hex
        await store.acquire(marker, "marker", SHORT)
        while await store.holder(marker):
            await asyncio.sleep(SHORT / 10)

    return lapse
