"""What a dead process had recorded but not yet understood: the sound is the truth, so it is listened to again."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from agent.hearing import heard
from agent.journal import Journal
from agent.recorder import RATE, read_raw
from memory.events import Heard
from voice.audio import SPEECH_RATE, resample
from voice.boundaries import map_speech
from voice.stt.decoder import Decoder
from voice.stt.offline import transcribe

MIN_SPEECH = 0.4  # s; less is a cough


async def recover_speech(journal: Journal, raw: Path, decoder: Decoder) -> bool:
    """Store the end of an answer that was recorded and never made final. Returns whether there was one."""
    turn = journal.state.awaiting
    if turn is None or not raw.is_file():
        return False
    floor = turn.spoken.end if turn.spoken else turn.asked_at
    since = max([floor, *(piece.end for piece in turn.heard)])
    piece = await asyncio.to_thread(_heard_since, raw, since, turn.number, decoder)
    if piece is None:
        return False
    await journal.write(piece)
    return True


def _heard_since(raw: Path, since: float, turn: int, decoder: Decoder) -> Heard | None:
    candidate, _ = read_raw(raw)
    samples = resample(candidate[round(since * RATE) :], RATE, SPEECH_RATE)
    if sum(b - a for a, b in map_speech(samples).speech) < MIN_SPEECH:
        return None
    words = [w.shifted(since) for w in transcribe(samples, decoder)]
    if not words:
        return None
    return heard(words, turn, time.time())
