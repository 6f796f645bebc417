"""From the recogniser's final pieces to the log, as soon as they exist."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.ear import Ear
from agent.hearing import Hearing, heard, noted
from agent.journal import Journal
from agent.speaking import Watcher

PATIENCE = 8.0  # s for which words that are asked for are waited for; a recogniser that has died never gives them
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Transcription:
    """`flush`: has the recogniser make its open words final."""

    journal: Journal
    hearing: Hearing
    ear: Ear
    watch: Watcher
    flush: Callable[[], None]
    next_tick: Callable[[], Awaitable[None]]
    wall: Callable[[], float]

    async def store(self) -> None:
        """Store every final piece at once: a crash after this loses none of it."""
        while self.hearing.finals:
            final = self.hearing.finals[0]
            turn = self.journal.state.awaiting
            if self.journal.state.yielded:
                note = noted(final.words, self.wall())
                await self.journal.write(note)
                self.watch.caption("candidate", note.text, True)
            elif turn is not None:
                piece = heard(final.words, turn.number, self.wall(), final.confidence, self.ear.take_held_up())
                await self.journal.write(piece)
                self.watch.caption("candidate", piece.text, True)
            self.hearing.finals.pop(0)

    async def finish(self, *, hung_up: bool = False) -> None:
        """Have the recogniser make its open words final, and store them; not while the candidate speaks on.

        A recogniser that does not answer is waited for no longer than `PATIENCE`: the sound is in the recording.
        """
        if self.hearing.open:
            self.flush()
        try:
            async with asyncio.timeout(PATIENCE):
                while self.hearing.open and (hung_up or not self.ear.speaking):
                    await self.next_tick()
        except TimeoutError:
            log.warning("the recogniser did not finish within %g s; its open words are only in the recording", PATIENCE)
            self.hearing.give_up()
        await self.store()
