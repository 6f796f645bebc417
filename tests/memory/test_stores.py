"""The contract of every EventStore, run on SQLite and on a real Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.events import AnyEvent, Consented, Ended, Said
from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
from memory.store import EventStore, LeaseHeld, LeaseLost, StoreUnavailable


@pytest.fixture(params=["sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventStore]:
    made: EventStore
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "sessions.db")
    else:
        made = RedisStore(request.getfixturevalue("redis_url"), prefix=uuid.uuid4().hex)
    yield made
    await made.close()


def said(text: str) -> AnyEvent:
    return Said(at=1.0, t=2.0, purpose="notice", text=text)


async def test_events_come_back_whole_and_in_order(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    events: list[AnyEvent] = [
        Consented(at=0, by="x", text_version="1", scope=["recording"]),
        said('größer ✓\n"quoted"'),
    ]
    assert await store.append(lease, events) == 2
    assert await store.append(lease, [Ended(at=3, reason="completed")]) == 3
    assert await store.read("a") == [*events, Ended(at=3, reason="completed")]
    assert await store.read("a", after=2) == [Ended(at=3, reason="completed")]


async def test_an_unknown_session_has_no_events(store: EventStore) -> None:
    assert await store.read("nobody") == []
    assert await store.sessions() == []


async def test_sessions_are_listed_in_order_of_their_first_event(store: EventStore) -> None:
    for name in ("c", "a", "b"):
        lease = await store.acquire(name, "me", 10)
        await store.append(lease, [said(name)])
        await asyncio.sleep(0.01)
    await store.append(await store.acquire("c", "me", 10), [said("again")])
    assert await store.sessions() == ["c", "a", "b"]


async def test_a_living_lease_keeps_others_out(store: EventStore) -> None:
    await store.acquire("a", "me", 10)
    with pytest.raises(LeaseHeld, match="me"):
        await store.acquire("a", "you", 10)


async def test_a_dead_lease_can_be_taken_and_fences_off_its_holder(store: EventStore) -> None:
    mine = await store.acquire("a", "me", 0.05)
    await store.append(mine, [said("before")])
    await asyncio.sleep(0.1)
    yours = await store.acquire("a", "you", 10)
    assert yours.token > mine.token
    with pytest.raises(LeaseLost):
        await store.append(mine, [said("too late")])
    with pytest.raises(LeaseLost):
        await store.renew(mine, 10)
    await store.append(yours, [said("after")])
    assert [e.text for e in await store.read("a") if e.kind == "said"] == ["before", "after"]


async def test_an_expired_lease_that_nobody_took_still_writes(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 0.01)
    await asyncio.sleep(0.05)
    assert await store.append(lease, [said("still mine")]) == 1


async def test_renewing_keeps_others_out_for_longer(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 0.1)
    await store.renew(lease, 10)
    await asyncio.sleep(0.15)
    with pytest.raises(LeaseHeld):
        await store.acquire("a", "you", 10)


async def test_a_released_lease_is_free_at_once(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    await store.release(lease)
    taken = await store.acquire("a", "you", 10)
    assert taken.token > lease.token
    await store.release(lease)  # too late, and silent
    with pytest.raises(LeaseHeld):
        await store.acquire("a", "third", 10)


async def test_many_writers_one_winner(store: EventStore) -> None:
    async def attempt(i: int) -> bool:
        try:
            await store.acquire("a", f"w{i}", 10)
            return True
        except LeaseHeld:
            return False

    assert sum(await asyncio.gather(*(attempt(i) for i in range(20)))) == 1


async def test_appends_of_one_writer_never_interleave(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    await asyncio.gather(*(store.append(lease, [said(f"{i}a"), said(f"{i}b")]) for i in range(25)))
    texts = [e.text for e in await store.read("a") if e.kind == "said"]
    assert len(texts) == 50
    assert all(texts[i][:-1] == texts[i + 1][:-1] for i in range(0, 50, 2))


async def test_an_append_whose_answer_was_lost_can_be_tried_again(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    assert await store.append(lease, [said("one")], after=0) == 1
    assert await store.append(lease, [said("two"), said("three")], after=1) == 3
    assert await store.append(lease, [said("two"), said("three")], after=1) == 3
    assert await store.append(lease, [said("four")], after=3) == 4
    assert [e.text for e in await store.read("a") if e.kind == "said"] == ["one", "two", "three", "four"]


async def test_the_holder_is_named_while_its_lease_lives(store: EventStore) -> None:
    assert await store.holder("a") is None
    lease = await store.acquire("a", "me", 0.2)
    assert await store.holder("a") == "me"
    await asyncio.sleep(0.25)
    assert await store.holder("a") is None
    lease = await store.acquire("a", "me", 10)
    await store.release(lease)
    assert await store.holder("a") is None


async def test_a_redis_that_is_not_there_says_what_to_do() -> None:
    store = RedisStore("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable, match="start redis-server"):
        await store.ping()
    with pytest.raises(StoreUnavailable, match="not a Redis address"):
        RedisStore("nonsense")


def test_a_sqlite_file_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="VIVA_HOME"):
        SqliteStore(tmp_path / "file" / "sessions.db")


_WRITER = """
import asyncio, sys
from pathlib import Path
from memory.events import Said
from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
async def main():
    store = RedisStore(sys.argv[2], prefix=sys.argv[3]) if sys.argv[1] == "redis" else SqliteStore(Path(sys.argv[2]))
    lease = await store.acquire("a", "child", 10)
    for i in range(100000):
        await store.append(lease, [Said(at=0, purpose="notice", text=f"{i}")])
        print(i, flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_nothing_that_was_acknowledged_is_lost_by_kill_9(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    prefix = uuid.uuid4().hex
    target = request.getfixturevalue("redis_url") if kind == "redis" else str(tmp_path / "s.db")
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, kind, target, prefix],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout
    last = -1
    for line in child.stdout:
        last = int(line)
        if last >= 30:
            os.kill(child.pid, signal.SIGKILL)
            break
    rest = child.stdout.read().split()
    child.wait()
    last = int(rest[-1]) if rest else last
    store: EventStore = RedisStore(target, prefix=prefix) if kind == "redis" else SqliteStore(Path(target))
    texts = [e.text for e in await store.read("a") if e.kind == "said"]
    assert texts[: last + 1] == [str(i) for i in range(last + 1)]
    assert texts == [str(i) for i in range(len(texts))]
    await store.close()
