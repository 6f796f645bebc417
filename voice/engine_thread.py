"""Calls into engines that may never return: one at a time on a thread, abandoned after a deadline.

A native library that hangs cannot be stopped from outside. Its thread is abandoned (it is a daemon, so it does not
delay exit) and the next call gets a new one. The number of abandoned threads is bounded.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MOST_LEFT_BEHIND = 4  # threads that may hang at once; beyond that, calls fail until one of them returns


class EngineCallFailed(Exception):
    """An engine call raised, did not return in time, or was refused; the message says which, in one line."""


class EngineHangs(EngineCallFailed):
    """The call did not return in time."""


_Work = tuple[Callable[[], Any], "Future[Any]"]


class EngineThread(Executor):
    """A single worker thread that can be replaced while it is busy."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Work | None] | None = None
        self._left_behind: list[threading.Thread] = []
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the thread {self._name!r} is closed")
            if self._queue is None or self._thread is None:
                self._start()
            assert self._queue is not None
            self._queue.put((lambda: fn(*args, **kwargs), future))
        return future

    def replace(self) -> bool:
        """Abandon the thread and cancel what is queued behind it. False if too many hang already."""
        with self._lock:
            self._left_behind = [thread for thread in self._left_behind if thread.is_alive()]
            if len(self._left_behind) >= MOST_LEFT_BEHIND:
                return False
            if self._thread is not None and self._queue is not None:
                self._left_behind.append(self._thread)
                _empty(self._queue)
                self._queue.put(None)
            self._thread = self._queue = None
            return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """`wait` does not wait for abandoned threads."""
        with self._lock:
            self._closed = True
            thread, work = self._thread, self._queue
            if work is not None:
                if cancel_futures:
                    _empty(work)
                work.put(None)
        if wait and thread is not None:
            thread.join()

    def _start(self) -> None:
        work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        name = f"{self._name}-{next(self._numbers)}"
        self._queue = work
        self._thread = threading.Thread(target=_work_through, args=(work,), name=name, daemon=True)
        self._thread.start()


def _work_through(work: queue.SimpleQueue[_Work | None]) -> None:
    while (item := work.get()) is not None:
        fn, future = item
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = fn()
        except BaseException as error:  # of any kind: it belongs to the caller
            future.set_exception(error)
        else:
            future.set_result(result)
        del item, fn, future  # do not keep audio in memory until the next item arrives


def _empty(work: queue.SimpleQueue[_Work | None]) -> None:
    while True:
        try:
            item = work.get_nowait()
        except queue.Empty:
            return
        if item is not None:
            item[1].cancel()


class EngineCalls:
    """Awaits blocking calls on `executor`, each with a deadline; replaces the thread when a call hangs.

    The deadline doubles with each hang in a row, so an engine that is merely slow gets enough time.
    """

    def __init__(self, executor: Executor, name: str) -> None:
        self._executor = executor
        self._name = name
        self._hung = 0  # calls in a row that did not return
        self._given_up: set[asyncio.Future[None]] = set()

    async def call(self, fn: Callable[[], T], deadline: float) -> T:
        """Return what `fn` returns. Raises EngineCallFailed if anything fails or `deadline` s pass."""
        loop = asyncio.get_running_loop()
        try:
            future = loop.run_in_executor(self._executor, fn)
        except RuntimeError as error:  # the executor is closed
            raise EngineCallFailed(str(error)) from error
        future.add_done_callback(_looked_at)
        given_up: asyncio.Future[None] = loop.create_future()
        self._given_up.add(given_up)
        patience = deadline * 2 ** min(self._hung, 4)
        try:
            waited: set[asyncio.Future[Any]] = {future, given_up}
            await asyncio.wait(waited, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            returned = future.done()
        finally:
            self._given_up.discard(given_up)
            future.cancel()  # done, or no longer awaited
        if not returned:
            self._hung += 1
            self._replace_thread()
            raise EngineHangs("given up" if given_up.done() else f"no answer within {patience:.0f} s")
        self._hung = 0
        if future.cancelled():
            raise EngineCallFailed("its thread was closed")
        failure = future.exception()
        if failure is not None:
            raise EngineCallFailed(_in_one_line(failure)) from failure
        return future.result()

    def give_up(self) -> None:
        """Stop waiting for the calls that are running."""
        for future in self._given_up:
            if not future.done():
                future.set_result(None)

    def _replace_thread(self) -> None:
        if isinstance(self._executor, EngineThread):
            self._executor.replace()
        else:  # not ours to replace, and it may have only this one thread
            self._executor = EngineThread(self._name)


def _looked_at(future: asyncio.Future[Any]) -> None:
    """Retrieve the exception, so that asyncio does not report it for a call that is no longer awaited."""
    if not future.cancelled():
        future.exception()


def _in_one_line(error: BaseException) -> str:
    first = (str(error).strip().splitlines() or [""])[0][:160]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
