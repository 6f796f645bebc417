"""What can only go wrong with SQLite: failing commits, files of older versions, queries that grow with the log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from memory.events import AnyEvent, Said, encode
from memory.sqlite_store import SqliteStore
from memory.store import LogConflict, StoreUnavailable, UnreadableLog


def said(text: str) -> AnyEvent:
    return Said(at=1.0, purpose="notice", text=text)


async def texts(store: SqliteStore) -> list[str]:
    return [e.text for e in await store.read("a") if e.kind == "said"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "sessions.db")
    yield made
    await made.close()


async def test_after_a_commit_that_failed_the_next_one_succeeds(store: SqliteStore) -> None:
    lease = await store.acquire("a", "me", 10)
    # A foreign key that is looked at on COMMIT and not before.
    await store._run(
        lambda: store._db.executescript(
            """
            PRAGMA foreign_keys = ON;
            CREATE TABLE parent (id INTEGER PRIMARY KEY);
            CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER poison AFTER INSERT ON event WHEN NEW.body LIKE '%poison%'
            BEGIN INSERT INTO child VALUES (1); END;
            """
        )
    )
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="FOREIGN KEY"):
            await store.append(lease, [said("poison")], 0, "1")
    assert await texts(store) == []
    assert await store.append(lease, [said("one")], 0, "2") == 1
    await store.renew(lease, 10)
    assert await texts(store) == ["one"]


async def test_a_full_disk_is_said_and_once_there_is_space_again_it_goes_on(store: SqliteStore) -> None:
    lease = await store.acquire("a", "me", 10)
    await store.append(lease, [said("one")], 0, "1")
    big = said("word " * 20_000)
    await store._run(lambda: store._db.execute("PRAGMA max_page_count = 1").fetchall())
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"full.*free some space"):
            await store.append(lease, [big], 1, "2")
    assert await texts(store) == ["one"]
    await store._run(lambda: store._db.execute("PRAGMA max_page_count = 1000000").fetchall())
    assert await store.append(lease, [big], 1, "2") == 2


async def test_a_file_that_somebody_else_has_locked_is_written_once_it_is_free(
    store: SqliteStore, tmp_path: Path
) -> None:
    lease = await store.acquire("a", "me", 10)
    await store._run(lambda: store._db.execute("PRAGMA busy_timeout = 0").fetchall())
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="locked"):
            await store.append(lease, [said("one")], 0, "1")
    other.execute("ROLLBACK")
    other.close()
    assert await store.append(lease, [said("one")], 0, "1") == 1


async def test_an_error_of_ours_in_the_thread_rolls_back_and_is_raised(store: SqliteStore) -> None:
    lease = await store.acquire("a", "me", 10)
    with pytest.raises(LogConflict):
        await store.append(lease, [said("one")], 5)
    with pytest.raises(ValueError, match="surrogates"):
        await store.append(lease, [said("one"), said("\ud800")], 0)
    assert await store.append(lease, [said("one")], 0) == 1


_OLD = """
PRAGMA journal_mode = WAL;
CREATE TABLE event (
    session TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, position)
) WITHOUT ROWID;
CREATE TABLE lease (
    session TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, expires REAL NOT NULL
);
INSERT INTO lease VALUES ('z', 'old', 4, 0), ('a', 'old', 7, 0);
"""


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A file as made by versions before batch ids."""
    path = tmp_path / "old.db"
    db = sqlite3.connect(path)
    db.executescript(_OLD)
    rows = [("z", 0, encode(said("zero"))), ("a", 0, encode(said("one"))), ("a", 1, encode(said("two")))]
    db.executemany("INSERT INTO event VALUES (?, ?, ?)", rows)
    db.commit()
    db.close()
    return path


async def test_a_file_of_an_older_version_is_read_and_written(old_file: Path) -> None:
    store = SqliteStore(old_file)
    assert await texts(store) == ["one", "two"]
    lease = await store.acquire("a", "me", 10)
    assert lease.token == 8
    with pytest.raises(LogConflict):
        await store.append(lease, [said("two")], 1, "1")
    for _ in range(2):
        assert await store.append(lease, [said("three")], 2, "1") == 3
    await store.append(await store.acquire("b", "me", 10), [said("new")], 0)
    assert await store.sessions() == ["z", "a", "b"]
    await store.close()
    again = SqliteStore(old_file)
    assert await texts(again) == ["one", "two", "three"]
    await again.close()


def test_two_processes_may_migrate_a_file_at_once(old_file: Path) -> None:
    async def both() -> None:
        stores = await asyncio.gather(*(asyncio.to_thread(SqliteStore, old_file) for _ in range(4)))
        for store in stores:
            assert await texts(store) == ["one", "two"]
            await store.close()

    asyncio.run(both())


async def test_an_event_that_cannot_be_read_is_named_without_its_words(old_file: Path) -> None:
    db = sqlite3.connect(old_file)
    db.execute(
        """UPDATE event SET body = '{"kind": "later", "text": "what I said"}' WHERE session = 'a' AND position = 1"""
    )
    db.commit()
    db.close()
    store = SqliteStore(old_file)
    with pytest.raises(UnreadableLog, match="event 1 of session a") as raised:
        await store.read("a", after=1)
    assert "what I said" not in str(raised.value) and raised.value.__suppress_context__
    assert len(await store.read("z")) == 1
    await store.close()


async def test_no_query_but_a_read_of_the_whole_grows_with_the_log(store: SqliteStore) -> None:
    async def steps(call: Callable[[], Awaitable[object]]) -> int:
        """Number of SQLite virtual machine instructions."""
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        store._db.set_progress_handler(count, 1)
        await call()
        store._db.set_progress_handler(None, 1)
        return counted

    async def cost(session: str, events: int) -> list[int]:
        lease = await store.acquire(session, "me", 10)
        await store.append(lease, [said(str(i)) for i in range(events)], 0)
        return [
            await steps(lambda: store.read(session, events)),
            await steps(lambda: store.append(lease, [said("x"), said("y")], events)),
            await steps(store.sessions),
        ]

    short, long = await cost("short", 10), await cost("long", 3000)
    # 40: the list of sessions has one more to look at.
    assert all(abs(b - a) < 40 for a, b in zip(short, long, strict=True)), (short, long)
