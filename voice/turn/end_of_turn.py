"""How final the voice sounds: LiveKit's v1-mini audio model (bundled, offline), called directly.

It looks at the last 1.2 s at 16 kHz and takes about 15 ms on one core. Licensed for use with LiveKit Agents only.
"""

from __future__ import annotations

from typing import Protocol

from livekit.local_inference import EOT, EOT_MAX_SAMPLES

from voice.audio import Samples, to_int16

WINDOW = EOT_MAX_SAMPLES


class EndOfTurnModel(Protocol):
    """Anything that can tell how final a voice sounds: the model itself, or one in another process."""

    def probability(self, samples: Samples) -> float: ...


class EndOfTurn:
    """Blocking: call it from a worker thread."""

    def __init__(self) -> None:
        self._model = EOT()

    def probability(self, samples: Samples) -> float:
        """P(turn is over), 0..1, from the last 1.2 s of 16 kHz samples, which should end about 0.2 s after speech."""
        return float(self._model.predict(to_int16(samples[-WINDOW:])))
