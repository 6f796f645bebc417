"""How full this machine is, from what its calls were measured to cost. Pure; the worker feeds it.

A call that is not yet talking costs little now and will cost its share soon: CPU alone would let too many in.
"""

from __future__ import annotations

PRIOR = 0.4  # cores per call, docs/results/footprint.md, until this machine has shown its own
WEIGHT = 30.0  # s of calls after which the measured cost counts as much as the prior


class LoadMeter:
    """`cores`: of this machine."""

    def __init__(self, cores: float, prior: float = PRIOR) -> None:
        self._cores = cores
        self._prior = prior
        self._cpu_seconds = 0.0
        self._call_seconds = 0.0
        self._busy = 0.0

    def observe(self, cpu_seconds: float, seconds: float, calls: int) -> None:
        """`cpu_seconds` that all our processes used in the last `seconds`, while `calls` were running."""
        if seconds <= 0:
            return
        self._busy = cpu_seconds / seconds
        if calls:
            # Old measurements fade: half an hour of one call is memory enough.
            fade = 0.5 ** (calls * seconds / 1800.0)
            self._cpu_seconds = self._cpu_seconds * fade + cpu_seconds
            self._call_seconds = self._call_seconds * fade + calls * seconds

    @property
    def cost(self) -> float:
        """Cores per call."""
        return (self._prior * WEIGHT + self._cpu_seconds) / (WEIGHT + self._call_seconds)

    def load(self, calls: int) -> float:
        """Share of the machine that is spoken for, 0..1: what the calls will need, or what is in use where that is more."""
        return min(1.0, max(calls * self.cost, self._busy) / self._cores)
