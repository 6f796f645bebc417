"""Where an event loop stood still, and for how long: for whoever looks for what blocks a call.

VIVA_LOOP_WATCH=50 logs, in every call, each stretch of more than 50 ms in which its loop could run nothing, with the
stack it stood in, the time that its thread worked meanwhile, and the time that no processor was given to it. LiveKit's
own monitor does much the same, but tells of five stretches a minute and no more.
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

VARIABLE = "VIVA_LOOP_WATCH"
FRAMES = 6  # of the stack, the innermost ones
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stood:
    """`seconds`: how long. `worked`: s of processor that the loop's thread used meanwhile. `where`: innermost last."""

    seconds: float
    worked: float
    where: tuple[str, ...]

    def __str__(self) -> str:
        return f"the loop stood for {self.seconds * 1000:.0f} ms, {self.worked * 1000:.0f} ms of them at work: " + (
            " > ".join(self.where) or "nobody saw where"
        )


def _report(stood: Stood) -> None:
    log.warning("%s", stood)


@contextmanager
def watch_loop(longest: float, report: Callable[[Stood], None] = _report) -> Iterator[None]:
    """Within this, `report` hears of every stretch longer than `longest` s in which the running loop stood still."""
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    beat = longest / 4
    last = time.monotonic()
    worked = time.thread_time()
    seen: tuple[str, ...] = ()
    over = threading.Event()

    def tick() -> None:
        nonlocal last, worked, seen, timer
        now, work = time.monotonic(), time.thread_time()
        where, seen = seen, ()
        if now - last - beat > longest:
            report(Stood(now - last - beat, work - worked, where))
        last, worked = now, work
        timer = loop.call_later(beat, tick)

    def look() -> None:
        nonlocal seen
        while not over.wait(beat):
            if time.monotonic() - last - beat > longest * 0.75 and not seen:
                seen = _stack(thread)

    timer = loop.call_later(beat, tick)
    watching = threading.Thread(target=look, name="loop-watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        timer.cancel()
        over.set()
        watching.join(1.0)


@contextmanager
def watched_if_asked() -> Iterator[None]:
    """`watch_loop` where VIVA_LOOP_WATCH says from how many ms on; else nothing."""
    asked = os.environ.get(VARIABLE, "")
    if not asked.isdecimal() or int(asked) == 0:
        yield
        return
    with watch_loop(int(asked) / 1000):
        yield


def _stack(thread: int) -> tuple[str, ...]:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return ()
    # No source lines: reading them from files would hold up the very thread that is looked at.
    frames = list(traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=False))
    kept = [f for f in reversed(frames) if not f.filename.startswith("<frozen") and "asyncio" not in Path(f.filename).parts]
    return tuple(f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in kept[-FRAMES:])
