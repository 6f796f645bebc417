"""What the streaming loop needs from an engine: turn one window of speech into timed words."""

from __future__ import annotations

from typing import Protocol

from voice.audio import Samples
from voice.words import TimedWord


class Decoder(Protocol):
    """Blocking, called from a worker thread, one window at a time."""

    name: str
    max_window: float  # s; longer speech is cut at a word on which two decodes agree

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        """Words in 16 kHz `samples`, times in s from their start. `timed=False`: times may be rough.

        `prompt`: context, for engines that can use it. Returns no words for silence or noise.
        """
        ...
