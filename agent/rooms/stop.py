"""How a call's process is told to end, and is made to: none outlives its worker, none hangs while shutting down.

LiveKit tells a job that its worker is ending only after waiting for the job, so the worker signals it with a file.
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
LOOK = 0.25  # s between checks for it
IN_ORDER = 8.0  # s for a clean shutdown once told to; then the process is killed
log = logging.getLogger("agent.rooms")


def end_within(seconds: float, why: str, end: Callable[[int], None] = os._exit) -> None:
    """End this process after `seconds` at the latest, whatever still runs in it. Its session is safe on disk."""

    def insist() -> None:
        log.error("%s, and this call's process did not end within %.0f s: it is ended", why, seconds)
        time.sleep(0.2)  # let the log line above reach the worker
        end(1)

    timer = threading.Timer(seconds, insist)
    timer.name, timer.daemon = "end-within", True
    timer.start()


@contextlib.asynccontextmanager
async def told_to_stop(
    parent: Callable[[], int] = os.getppid, insist: Callable[[float, str], None] = end_within
) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the worker stops or is gone. The process then has IN_ORDER seconds to end."""
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
    """Checks every `seconds` who holds the session. If it is another process, this one has IN_ORDER seconds to end.

    A call notices this itself and leaves; this guards against one that hangs while leaving, and two agents being heard.
    """

    async def look() -> None:
        while True:
            await asyncio.sleep(seconds)
            with contextlib.suppress(Exception):  # a store that is briefly unavailable says nothing about the lease
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
