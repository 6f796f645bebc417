"""What can only go wrong with Redis: old entries, whole streams sent on each poll, passwords in messages."""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from memory.events import AnyEvent, Said, encode
from memory.redis_store import RedisStore
from memory.store import LogConflict, StoreUnavailable, UnreadableLog, decode_log


def said(text: str) -> AnyEvent:
    return Said(at=1.0, purpose="notice", text=text)


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[Redis]:
    """The server, bypassing our store."""
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    made = RedisStore(redis_url, prefix=uuid.uuid4().hex)
    yield made
    await made.close()


async def test_a_poll_is_sent_only_what_is_new(store: RedisStore, raw: Redis) -> None:
    lease = await store.acquire("a", "me", 30)
    events = [said(f"{i} " + "word " * 40) for i in range(1000)]
    await store.append(lease, events, 0)
    await store.read("a", 1000)  # the connection and the script are there

    async def sent() -> int:
        return int((await raw.info("stats"))["total_net_output_bytes"])

    between = await sent()
    between = await sent() - between  # what asking costs
    before = await sent()
    for _ in range(10):
        assert await store.read("a", 1000) == []
    assert await store.read("a", 998) == events[998:]
    assert await sent() - before - between < 2000, "ten polls and two events, of a log of 250 kB"
    assert await store.read("a") == events
    assert await sent() - before > 250_000, "the measure itself sees what is sent"


async def test_a_whole_log_is_not_decoded_on_the_event_loop(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, bool]] = []  # how many events, and whether the event loop stood still for them

    def decode(session: str, after: int, bodies: list[bytes]) -> list[AnyEvent]:
        decoded.append((len(bodies), threading.current_thread() is threading.main_thread()))
        return decode_log(session, after, bodies)

    monkeypatch.setattr("memory.redis_store.decode_log", decode)
    lease = await store.acquire("a", "me", 30)
    await store.append(lease, [said(str(i)) for i in range(1000)], 0)
    assert len(await store.read("a")) == 1000 and len(await store.read("a", 995)) == 5
    assert decoded == [(1000, False), (5, True)]


async def test_a_log_of_an_older_version_is_read_and_written(store: RedisStore, raw: Redis) -> None:
    for text in ("one", "two"):
        await raw.xadd(store._log_key("a"), {"e": encode(said(text))})
    lease = await store.acquire("a", "me", 30)
    with pytest.raises(LogConflict):
        await store.append(lease, [said("two")], 1, "1")
    for _ in range(2):
        assert await store.append(lease, [said("three"), said("four")], 2, "1") == 4
    assert await store.read("a") == [said("one"), said("two"), said("three"), said("four")]
    assert await store.read("a", 1) == [said("two"), said("three"), said("four")]


async def test_an_event_that_cannot_be_read_is_named_without_its_words(store: RedisStore, raw: Redis) -> None:
    await raw.xadd(store._log_key("a"), {"e": encode(said("one"))})
    await raw.xadd(store._log_key("a"), {"e": '{"kind": "later", "text": "what I said"}'})
    await raw.xadd(store._log_key("b"), {"something": "else"})
    with pytest.raises(UnreadableLog, match="event 1 of session a") as raised:
        await store.read("a")
    assert "what I said" not in str(raised.value) and raised.value.__suppress_context__
    with pytest.raises(UnreadableLog, match="event 0 of session b"):
        await store.read("b")


async def test_a_log_that_the_server_lost_is_not_written_with_a_hole(store: RedisStore, raw: Redis) -> None:
    lease = await store.acquire("a", "me", 30)
    await store.append(lease, [said("one"), said("two")], 0)
    newest = await raw.xrevrange(store._log_key("a"), count=1)
    assert newest and newest[0][0]
    await raw.xdel(store._log_key("a"), newest[0][0])
    with pytest.raises(LogConflict, match="1 events where its writer expected 2"):
        await store.append(lease, [said("three")], 2)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@127.0.0.1:1/0",
        "redis://user:s3cret@127.0.0.1:1/0",
        "redis://127.0.0.1:1/0?password=s3cret",
        "redis://user:s3cret",
        "redsi://:s3cret@127.0.0.1/0",
        "redis://:s3/cret@127.0.0.1:1/0",
    ],
)
async def test_no_message_tells_the_password(url: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"start redis-server|not a Redis address") as raised:
        await RedisStore(url).ping()
    assert "s3" not in str(raised.value) and "cret" not in str(raised.value)


async def test_a_server_that_answers_is_not_called_away(redis_url: str, store: RedisStore, raw: Redis) -> None:
    with pytest.raises(StoreUnavailable, match="refuses the password"):
        await RedisStore(redis_url.replace("redis://", "redis://nobody:wrong@")).ping()
    await raw.set(store._log_key("a"), "no stream")
    with pytest.raises(StoreUnavailable, match=r"answers with an error .*WRONGTYPE"):
        await store.read("a")
