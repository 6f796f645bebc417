"""Live events: each is sent once, the connection is kept open when idle, and a returning client learns of the end."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from agent.service import live
from memory.events import AnyEvent, Ended, Said
from memory.sqlite_store import SqliteStore
from memory.store import StoreUnavailable
from simulation import virtual_time

ENDED = Ended(at=1, reason="completed")


def said(text: str) -> AnyEvent:
    return Said(at=1.0, purpose="notice", text=text)


class Watcher:
    """A connection to a log that is being written. `sent`: when and what."""

    def __init__(self, log: list[AnyEvent] | None = None) -> None:
        self.log = log or []
        self.asked: list[int] = []
        self.read_events = 0
        self.away = False
        self.sent: list[tuple[float, str]] = []

    async def read(self, after: int) -> list[AnyEvent]:
        self.asked.append(after)
        if self.away:
            raise StoreUnavailable("away")
        self.read_events += len(self.log[after:])
        return self.log[after:]

    async def watch(self, after: int = 0, seconds: float = 10_000.0) -> None:
        """Until the stream ends, or the connection is dropped after `seconds`."""
        time = asyncio.get_running_loop().time
        until = time() + seconds

        async def gone() -> bool:
            return time() > until

        async for piece in live.stream(self.read, after, gone):
            self.sent.append((time(), piece))

    @property
    def ids(self) -> list[int]:
        return [int(piece.splitlines()[0].removeprefix("id: ")) for _, piece in self.sent if piece.startswith("id: ")]

    @property
    def is_over(self) -> bool:
        return self.sent[-1][1].startswith("event: over")

    def comments(self) -> list[float]:
        return [at for at, piece in self.sent if piece.startswith(":")]


@pytest.mark.parametrize("poll", [0.4, 0.1, 0.7, 1.0, 7.0])
def test_a_quiet_line_is_kept_open_once_in_every_interval(poll: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL", poll)

    async def scenario() -> None:
        watcher = Watcher([said("one")])
        await watcher.watch(seconds=3600)
        comments = watcher.comments()
        gaps = [b - a for a, b in itertools.pairwise([0.0, *comments])]
        assert len(comments) > 3600 / (live.KEEP_ALIVE + poll) - 1
        assert min(gaps) >= live.KEEP_ALIVE - 1e-6 and max(gaps) <= live.KEEP_ALIVE + poll + 1e-6, (
            min(gaps),
            max(gaps),
        )

    virtual_time.run(scenario())


def test_no_comment_is_sent_while_events_are() -> None:
    async def scenario() -> None:
        watcher = Watcher()
        watching = asyncio.create_task(watcher.watch(seconds=120))
        for i in range(12):
            watcher.log.append(said(str(i)))
            await asyncio.sleep(10)
        await watching
        assert watcher.ids == list(range(1, 13)) and not watcher.comments()

    virtual_time.run(scenario())


def test_each_event_is_read_once_however_long_one_watches() -> None:
    async def scenario() -> None:
        watcher = Watcher([said(str(i)) for i in range(50)])
        watching = asyncio.create_task(watcher.watch(after=20, seconds=3600))
        await asyncio.sleep(1800)
        watcher.log.append(said("new"))
        await watching
        assert watcher.ids == list(range(21, 52))
        assert watcher.read_events <= 51 and len(watcher.asked) > 8000
        assert watcher.asked == sorted(watcher.asked)

    virtual_time.run(scenario())


def test_it_is_over_when_nothing_came_for_a_while_after_the_end() -> None:
    async def scenario() -> None:
        watcher = Watcher([said("one"), ENDED])
        watching = asyncio.create_task(watcher.watch())
        await asyncio.sleep(live.SETTLED - 1)
        watcher.log.append(said("late"))  # a measure, say
        await watching
        assert watcher.ids == [1, 2, 3] and watcher.is_over
        assert watcher.sent[-1][0] == pytest.approx(2 * live.SETTLED - 1, abs=3 * live.POLL)

    virtual_time.run(scenario())


@pytest.mark.parametrize("after", [2, 3, 4, 1000])
def test_whoever_comes_back_after_the_end_learns_that_it_is_over(after: int) -> None:
    async def scenario() -> None:
        watcher = Watcher([said("one"), ENDED, said("late")])
        await watcher.watch(after)
        assert watcher.is_over and watcher.ids == list(range(after + 1, 4))

    virtual_time.run(scenario())


def test_a_position_that_the_log_has_not_reached_hides_nothing_that_comes() -> None:
    async def scenario() -> None:
        watcher = Watcher([said("one")])
        watching = asyncio.create_task(watcher.watch(after=1000, seconds=10))
        await asyncio.sleep(5)
        watcher.log.append(said("two"))
        await watching
        assert watcher.ids == [2]

    virtual_time.run(scenario())


def test_a_store_that_is_away_ends_no_watching() -> None:
    async def scenario() -> None:
        watcher = Watcher([said("one")])
        watching = asyncio.create_task(watcher.watch(seconds=120))
        await asyncio.sleep(5)
        watcher.away = True
        watcher.log += [said("two"), ENDED]
        await asyncio.sleep(60)
        assert watcher.ids == [1] and len(watcher.comments()) == 4 and not watching.done()
        watcher.away = False
        await watching
        assert watcher.ids == [1, 2, 3] and watcher.is_over

    virtual_time.run(scenario())


def test_events_come_from_a_real_store_as_they_are_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(tmp_path / "s.db")
        lease = await store.acquire("a", "me", 10)
        watcher = Watcher()
        watcher.read = lambda after: store.read("a", after)  # type: ignore[method-assign]
        watching = asyncio.create_task(watcher.watch())
        for i in range(5):
            await store.append(lease, [said("one\ntwo")] if i < 4 else [ENDED], i)
            await asyncio.sleep(1)
        await watching
        assert watcher.ids == [1, 2, 3, 4, 5] and watcher.is_over
        assert all(piece.count("\n\n") == 1 and piece.endswith("\n\n") for _, piece in watcher.sent)
        await store.close()

    virtual_time.run(scenario())
