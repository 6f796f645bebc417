"""A candidate who recites: waits until the agent has been silent for a moment, then gives the next answer.

It understands no words, so it costs next to nothing: for tests of what happens around a conversation, and for load.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulation.speech import RoomTone
from voice.audio import Samples

AUDIBLE = 0.01  # peak of 20 ms; -40 dBFS
# s of silence after which the agent has finished: longer than the gaps that a busy machine leaves in its speech, which
# a person would not take for the end either
REACTION = 1.2


class Reciter:
    """`answers`: samples at `rate`, one for each time the agent speaks.

    `holding`: say nothing for now. `going_on`: repeat the current answer without a pause until told otherwise.
    """

    def __init__(self, answers: Sequence[Samples], rate: int = 24_000) -> None:
        self._answers = list(answers)
        self._rate = rate
        self._tone = RoomTone()
        self._speech = np.zeros(0, np.float32)
        self._answer = self._speech  # the current answer as a whole
        self._quiet = 0.0
        self._spoken_to = False
        self.holding = False
        self.going_on = False
        self.gone = False
        self.transport: float | None = 0.0  # same process: no delay
        self.said = 0

    @property
    def speaking(self) -> bool:
        return len(self._speech) > 0

    @property
    def left(self) -> int:
        """Answers not yet begun."""
        return len(self._answers)

    def speak(self, count: int) -> Samples:
        out = self._tone.next(count)
        part, self._speech = self._speech[:count], self._speech[count:]
        if self.going_on and len(part) and not self.speaking:
            self._speech = self._answer
        out[: len(part)] += part
        return out

    def hear(self, samples: Samples) -> None:
        if np.abs(samples).max(initial=0.0) > AUDIBLE:
            self._spoken_to, self._quiet = True, 0.0
            return
        self._quiet += len(samples) / self._rate
        if self._spoken_to and self._quiet >= REACTION and not self.holding and not self.speaking and self._answers:
            self._spoken_to = False
            self._speech = self._answer = self._answers.pop(0)
            self.said += 1
