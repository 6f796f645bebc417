"""The same interview typed in the terminal, for authors of question packs: same interviewer, same log, no sound."""

from __future__ import annotations

import asyncio
import sys
import time

from rich.console import Console

from agent.call.journal import Journal
from dialogue.manager.interviewer import Interviewer
from dialogue.manager.reply import Reply
from memory.events import Heard, Spoken
from memory.records import typed_words


class InputClosed(Exception):
    """End of input: nothing more can be typed. The session is kept."""


async def run_text(journal: Journal, interviewer: Interviewer, console: Console) -> None:
    """Runs until the farewell. Raises InputClosed at the end of the input, KeyboardInterrupt on Ctrl-C."""
    reply = interviewer.open(journal.state, time.time(), 0.0)
    while True:
        await _say(journal, console, reply)
        if reply.ends:
            return
        answer = await asyncio.to_thread(_ask, console)
        turn = journal.state.awaiting
        assert turn is not None
        now = time.time()
        if answer.strip():
            words = typed_words(answer)
            await journal.write(Heard(at=now, turn=turn.number, text=" ".join(answer.split()), words=words, end=0.0))
        turn = journal.state.awaiting
        assert turn is not None
        reply = await interviewer.commit(journal.state, turn, at=now, t=0.0)


async def _say(journal: Journal, console: Console, reply: Reply) -> None:
    await journal.write(*reply.events)
    if reply.note:
        console.print(f"note: {reply.note}", style="dim", markup=False, highlight=False)
    console.print(f"\n{reply.text}", style="magenta", markup=False, highlight=False)
    turn = journal.state.awaiting
    await journal.write(Spoken(at=time.time(), turn=turn.number if turn else None, end=0.0, text=reply.text))


def _ask(console: Console) -> str:
    console.print("> ", end="")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise InputClosed
    return line
