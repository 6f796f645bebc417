"""Every event is stored exactly once and in order, however its writer is cancelled or the store's replies get lost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.call.journal import Journal
from dialogue.state import State, fold
from memory.events import AnyEvent, Said
from memory.redis_store import RedisStore
from memory.sqlite_store import SqliteStore
from memory.store import EventStore, Lease, LeaseLost, LogConflict, StoreUnavailable
from simulation import virtual_time

Fate = Literal["fine", "request lost", "answer lost"]


def said(text: str) -> Said:
    return Said(at=0, purpose="notice", text=text)


async def texts(store: EventStore) -> list[str]:
    return [e.text for e in await store.read("a") if e.kind == "said"]


class Line:
    """A real store behind a connection with scripted faults: one fate per attempt to append."""

    def __init__(self, store: EventStore, fates: Iterator[Fate], before: float = 0.0, after: float = 0.0) -> None:
        self.store = store
        self._fates = fates
        self._before, self._after = before, after  # s for the way there and back
        self.committed = asyncio.Event()

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        fate = next(self._fates, "fine")
        await asyncio.sleep(self._before)
        if fate == "request lost":
            raise StoreUnavailable("the request was lost")
        length = await self.store.append(lease, events, after, batch)
        self.committed.set()
        await asyncio.sleep(self._after)
        if fate == "answer lost":
            raise StoreUnavailable("the answer was lost")
        return length

    async def journal(self, patience: float = 0.0, on_event: Callable[[AnyEvent], None] = lambda _: None) -> Journal:
        lease = await self.store.acquire("a", "me", 1000)
        return Journal(self, lease, State(), on_event, patience=patience)  # type: ignore[arg-type]


def test_a_cancellation_between_commit_and_answer_loses_no_word(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "s.db")
        line = Line(store, iter([]), after=1.0)
        seen: list[str] = []
        journal = await line.journal(on_event=lambda e: seen.append(e.text) if e.kind == "said" else None)
        writing = asyncio.create_task(journal.write(said("one")))
        await line.committed.wait()
        writing.cancel()
        await asyncio.wait({writing})
        assert writing.cancelled(), "nothing suppresses a cancellation"
        assert journal.state.said == (said("one"),), "stored, so true"
        await journal.write(said("two"))  # as many events as the one before
        assert await texts(store) == ["one", "two"] == seen
        assert journal.state == fold(await store.read("a"))
        await store.close()

    virtual_time.run(scenario())


def test_a_write_that_is_cancelled_while_it_waits_for_its_turn_is_stored_in_its_turn(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "s.db")
        journal = await Line(store, iter([]), before=1.0).journal()
        writing = [asyncio.create_task(journal.write(said(text))) for text in ("one", "two", "three")]
        await asyncio.sleep(0.5)
        for _ in range(3):  # however often
            writing[1].cancel()
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*writing, return_exceptions=True)
        assert outcomes[0] is outcomes[2] is None and isinstance(outcomes[1], asyncio.CancelledError)
        assert await texts(store) == ["one", "two", "three"]
        await store.close()

    virtual_time.run(scenario())


def test_a_time_limit_around_a_write_is_still_a_time_limit(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "s.db")
        journal = await Line(store, iter([]), before=3.0).journal()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await journal.write(said("one"))
        assert await texts(store) == ["one"]
        await store.close()

    virtual_time.run(scenario())


def test_a_cancelled_write_waits_for_a_store_that_is_away_no_longer_than_any_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "s.db")
        journal = await Line(store, iter(["request lost"] * 25)).journal(patience=5)
        began = asyncio.get_running_loop().time()
        writing = asyncio.create_task(journal.write(said("one")))
        await asyncio.sleep(1)
        writing.cancel()
        await asyncio.wait({writing})
        assert writing.cancelled() and asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.3)
        await journal.write(said("two"))  # what could not be stored then comes first
        assert await texts(store) == ["one", "two"]
        assert journal.take_stall() > 0
        await store.close()

    virtual_time.run(scenario())


async def test_without_patience_it_says_so_at_once_and_the_next_write_takes_the_events_along(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    journal = await Line(store, iter(["answer lost", "request lost"])).journal()
    for text in ("one", "two"):
        with pytest.raises(StoreUnavailable):
            await journal.write(said(text))
        assert journal.state == State()
    await journal.write(said("three"))
    assert await texts(store) == ["one", "two", "three"]
    assert journal.state == fold(await store.read("a"))
    await store.close()


async def test_a_log_that_somebody_else_wrote_is_refused_and_stays_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    line = Line(store, iter([]))
    journal = await line.journal()
    await store.append(journal._lease, [said("not ours")], 0)
    for _ in range(2):
        with pytest.raises(LogConflict):
            await journal.write(said("one"))
    assert await texts(store) == ["not ours"] and journal.state == State()
    await store.acquire("a", "me", 10)  # a later token
    with pytest.raises(LeaseLost):
        await journal.write(said("one"))
    await store.close()


async def test_an_event_that_cannot_be_stored_does_not_stand_in_the_way_of_the_next(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    journal = await Line(store, iter([])).journal()
    with pytest.raises(ValueError, match="surrogates"):
        await journal.write(said("\ud800"))
    await journal.write(said("one"))
    assert await texts(store) == ["one"]
    await store.close()


async def test_what_cannot_be_folded_does_not_reach_the_log(tmp_path: Path) -> None:
    # A log with such an event could never be resumed.
    store = SqliteStore(tmp_path / "s.db")
    journal = await Line(store, iter([])).journal()

    def broken(*_: object) -> State:
        raise KeyError("no such question")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyError):
        patch.setattr("agent.call.journal.fold", broken)
        await journal.write(said("one"))
    assert await store.read("a") == []
    await store.close()


@dataclass
class Step:
    """One write. `cancel`: turns of the event loop before it is cancelled; `wait`: whether the next waits for it."""

    size: int
    cancel: int | None
    wait: bool


steps = st.lists(
    st.builds(Step, size=st.integers(1, 3), cancel=st.none() | st.integers(0, 40), wait=st.booleans()), max_size=6
)
fates = st.lists(st.sampled_from(["fine", "request lost", "answer lost"]), max_size=12)
ways = st.sampled_from([0.0, 0.01])


async def play(
    store: EventStore, plan: list[Step], fates: list[Fate], patience: float, before: float, after: float
) -> None:
    """Overlapping, cancelled writers over a connection that loses requests and replies; then one last write."""
    begun: list[str] = []  # in the order of their writes
    seen: list[AnyEvent] = []
    journal = await Line(store, iter(fates), before, after).journal(patience, seen.append)
    running: set[asyncio.Task[None]] = set()

    async def act(step: Step, number: int) -> None:
        events = [said(f"{number}.{i}") for i in range(step.size)]
        begun.extend(e.text for e in events)
        writing = asyncio.create_task(journal.write(*events))
        running.add(writing)
        await asyncio.sleep(0)  # it has begun
        if step.cancel is not None:
            for _ in range(step.cancel):
                await asyncio.sleep(0.001 if before or after else 0)
            writing.cancel()
        if step.wait:
            await asyncio.wait({writing})

    for number, step in enumerate(plan):
        await act(step, number)
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        assert outcome is None or isinstance(outcome, StoreUnavailable | asyncio.CancelledError), outcome
    for _ in range(len(fates) + 1):  # as often as the line may fail
        with contextlib.suppress(StoreUnavailable):
            await journal.write(said("last"))
            begun.append("last")
            break
        begun.append("last")
    assert await texts(store) == begun
    assert journal.state == fold(await store.read("a"))
    assert seen == await store.read("a")


@settings(max_examples=150, deadline=None)
@given(plan=steps, fates=fates, patience=st.sampled_from([0.0, 0.3, math.inf]), before=ways, after=ways)
def test_each_event_once_and_in_order_on_sqlite(
    plan: list[Step], fates: list[Fate], patience: float, before: float, after: float
) -> None:
    async def scenario() -> None:
        store = SqliteStore(Path(":memory:"))
        try:
            await play(store, plan, fates, patience, before, after)
        finally:
            await store.close()

    virtual_time.run(scenario())


def test_each_event_once_and_in_order_on_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.call.journal.RETRY", 0.0)

    @settings(max_examples=60, deadline=None)
    @given(plan=steps, fates=fates, patience=st.sampled_from([0.0, math.inf]))
    def each(plan: list[Step], fates: list[Fate], patience: float) -> None:
        async def scenario() -> None:
            store = RedisStore(redis_url, prefix=uuid.uuid4().hex)
            try:
                await play(store, plan, fates, patience, 0.0, 0.0)
            finally:
                await store.close()

        asyncio.run(scenario())

    each()
