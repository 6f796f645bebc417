"""Messages that the candidate types in the room's chat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit import rtc

from agent.rooms.commands import LONGEST_TYPED

READING = 5.0  # s that a message may take to arrive
MOST_MESSAGES = 20  # waiting to be read
log = logging.getLogger(__name__)


class Messages:
    """Reads messages one after the other, in the order in which they began."""

    def __init__(self) -> None:
        self._arriving: asyncio.Queue[rtc.TextStreamReader] = asyncio.Queue(MOST_MESSAGES)

    def take(self, reader: rtc.TextStreamReader) -> None:
        """Read it when its turn comes. Messages are dropped if they come faster than they can be read."""
        if self._arriving.full():
            reader.close()
        else:
            self._arriving.put_nowait(reader)

    async def read(self, on_text: Callable[[str], str]) -> None:
        """Until cancelled. `on_text`: gets each message that is not blank; returns what was wrong with it, or ""."""
        while True:
            text = await _text_of(await self._arriving.get())
            if text.strip() and (problem := on_text(text)):
                log.warning("a typed message was refused: %s", problem)


async def _text_of(reader: rtc.TextStreamReader) -> str:
    """The whole message, or what has arrived if it breaks off, hangs or is too long."""
    text = ""
    try:
        async with asyncio.timeout(READING):
            async for piece in reader:
                text += piece
                if len(text) >= LONGEST_TYPED:
                    break
    except Exception as error:  # the SDK raises its own kinds if the sender leaves in the middle
        log.warning("a typed message broke off: %s", type(error).__name__)
    finally:
        reader.close()  # or the SDK keeps the unread data
    return text
