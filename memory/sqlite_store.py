"""The embedded store: one SQLite file. WAL and synchronous=FULL, so a committed event survives power loss.

`now` is injected for tests of leases; the database is used from one worker thread, off the event loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from memory.events import AnyEvent, decode, encode
from memory.store import Lease, LeaseHeld, LeaseLost, StoreUnavailable

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    session TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (
    session TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, expires REAL NOT NULL
);
"""


class SqliteStore:
    """An `EventStore` in a file. Raises StoreUnavailable where the file cannot be opened or written."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(_advice(path, error)) from error

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        return await self._run(lambda: self._acquire(session, owner, ttl))

    async def renew(self, lease: Lease, ttl: float) -> None:
        await self._run(lambda: self._renew(lease, ttl))

    async def release(self, lease: Lease) -> None:
        # The row stays: its token must keep growing.
        await self._run(
            lambda: self._db.execute(
                "UPDATE lease SET expires = 0 WHERE session = ? AND token = ?", (lease.session, lease.token)
            )
        )

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int | None = None) -> int:
        return await self._run(lambda: self._append(lease, events, after))

    async def holder(self, session: str) -> str | None:
        query = "SELECT owner FROM lease WHERE session = ? AND expires > ?"
        row = await self._run(lambda: self._db.execute(query, (session, self._now())).fetchone())
        return row[0] if row else None

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        query = "SELECT body FROM event WHERE session = ? AND position >= ? ORDER BY position"
        rows = await self._run(lambda: self._db.execute(query, (session, after)).fetchall())
        return [decode(body) for (body,) in rows]

    async def sessions(self) -> list[str]:
        # Event times stand in the body; creation order is the rowid order of the lease table.
        query = (
            "SELECT lease.session FROM lease WHERE EXISTS "
            "(SELECT 1 FROM event WHERE event.session = lease.session) ORDER BY lease.rowid"
        )
        return [name for (name,) in await self._run(lambda: self._db.execute(query).fetchall())]

    async def close(self) -> None:
        await self._run(self._db.close)
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(_advice(self._path, error)) from error

    def _acquire(self, session: str, owner: str, ttl: float) -> Lease:
        now = self._now()
        with _Transaction(self._db):
            row = self._db.execute("SELECT owner, token, expires FROM lease WHERE session = ?", (session,)).fetchone()
            if row and row[2] > now and row[0] != owner:
                raise LeaseHeld(
                    f"session {session} is being run by {row[0]}; wait {row[2] - now:.0f} s after it has died, then try again"
                )
            token = (row[1] if row else 0) + 1
            self._db.execute(
                "INSERT INTO lease VALUES (?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET "
                "owner = excluded.owner, token = excluded.token, expires = excluded.expires",
                (session, owner, token, now + ttl),
            )
        return Lease(session, owner, token)

    def _renew(self, lease: Lease, ttl: float) -> None:
        with _Transaction(self._db):
            self._check(lease)
            self._db.execute("UPDATE lease SET expires = ? WHERE session = ?", (self._now() + ttl, lease.session))

    def _append(self, lease: Lease, events: Sequence[AnyEvent], after: int | None) -> int:
        with _Transaction(self._db):
            self._check(lease)
            (position,) = self._db.execute(
                "SELECT COALESCE(MAX(position) + 1, 0) FROM event WHERE session = ?", (lease.session,)
            ).fetchone()
            if after is not None and position == after + len(events):
                return int(position)
            rows = [(lease.session, position + i, encode(event)) for i, event in enumerate(events)]
            self._db.executemany("INSERT INTO event VALUES (?, ?, ?)", rows)
        return int(position) + len(events)

    def _check(self, lease: Lease) -> None:
        # An expired lease that nobody took is still ours: fencing, not punctuality, is what keeps writers apart.
        row = self._db.execute("SELECT token FROM lease WHERE session = ?", (lease.session,)).fetchone()
        if row is None or row[0] != lease.token:
            raise LeaseLost(f"session {lease.session} was taken over by another process")


class _Transaction:
    """BEGIN IMMEDIATE .. COMMIT, or ROLLBACK on any exception."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _advice(path: Path, error: Exception) -> str:
    return f"cannot use the session store {path} ({error}); free some space or set VIVA_HOME to a folder you can write"
