"""Stores the recogniser's final pieces in the log as soon as they exist."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.call.journal import Journal
from agent.call.speaking import Watcher
from agent.call.speech_tracker import SpeechTracker
from agent.call.transcript import Transcript, heard, noted

PATIENCE = 8.0  # s to wait for requested words; a dead recogniser never delivers them
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Transcription:
    """`flush`: tells the recogniser to finalise its open words."""

    journal: Journal
    transcript: Transcript
    tracker: SpeechTracker
    watch: Watcher
    flush: Callable[[], None]
    next_tick: Callable[[], Awaitable[None]]
    wall: Callable[[], float]

    async def store(self) -> None:
        """Store every final piece at once: a crash after this loses none of it."""
        while self.transcript.finals:
            final = self.transcript.finals[0]
            turn = self.journal.state.awaiting
            if self.journal.state.yielded:
                note = noted(final.words, self.wall())
                await self.journal.write(note)
                self.watch.caption("candidate", note.text, True)
            elif turn is not None:
                piece = heard(final.words, turn.number, self.wall(), final.confidence, self.tracker.take_held_up())
                await self.journal.write(piece)
                self.watch.caption("candidate", piece.text, True)
            self.transcript.finals.pop(0)

    async def finish(self, *, hung_up: bool = False) -> None:
        """Have the recogniser finalise its open words, and store them; does not wait while the candidate speaks on.

        Waits no longer than `PATIENCE` for a recogniser that does not answer: the sound is in the recording.
        """
        if self.transcript.open:
            self.flush()
        try:
            async with asyncio.timeout(PATIENCE):
                while self.transcript.open and (hung_up or not self.tracker.speaking):
                    await self.next_tick()
        except TimeoutError:
            log.warning("the recogniser did not finish within %g s; its open words are only in the recording", PATIENCE)
            self.transcript.give_up()
        await self.store()
