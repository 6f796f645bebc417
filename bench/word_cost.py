"""What a word of the conversation takes in memory, as the state of an interview holds it."""

from __future__ import annotations

import tracemalloc

from agent.call.transcript import heard
from voice.words import TimedWord

PIECES, WORDS = 200, 10  # a final piece of an answer has about ten words


def bytes_a_word() -> float:
    """Its text, its times, and its share of the piece it came in."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        held = [heard(_piece(number), 1, 0.0, 0.9) for number in range(PIECES)]
        after, _ = tracemalloc.get_traced_memory()
        return (after - before) / sum(len(piece.words) for piece in held)
    finally:
        tracemalloc.stop()


def _piece(number: int) -> list[TimedWord]:
    began = number * WORDS * 0.4
    # No two texts are one object, as with a recogniser.
    return [
        TimedWord(f"word{number}x{i}", began + i * 0.4, began + (i + 0.8) * 0.4, 0.9 + i / 1000) for i in range(WORDS)
    ]
