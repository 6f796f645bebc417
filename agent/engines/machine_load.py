"""How many calls this machine can carry and how loaded it is, based on measurements. Pure; the worker feeds it.

Before the first call a trial (agent/engines/self_test.py) says whether it can carry one at all. A call that is not yet
talking costs little now but will soon cost its share: judging by CPU use alone would let too many in.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIOR = 0.4  # cores per call (docs/results/footprint.md) until measured on this machine
WEIGHT = 30.0  # s of calls after which the measured cost counts as much as the prior


class LoadMeter:
    """`cores`: of this machine."""

    def __init__(self, cores: float, prior: float = PRIOR) -> None:
        self._cores = cores
        self.prior = prior  # cores per call, from the trial of this machine
        self._cpu_seconds = 0.0
        self._call_seconds = 0.0
        self._busy = 0.0

    def observe(self, cpu_seconds: float, seconds: float, calls: int) -> None:
        """`cpu_seconds`: used by all our processes in the last `seconds`, while `calls` were running."""
        if seconds <= 0:
            return
        self._busy = cpu_seconds / seconds
        if calls:
            # Old measurements fade, with a half-life of half an hour of calls.
            fade = 0.5 ** (calls * seconds / 1800.0)
            self._cpu_seconds = self._cpu_seconds * fade + cpu_seconds
            self._call_seconds = self._call_seconds * fade + calls * seconds

    @property
    def cost(self) -> float:
        """Cores per call."""
        return (self.prior * WEIGHT + self._cpu_seconds) / (WEIGHT + self._call_seconds)

    def load(self, calls: int) -> float:
        """Share of the machine that is taken, 0..1: what the calls will need, or what is in use now if that is more."""
        return min(1.0, max(calls * self.cost, self._busy) / self._cores)


@dataclass(frozen=True)
class Trial:
    """This machine's measured performance, on one core.

    `decode`, `say`, `listen`: s of work per second of sound (the recogniser's last decode, the voice, the speech
    detectors). `end_of_turn`: s per query to the model. `late`: 95th percentile of how late 100 ticks of 20 ms came, s.
    """

    decode: float
    say: float
    listen: float
    end_of_turn: float
    late: float


@dataclass(frozen=True)
class Limit:
    """The most that a call tolerates, and what people notice beyond it."""

    most: float
    unit: str
    what: str
    beyond: str


# An answer is decoded while it is spoken and once more at its end: decoding 5 s may delay the reply by 1.5 s.
LIMITS = {
    "decode": Limit(0.3, "s for a second of speech", "recognising speech", "replies come seconds late"),
    "say": Limit(0.7, "s for a second of voice", "making the voice", "the voice would break off between clauses"),
    "listen": Limit(0.4, "s for a second of sound", "hearing who speaks", "the agent would hear ever later"),
    "end_of_turn": Limit(0.4, "s", "asking whether a turn is over", "each reply comes that much later"),
    "late": Limit(0.06, "s", "being late for a tick of 20 ms", "the sound would be torn"),
}
# Three concurrent calls on 2 cores of a Xeon at 2.5 GHz took 0.2 cores each: 0.06 for the models and the rest for
# carrying sound, of which the speech detectors took LISTENING s per second of sound.
CARRYING = 0.15
LISTENING = 0.004
DECODED = 1.5  # s of sound decoded per second of a call: speech in progress is decoded again as it grows


@dataclass(frozen=True)
class Verdict:
    """How many calls at once, and the assumed cost of each in cores. `why`: what is too slow, if anything."""

    calls: int
    cost: float
    why: str = ""


def judge(trial: Trial, cores: float, limit: float = 1.0) -> Verdict:
    """What a machine with `cores` can carry, using at most `limit` of them. If not even one call, `why` says why."""
    short = [(name, getattr(trial, name), bound) for name, bound in LIMITS.items() if getattr(trial, name) > bound.most]
    cost = min(CARRYING * max(1.0, trial.listen / LISTENING) + DECODED * trial.decode, cores)
    if short:
        said = "; ".join(
            f"{bound.what} takes {value:.2f} {bound.unit}, at most {bound.most:.2f} is good: {bound.beyond}"
            for _, value, bound in short
        )
        return Verdict(0, cost, said)
    return Verdict(max(1, int(cores * limit / cost)), cost)


def advice(trial: Trial) -> str:
    """What to do about a machine that cannot carry a call."""
    if trial.late > LIMITS["late"].most:
        return "stop what else runs on this machine, or give this one more cores"
    return "choose smaller engines (VIVA_STT=moonshine, VIVA_TTS=espeak) or a faster machine"
