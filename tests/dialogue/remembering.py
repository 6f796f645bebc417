"""The shipped model, which judges each pair once in a test session: characters and modes share most of their answers."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.pairs import Pair
from dialogue.understanding.small_model import Judged, SmallModel


class Remembering(SmallModel):
    """Keeps every judgement."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, str, str], Judged] = {}

    def judge(self, task: str, pairs: Sequence[Pair]) -> list[Judged]:
        keys = [(task, " ".join(a), " ".join(b)) for a, b in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._known}
        if missing:
            self._known |= zip(missing, super().judge(task, list(missing.values())), strict=True)
        return [self._known[key] for key in keys]


@functools.cache
def remembering_reader() -> EmbeddedReader:
    """One for all tests of a process."""
    return EmbeddedReader(Remembering())
