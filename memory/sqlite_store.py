"""The embedded store: one SQLite file. WAL and synchronous=FULL, so a committed event survives power loss.

`now` is injected to test leases; the database is used from one worker thread, off the event loop.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from memory.events import AnyEvent, encode
from memory.store import Lease, LeaseHeld, LeaseLost, StoreUnavailable, decode_log, reused_id, unexpected_length

T = TypeVar("T")

# The first version of the schema, which has no version number.
_TABLES = (
    "CREATE TABLE IF NOT EXISTS event (session TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL, "
    "PRIMARY KEY (session, position)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS lease (session TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, "
    "expires REAL NOT NULL)",
)
# Version 1: the batch each event came with, and the order in which sessions got their first events.
_TO_VERSION_1 = (
    "ALTER TABLE event ADD COLUMN batch TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE lease ADD COLUMN opened INTEGER NOT NULL DEFAULT 0",
    "UPDATE lease SET opened = rowid",
    "PRAGMA user_version = 1",
)


class SqliteStore:
    """An `EventStore` in a file. Raises StoreUnavailable if the file cannot be opened or written."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(_advice(path, error)) from error
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            _migrate(self._db)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreUnavailable(_advice(path, error)) from error

    async def acquire(self, session: str, owner: str, ttl: float) -> Lease:
        return await self._run(lambda: self._acquire(session, owner, ttl))

    async def renew(self, lease: Lease, ttl: float) -> None:
        await self._run(lambda: self._renew(lease, ttl))

    async def release(self, lease: Lease) -> None:
        # The row is kept: its token must keep growing.
        await self._run(
            lambda: self._db.execute(
                "UPDATE lease SET expires = 0 WHERE session = ? AND token = ?", (lease.session, lease.token)
            )
        )

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        bodies = [encode(event) for event in events]
        return await self._run(lambda: self._append(lease, bodies, after, batch or uuid.uuid4().hex))

    async def holder(self, session: str) -> str | None:
        query = "SELECT owner FROM lease WHERE session = ? AND expires > ?"
        row = await self._run(lambda: self._db.execute(query, (session, self._now())).fetchone())
        return row[0] if row else None

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        return await self._run(lambda: self._read(session, after))

    async def sessions(self) -> list[str]:
        query = (
            "SELECT session FROM lease WHERE EXISTS "
            "(SELECT 1 FROM event WHERE event.session = lease.session) ORDER BY opened, rowid"
        )
        return [name for (name,) in await self._run(lambda: self._db.execute(query).fetchall())]

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        finally:
            self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreUnavailable(f"the session store {self._path} was closed; open it again")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(_advice(self._path, error)) from error

    def _read(self, session: str, after: int) -> list[AnyEvent]:
        # Decoded here, not on the event loop: a long log takes a while.
        query = "SELECT body FROM event WHERE session = ? AND position >= ? ORDER BY position"
        rows = self._db.execute(query, (session, after)).fetchall()
        return decode_log(session, after, (body for (body,) in rows))

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
                "INSERT INTO lease (session, owner, token, expires) VALUES (?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET "
                "owner = excluded.owner, token = excluded.token, expires = excluded.expires",
                (session, owner, token, now + ttl),
            )
        return Lease(session, owner, token)

    def _renew(self, lease: Lease, ttl: float) -> None:
        with _Transaction(self._db):
            self._check(lease)
            self._db.execute("UPDATE lease SET expires = ? WHERE session = ?", (self._now() + ttl, lease.session))

    def _append(self, lease: Lease, bodies: list[str], after: int, batch: str) -> int:
        with _Transaction(self._db):
            self._check(lease)
            newest = self._db.execute(
                "SELECT position, batch, body FROM event WHERE session = ? ORDER BY position DESC LIMIT ?",
                (lease.session, len(bodies) + 1),
            ).fetchall()
            length = int(newest[0][0]) + 1 if newest else 0
            if newest and newest[0][1] == batch:
                stored = [body for _, name, body in reversed(newest) if name == batch]
                if stored == bodies and length == after + len(bodies):
                    return length
                raise reused_id(lease.session, batch)
            if length != after:
                raise unexpected_length(lease.session, length, after)
            if length == 0 and bodies:
                self._db.execute(
                    "UPDATE lease SET opened = (SELECT MAX(opened) + 1 FROM lease) WHERE session = ?", (lease.session,)
                )
            self._db.executemany(
                "INSERT INTO event (session, position, body, batch) VALUES (?, ?, ?, ?)",
                [(lease.session, length + i, body, batch) for i, body in enumerate(bodies)],
            )
        return length + len(bodies)

    def _check(self, lease: Lease) -> None:
        # An expired lease that nobody took is still ours: fencing, not punctuality, keeps writers apart.
        row = self._db.execute("SELECT token FROM lease WHERE session = ?", (lease.session,)).fetchone()
        if row is None or row[0] != lease.token:
            raise LeaseLost(f"session {lease.session} was taken over by another process")


class _Transaction:
    """BEGIN IMMEDIATE .. COMMIT, or ROLLBACK on any exception, including that of a failed COMMIT."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._roll_back()  # in case an earlier rollback failed
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if kind is not None:
            self._roll_back()
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # On some errors (a full disk) SQLite ends the transaction itself: then there is nothing to roll back.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _migrate(db: sqlite3.Connection) -> None:
    """Bring a new or older file to the current schema, in one transaction."""
    if _version(db) >= 1:
        return
    with _Transaction(db):
        if _version(db) >= 1:  # another process was faster
            return
        for statement in (*_TABLES, *_TO_VERSION_1):
            db.execute(statement)


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _advice(path: Path, error: Exception) -> str:
    return f"cannot use the session store {path} ({error}); free some space or set VIVA_HOME to a folder you can write"
