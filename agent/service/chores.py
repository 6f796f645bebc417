"""Background work with an owner: one task per name, a bounded number at once, and none outlives its owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from agent.service.problems import fault_of

log = logging.getLogger("agent.service")


class Chores:
    """`limit`: tasks at once, or None. Work should handle its own errors; one that escapes is logged."""

    def __init__(self, name: str, limit: int | None = None) -> None:
        self._name = name
        self._limit = limit
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def busy(self, name: str) -> bool:
        """Whether work is running under this name."""
        return name in self._tasks

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Start it, unless work under this name is running or the limit is reached. Returns whether it was started."""
        if name in self._tasks or (self._limit is not None and len(self._tasks) >= self._limit):
            return False
        task = asyncio.create_task(work(), name=f"{self._name} {name}")
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._finished(name, done))
        return True

    async def settle(self, seconds: float | None = None) -> None:
        """Wait until nothing is running, for `seconds` at most. What is still running then is not cancelled."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=seconds)

    async def close(self) -> None:
        """Cancel what is running and wait for it to end."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s %s: %s", self._name, name, fault_of(error))
