"""Task ownership: every task has an owner that awaits or cancels it. Nothing here swallows a cancellation.

`await task` under `suppress(CancelledError)` cannot tell "the task was cancelled" from "I was cancelled", so a caller
doing that can no longer be cancelled itself. `asyncio.wait` can: it raises only what is meant for the waiter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


async def first_of(*tasks: asyncio.Task[Any]) -> set[asyncio.Task[Any]]:
    """Wait until at least one task is done, and return those that are. The others go on; their owner ends them."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return done


async def cancel_and_wait(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended. Failures on the way are logged."""
    alive = [task for task in tasks if task is not None and not task.done()]
    for task in alive:
        task.cancel()
    try:
        if alive:
            await asyncio.wait(alive)
    finally:  # even if we have been cancelled ourselves: log what has failed by now
        for task in alive:
            if task.done():
                _log_failure(task)


class Background:
    """Work alongside a call that nothing is waiting for. A failure is logged and stops nothing else."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def settle(self, seconds: float) -> bool:
        """Wait up to `seconds` for all of it. Returns whether it is done; what is not goes on."""
        if not self._tasks:
            return True
        _, pending = await asyncio.wait(set(self._tasks), timeout=seconds)
        return not pending

    async def aclose(self) -> None:
        """Cancel what is left."""
        await cancel_and_wait(*self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        _log_failure(task)


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("%s failed: %s", task.get_name(), type(error).__name__, exc_info=error)
