"""Ending the tasks that one has started."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)


async def cancel_and_wait(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until all have ended. What one of them raised instead is logged.

    A cancellation of whoever calls this goes through: nothing here takes it for the end of a child.
    """
    children = [task for task in tasks if task is not None]
    for task in children:
        task.cancel()
    if children:
        await asyncio.wait(children)
    for task in children:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.warning("%s failed while it was ended", task.get_name(), exc_info=error)
