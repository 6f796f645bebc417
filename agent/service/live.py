"""Events as they are stored, as server-sent events. Whoever lost the connection goes on after the last one it had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from memory.events import AnyEvent

POLL = 0.4  # s
KEEP_ALIVE = 15.0  # s without an event after which a comment is sent, so that proxies keep the line open
SETTLED = 20.0  # s after the end for which measures and the report may still follow


async def stream(
    read: Callable[[int], Awaitable[list[AnyEvent]]], after: int, gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """`read(n)`: events from position n on."""
    position, quiet, ended = after, 0.0, False
    yield "retry: 1000\n\n"
    while not await gone():
        events = await read(position)
        for event in events:
            position += 1
            ended = ended or event.kind == "ended"
            yield f"id: {position}\nevent: {event.kind}\ndata: {json.dumps(event.model_dump(mode='json'))}\n\n"
        quiet = 0.0 if events else quiet + POLL
        if ended and quiet > SETTLED:
            yield "event: over\ndata: {}\n\n"
            return
        if quiet and quiet % KEEP_ALIVE < POLL:
            yield ": still here\n\n"
        await asyncio.sleep(POLL)
