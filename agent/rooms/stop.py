"""How a call's process hears that it is to end, and that it does: none outlives its worker, none hangs in its own end.

LiveKit tells a job of its worker's end last of all, after it has waited for the job; so the worker says it with a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

STOP_FILE = "VIVA_STOP_FILE"  # set by the worker for its calls; not a setting
LOOK = 0.25  # s between looks at it
IN_ORDER = 8.0  # s for an end in order after being told to; then an end without
log = logging.getLogger("agent.rooms")


def end_within(seconds: float, why: str, end: Callable[[int], None] = os._exit) -> None:
    """This process ends in `seconds` at the latest, whatever still runs in it. Its session is kept: it is on the disk."""

    def insist() -> None:
        log.error("%s, and this call's process did not end within %.0f s: it is ended", why, seconds)
        time.sleep(0.2)  # the line above is on its way to the worker
        end(1)

    timer = threading.Timer(seconds, insist)
    timer.name, timer.daemon = "end-within", True
    timer.start()


@contextlib.asynccontextmanager
async def told_to_stop(
    parent: Callable[[], int] = os.getppid, insist: Callable[[float, str], None] = end_within
) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the worker stops or is gone. From then on the process has IN_ORDER seconds."""
    stopping = asyncio.Event()
    mine, file = parent(), os.environ.get(STOP_FILE, "")

    async def look() -> None:
        while parent() == mine and not (file and Path(file).exists()):
            await asyncio.sleep(LOOK)
        insist(IN_ORDER, "the worker ended")
        stopping.set()

    looking = asyncio.create_task(look(), name="told-to-stop")
    try:
        yield stopping
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


@contextlib.asynccontextmanager
async def ends_with_its_lease(
    holder: Callable[[], Awaitable[str | None]],
    owner: str,
    seconds: float,
    insist: Callable[[float, str], None] = end_within,
) -> AsyncIterator[None]:
    """Looks every `seconds` who holds the session. Where that is another, this process has IN_ORDER seconds to be gone.

    The call sees it by itself and leaves; this is for one that hangs in its leaving and would be heard twice.
    """

    async def look() -> None:
        while True:
            await asyncio.sleep(seconds)
            with contextlib.suppress(Exception):  # a store that is away for a moment says nothing about the lease
                held = await holder()
                if held and held != owner:
                    insist(IN_ORDER, "another agent has this interview")
                    return

    looking = asyncio.create_task(look(), name="lease-look")
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
