"""Server-sent events, sent as they are stored. A client that reconnects continues after the last one it received."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from memory.events import AnyEvent
from memory.store import StoreUnavailable

POLL = 0.4  # s
KEEP_ALIVE = 15.0  # s without an event after which a comment is sent, so that proxies keep the connection open
SETTLED = 20.0  # s after the end during which measures and the report may still arrive


async def stream(
    read: Callable[[int], Awaitable[list[AnyEvent]]], after: int, gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """What is sent to a client that already has `after` events. `read(n)`: events from position n on.

    The log is read once from its start, because the interview may already be over when a client comes back; after that
    only new events are read. While the store is unavailable, it waits.
    """
    now = asyncio.get_running_loop().time
    position, ended = 0, False
    last_event = last_sent = now()
    yield "retry: 1000\n\n"
    while not await gone():
        try:
            events = await read(position)
        except StoreUnavailable:
            pass
        else:
            if position == 0:
                after = min(after, len(events))
            for event in events:
                position += 1
                ended = ended or event.kind == "ended"
                if position > after:
                    last_event = last_sent = now()
                    yield f"id: {position}\nevent: {event.kind}\ndata: {json.dumps(event.model_dump(mode='json'))}\n\n"
            if ended and now() - last_event > SETTLED:
                yield "event: over\ndata: {}\n\n"
                return
        if now() - last_sent >= KEEP_ALIVE:
            last_sent = now()
            yield ": still here\n\n"
        await asyncio.sleep(POLL)
