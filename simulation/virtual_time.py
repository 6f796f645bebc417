"""Conversations in virtual time: an event loop whose clock jumps to the next thing that is due.

An hour of silence takes milliseconds, a busy machine changes nothing, and two runs are alike. Work in threads (a decoder,
SQLite) is waited for without the clock moving. Sockets are not: a test that talks to a real server runs in real time.

    def test_it_waits() -> None:
        virtual_time.run(scenario())
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")
_THREAD_POLL = 0.02  # s of real time between two looks at work that runs in a thread


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time` starts at 0 s and moves only when nothing is left to do before the next timer.

    `on_turn` is told the CPU seconds that this thread spent between two looks for something to do: for so long the loop of a
    call would have stood still on a machine that is otherwise idle.
    """

    def __init__(self) -> None:
        self._virtual_now = 0.0
        self._in_threads = 0
        self.on_turn: Callable[[float], None] = lambda cpu_seconds: None
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._virtual_now

    def advance(self, seconds: float) -> None:
        self._virtual_now += seconds

    @property
    def waits_for_threads(self) -> bool:
        return self._in_threads > 0

    def run_in_executor(  # type: ignore[override]  # typeshed's variadic generic adds nothing here
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self._in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: object) -> None:
        self._in_threads -= 1


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep, its clock moves instead."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._since = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.on_turn(time.thread_time() - self._since)
        try:
            return self._select(timeout)
        finally:
            self._since = time.thread_time()

    def _select(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None or self._loop.waits_for_threads:
            return super().select(_THREAD_POLL)
        self._loop.advance(timeout)
        return []


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in virtual time. Tasks that it leaves behind are cancelled, as asyncio.run does."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario)
