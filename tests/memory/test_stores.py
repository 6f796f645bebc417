"""The contract of every EventStore, run on SQLite and on a real Redis."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from memory.events import AnyEvent, Consented, Ended, Said
from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
from memory.store import EventStore, LeaseHeld, LeaseLost, LogConflict, StoreUnavailable
from tests.memory.conftest import SHORT

Lapse = Callable[[], Awaitable[None]]


def said(text: str) -> AnyEvent:
    return Said(at=1.0, t=2.0, purpose="notice", text=text)


async def texts(store: EventStore) -> list[str]:
    return [e.text for e in await store.read("a") if e.kind == "said"]


async def test_events_come_back_whole_and_in_order(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    events: list[AnyEvent] = [
        Consented(at=0, by="x", text_version="1", scope=["recording"]),
        said('größer ✓\n"quoted"'),
    ]
    assert await store.append(lease, events, 0) == 2
    assert await store.append(lease, [Ended(at=3, reason="completed")], 2) == 3
    assert await store.read("a") == [*events, Ended(at=3, reason="completed")]
    assert await store.read("a", after=2) == [Ended(at=3, reason="completed")]
    assert await store.read("a", after=3) == await store.read("a", after=9) == []


async def test_an_unknown_session_has_no_events(store: EventStore) -> None:
    assert await store.read("nobody") == []
    assert await store.sessions() == []


async def test_sessions_are_listed_in_order_of_their_first_event(store: EventStore) -> None:
    leases = {name: await store.acquire(name, "me", 10) for name in ("never", "a", "b", "c")}
    for name in ("c", "a", "b"):
        await store.append(leases[name], [said(name)], 0)
    await store.append(leases["c"], [said("again")], 1)
    assert await store.append(leases["never"], [], 0) == 0
    assert await store.sessions() == ["c", "a", "b"]


async def test_a_living_lease_keeps_others_out(store: EventStore) -> None:
    await store.acquire("a", "me", 10)
    with pytest.raises(LeaseHeld, match="me"):
        await store.acquire("a", "you", 10)


async def test_a_dead_lease_can_be_taken_and_fences_off_its_holder(store: EventStore, lapse: Lapse) -> None:
    mine = await store.acquire("a", "me", 10)
    await store.append(mine, [said("before")], 0, "first")
    await store.renew(mine, SHORT)
    await lapse()
    yours = await store.acquire("a", "you", 10)
    assert yours.token > mine.token
    with pytest.raises(LeaseLost):
        await store.append(mine, [said("too late")], 1)
    with pytest.raises(LeaseLost):
        await store.append(mine, [said("before")], 0, "first")  # a repetition too: nothing may follow from it any more
    with pytest.raises(LeaseLost):
        await store.renew(mine, 10)
    await store.append(yours, [said("after")], 1)
    assert await texts(store) == ["before", "after"]


async def test_an_expired_lease_that_nobody_took_still_writes(store: EventStore, lapse: Lapse) -> None:
    lease = await store.acquire("a", "me", SHORT)
    await lapse()
    assert await store.holder("a") is None
    assert await store.append(lease, [said("still mine")], 0) == 1


async def test_renewing_keeps_others_out_for_longer(store: EventStore, lapse: Lapse) -> None:
    lease = await store.acquire("a", "me", SHORT)
    await store.renew(lease, 10)
    await lapse()
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

    async def pair(i: int) -> None:
        length = 0
        while True:
            try:
                await store.append(lease, [said(f"{i}a"), said(f"{i}b")], length)
                return
            except LogConflict:  # somebody was faster
                length = len(await store.read("a"))

    await asyncio.gather(*(pair(i) for i in range(12)))
    written = await texts(store)
    assert len(written) == len(set(written)) == 24
    assert all(written[i][:-1] == written[i + 1][:-1] for i in range(0, 24, 2))


async def test_an_append_whose_answer_was_lost_can_be_tried_again(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    assert await store.append(lease, [said("one")], 0, "1") == 1
    for _ in range(3):
        assert await store.append(lease, [said("two"), said("three")], 1, "2") == 3
    assert await store.append(lease, [said("four")], 3, "3") == 4
    assert await texts(store) == ["one", "two", "three", "four"]


async def test_a_cancelled_append_can_be_tried_again_wherever_it_was_cut_off(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    length = 0
    for steps in range(24):
        batch = [said(f"{steps}a"), said(f"{steps}b")]
        attempt = asyncio.create_task(store.append(lease, batch, length, f"id{steps}"))
        for _ in range(steps):
            await asyncio.sleep(0)
        attempt.cancel()
        await asyncio.wait({attempt})
        length = await store.append(lease, batch, length, f"id{steps}")
    assert await texts(store) == [f"{i}{side}" for i in range(24) for side in "ab"]


async def test_another_batch_of_the_same_size_is_no_repetition(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    assert await store.append(lease, [said("one")], 0, "1") == 1
    # The writer does not know that "one" was stored. By counting alone, "two" would be taken for its repetition.
    for batch in ("2", ""):
        with pytest.raises(LogConflict, match=r"1 events where its writer expected 0.*--resume a"):
            await store.append(lease, [said("two")], 0, batch)
    for length in (2, 7):  # a store that lost what it had confirmed
        with pytest.raises(LogConflict):
            await store.append(lease, [said("two")], length, "2")
    assert await texts(store) == ["one"]
    assert await store.append(lease, [said("two")], 1, "2") == 2


@pytest.mark.parametrize(
    ("again", "after"),
    [(["x", "c"], 1), (["b"], 1), (["c"], 2), (["b", "c", "d"], 1), (["b", "c"], 3), (["b", "c"], 0), (["d"], 3)],
)
async def test_an_id_is_not_used_twice(store: EventStore, again: list[str], after: int) -> None:
    lease = await store.acquire("a", "me", 10)
    await store.append(lease, [said("a")], 0, "1")
    await store.append(lease, [said("b"), said("c")], 1, "2")
    with pytest.raises(LogConflict, match="id of its own"):
        await store.append(lease, [said(text) for text in again], after, "2")
    assert await texts(store) == ["a", "b", "c"]
    assert await store.append(lease, [said("b"), said("c")], 1, "2") == 3


async def test_a_repetition_that_arrives_after_the_next_batch_writes_nothing(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    await store.append(lease, [said("one")], 0, "1")
    await store.append(lease, [said("two")], 1, "2")
    with pytest.raises(LogConflict):
        await store.append(lease, [said("one")], 0, "1")
    assert await texts(store) == ["one", "two"]


async def test_the_holder_is_named_while_its_lease_lives(store: EventStore, lapse: Lapse) -> None:
    assert await store.holder("a") is None
    lease = await store.acquire("a", "me", 10)
    assert await store.holder("a") == "me"
    await store.renew(lease, SHORT)
    await lapse()
    assert await store.holder("a") is None
    lease = await store.acquire("a", "me", 10)
    await store.release(lease)
    assert await store.holder("a") is None


async def test_a_closed_store_says_so(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    await store.close()
    await store.close()
    for call in (store.read("a"), store.sessions(), store.holder("a"), store.append(lease, [said("x")], 0)):
        with pytest.raises(StoreUnavailable, match="was closed"):
            await call


async def test_nothing_that_was_begun_hangs_when_the_store_is_closed(store: EventStore) -> None:
    lease = await store.acquire("a", "me", 10)
    begun = [
        asyncio.create_task(store.append(lease, [said("x")], 0, "1")),
        *(asyncio.create_task(store.read("a")) for _ in range(5)),
    ]
    await asyncio.sleep(0)
    await store.close()
    for outcome in await asyncio.gather(*begun, return_exceptions=True):
        assert not isinstance(outcome, BaseException) or isinstance(outcome, StoreUnavailable)


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
        await store.append(lease, [Said(at=0, purpose="notice", text=f"{i}")], i)
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
    written = await texts(store)
    assert written[: last + 1] == [str(i) for i in range(last + 1)]
    assert written == [str(i) for i in range(len(written))]
    await store.close()
