"""Resuming a session, in the same way after a process died and after a candidate was away.

The log records the cut. Sound that was recorded before it but not yet transcribed is transcribed now: the recording is
the source of truth.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agent.call.journal import Journal
from agent.call.recording import RATE, Recorder, Recording
from agent.call.transcript import heard, noted
from dialogue.state import State
from memory.events import Heard, Noted, Resumed, Started
from voice.audio import SPEECH_RATE, Samples, resample
from voice.stt.decoder import Decoder
from voice.stt.offline import transcribe
from voice.vad.boundaries import map_speech
from voice.words import TimedWord

MIN_SPEECH = 0.4  # s; less is a cough


@dataclass(frozen=True)
class Entry:
    """Who takes a session up, and why. `last`: unix s of the newest earlier event, if known."""

    owner: str
    engines: Mapping[str, str] = field(default_factory=dict)
    cause: Literal["takeover", "rejoin"] = "takeover"
    last: float | None = None
    wall: Callable[[], float] = time.time


async def take_up(journal: Journal, folder: Path, decoder: Decoder, entry: Entry) -> Recorder:
    """Begin or resume a session by voice. `folder`: the session's. The caller must close the recorder.

    On resuming, every recorded word that is not in the log yet is added to it, and so is the cut with its length.
    Raises UserError if nothing can be recorded, LeaseLost if another process has the session.
    """
    # Transcribe first: it can take seconds, and the cut lasts until the call goes on.
    await recover_speech(journal, Recording(folder), decoder, entry.wall)
    return await go_on(journal, folder, entry)


async def go_on(journal: Journal, folder: Path, entry: Entry) -> Recorder:
    """As `take_up`, once `recover_speech` is done."""
    last_written = Recording(folder).last_written
    recorder = Recorder(folder, journal.token, known_until(journal.state))
    try:
        await _enter(journal, recorder.start / RATE, last_written, entry)
    except BaseException:
        recorder.close()
        raise
    return recorder


async def take_up_typed(journal: Journal, entry: Entry) -> None:
    """As `take_up`, for an interview without sound."""
    await _enter(journal, 0.0, None, entry)


async def _enter(journal: Journal, at: float, last_written: float | None, entry: Entry) -> None:
    now = entry.wall()
    if not journal.state.started and not journal.state.greeted:
        await journal.write(Started(at=now, owner=entry.owner, engines=dict(entry.engines)))
        return
    since = max((t for t in (entry.last, last_written) if t is not None), default=now)
    await journal.write(
        Resumed(
            at=now, t=at, gap=max(0.0, now - since), cause=entry.cause, owner=entry.owner, engines=dict(entry.engines)
        )
    )


def known_until(state: State) -> float:
    """The newest session time that the log mentions, s."""
    times = [state.last_spoken_end, *(t for t, _ in state.holes), *(note.end for note in state.notes)]
    times += [turn.asked_at for turn in state.turns]
    return max(times + [piece.end for turn in state.turns for piece in turn.heard])


async def recover_speech(
    journal: Journal, recording: Recording, decoder: Decoder, wall: Callable[[], float] = time.time
) -> bool:
    """Transcribe and store speech that was recorded but never made final. Returns whether there was any.

    Reads only what came after the last stored words; if there is a cut in it, each side is transcribed separately.
    """
    state = journal.state
    turn = state.awaiting
    if state.ended or (turn is None and state.yielded is None):
        return False
    if state.yielded is not None:
        since = max([state.yielded.t, *(note.end for note in state.notes)])
    else:
        assert turn is not None
        floor = turn.spoken.end if turn.spoken else turn.asked_at
        since = max([floor, *(piece.end for piece in turn.heard)])
    edges = [since, *(t for t, _ in state.holes if since < t < recording.seconds), recording.seconds]
    found: list[Heard | Noted] = []
    for start, end in itertools.pairwise(edges):
        words = await asyncio.to_thread(_words, recording, start, end, decoder)
        if words and state.yielded is not None:
            found.append(noted(words, wall()))
        elif words and turn is not None:
            found.append(heard(words, turn.number, wall()))
    await journal.write(*found)
    return bool(found)


def _words(recording: Recording, start: float, end: float, decoder: Decoder) -> list[TimedWord]:
    first, last = round(start * RATE), round(end * RATE)
    if last <= first:
        return []
    samples: Samples = resample(recording.candidate[first:last], RATE, SPEECH_RATE)
    if sum(b - a for a, b in map_speech(samples).speech) < MIN_SPEECH:
        return []
    return [word.shifted(start) for word in transcribe(samples, decoder)]
