"""Shows where an event loop stalled and for how long: a tool for finding what blocks a call.

VIVA_LOOP_WATCH=50 logs, in every call, each stall of more than 50 ms: the stack in which the loop was stuck, how long
its own thread was working (it was busy), how long the other threads of the process were and where (they held the
interpreter's lock), and hence how long it got no processor. LiveKit's own monitor does much the same, but reports only
five stalls a minute and nothing about the other threads.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

VARIABLE = "VIVA_LOOP_WATCH"
FRAMES = 6  # innermost frames of the loop's stack to report
WAITING = ("threading.py", "selectors.py", "thread.py", "queue.py", "socket.py")  # a thread in one of these is idle
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stood:
    """A stall of `seconds`. `own`, `others`: s of CPU time that the loop's thread and the process's other threads used
    meanwhile. `where`: the loop's stack, innermost last. `beside`: what the other threads were doing, as NAME at PLACE.
    """

    seconds: float
    own: float
    others: float
    where: tuple[str, ...]
    beside: tuple[str, ...]

    def __str__(self) -> str:
        text = (
            f"the loop stood for {self.seconds * 1000:.0f} ms (own work {self.own * 1000:.0f} ms, other threads' "
            f"{self.others * 1000:.0f} ms) at {' > '.join(self.where) or 'a place that nobody saw'}"
        )
        return text + (f"; beside it {', '.join(self.beside)}" if self.beside else "")


def _report(stood: Stood) -> None:
    log.warning("%s", stood)


@contextmanager
def watch_loop(longest: float, report: Callable[[Stood], None] = _report) -> Iterator[None]:
    """While active, calls `report` for every stall of the running loop longer than `longest` s."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    beat = longest / 4
    last, own, whole = time.monotonic(), time.thread_time(), time.process_time()
    seen: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    over = threading.Event()
    timer: asyncio.TimerHandle | None = None

    def tick() -> None:
        nonlocal last, own, whole, seen, timer
        now, own_now, whole_now = time.monotonic(), time.thread_time(), time.process_time()
        where, beside = seen or ((), ())
        seen = None
        if now - last - beat > longest:
            report(Stood(now - last - beat, own_now - own, whole_now - whole - (own_now - own), where, beside))
        last, own, whole = now, own_now, whole_now
        timer = loop.call_later(beat, tick)

    def look() -> None:
        nonlocal seen
        while not over.wait(beat):
            if time.monotonic() - last - beat > longest * 0.75 and seen is None:
                seen = _look_around(thread)

    timer = loop.call_later(beat, tick)
    watching = threading.Thread(target=look, name="loop-watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        over.set()
        watching.join(1.0)


@contextmanager
def watched_if_asked() -> Iterator[None]:
    """`watch_loop` with the threshold in ms that VIVA_LOOP_WATCH sets; does nothing if it is unset."""
    asked = os.environ.get(VARIABLE, "")
    if not asked.isdecimal() or int(asked) == 0:
        yield
        return
    with watch_loop(int(asked) / 1000):
        yield


def _look_around(loop_thread: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    where: tuple[str, ...] = ()
    beside: list[str] = []
    for ident, frame in sys._current_frames().items():
        if ident == loop_thread:
            where = tuple(_places(frame)[-FRAMES:])
        elif ident != threading.get_ident() and Path(frame.f_code.co_filename).name not in WAITING:
            beside.append(f"{names.get(ident, 'a thread')} at {' > '.join(_places(frame)[-2:])}")
    return where, tuple(beside)


def _places(frame: FrameType) -> list[str]:
    # No source lines: reading them from files would hold up the very thread being inspected.
    frames = list(traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=False))
    kept = [f for f in reversed(frames) if "asyncio" not in Path(f.filename).parts and f.filename[0] != "<"]
    return [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in kept]
