"""What an engine must do for the streaming loop: turn one window of speech into words in time."""

from __future__ import annotations

from typing import Protocol

from voice.audio import Samples
from voice.words import TimedWord


class Decoder(Protocol):
    """Blocking, called from a worker thread, one window at a time."""

    name: str
    max_window: float  # s; longer speech is cut at a word that two decodes agree on

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        """Words in 16 kHz `samples`, times in s from their start. `timed=False`: times may be rough.

        `prompt`: what was said before, for engines that can use it. No words for silence or noise.
        """
        ...
