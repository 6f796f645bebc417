"""A person's ability per competency, with its uncertainty, from the levels of their answers. Pure.

Model: Samejima's graded response model (1969) on a grid. Ability has a standard normal prior; an answer of difficulty d
(1..5) has location b = 0.7 (d - 3), slope 1.3, and its level (1..5, in four steps) thresholds at b - 1.05, -0.35, +0.35,
+1.05. The parameters are stated, not fitted: no calibration data exist, so the numbers steer practice and judge nobody.
A spread between scoring passes widens the likelihood, which is averaged over them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from dialogue.analysis.scoring import score
from dialogue.state import State
from memory.records import PlannedQuestion

SLOPE = 1.3
STEP = 0.7  # of location per point of difficulty, and between the thresholds of neighbouring levels
GRID = tuple(-3.0 + 0.1 * i for i in range(61))
SHARED = 0.5  # how far other competencies inform one with no answer yet
SURE = 0.55  # posterior SD below which a topic needs no further answer


@dataclass(frozen=True)
class Observation:
    """The level (1..5, with its spread) reached by an answer of this difficulty."""

    competency: str
    difficulty: int
    low: float
    level: float
    high: float


@dataclass(frozen=True)
class Ability:
    """Posterior mean and SD on the standard normal scale; `answers`: how many it rests on."""

    mean: float = 0.0
    sd: float = 1.0
    answers: int = 0


def location(difficulty: int) -> float:
    return STEP * (difficulty - 3)


def at_least(theta: float, difficulty: int, level: int) -> float:
    """P(an answer of this difficulty reaches `level` 2..5 or more)."""
    threshold = location(difficulty) + STEP * (level - 3.5)
    return 1.0 / (1.0 + math.exp(-SLOPE * (theta - threshold)))


@functools.lru_cache(maxsize=20_000)
def probability(theta: float, difficulty: int, level: int) -> float:
    """P(level) for level 1..5."""
    above = at_least(theta, difficulty, level + 1) if level < 5 else 0.0
    return max(1e-9, (at_least(theta, difficulty, level) if level > 1 else 1.0) - above)


def posterior(observations: Sequence[Observation], mean: float = 0.0, sd: float = 1.0) -> Ability:
    """Expected a posteriori estimate."""
    weights = [math.exp(-0.5 * ((theta - mean) / sd) ** 2) for theta in GRID]
    for o in observations:
        levels = [min(5, max(1, round(x))) for x in (o.low, o.level, o.high)]
        weights = [
            w * sum(probability(theta, o.difficulty, level) for level in levels) / 3
            for w, theta in zip(weights, GRID, strict=True)
        ]
    total = sum(weights)
    centre = sum(w * theta for w, theta in zip(weights, GRID, strict=True)) / total
    spread = math.sqrt(sum(w * (theta - centre) ** 2 for w, theta in zip(weights, GRID, strict=True)) / total)
    return Ability(round(centre, 3), round(spread, 3), len(observations))


def of_competency(observations: Sequence[Observation], competency: str) -> Ability:
    """A competency from its own answers, with a prior shifted a little by how the others went."""
    others = [o for o in observations if o.competency != competency]
    general = posterior(others).mean if others else 0.0
    return posterior([o for o in observations if o.competency == competency], SHARED * general)


def information(ability: Ability, difficulty: int) -> float:
    """Fisher information of a question at the estimate: highest where its difficulty fits the person."""
    eps = 1e-3
    total = 0.0
    for level in range(1, 6):
        p = probability(ability.mean, difficulty, level)
        slope = (
            probability(ability.mean + eps, difficulty, level) - probability(ability.mean - eps, difficulty, level)
        ) / (2 * eps)
        total += slope * slope / p
    return total


def observations_of(state: State) -> list[Observation]:
    """One for each question answered well enough to be judged."""
    found: list[Observation] = []
    for question in state.asked_questions:
        turns = [t for t in state.of_question(question.id) if t.intent in (None, "answer")]
        words = [word for turn in turns for word in turn.words_or_text]
        if not any(t.answered for t in turns):
            continue
        rubric = score(words, question)
        if rubric.level is not None and rubric.low is not None and rubric.high is not None:
            found.append(Observation(question.competency, question.difficulty, rubric.low, rubric.level, rubric.high))
    return found


def fitting(
    observations: Sequence[Observation], planned: PlannedQuestion, options: Sequence[PlannedQuestion]
) -> PlannedQuestion:  # fmt: skip
    """Of the planned question and others of its competency, the one that tells most about this person."""
    if not observations:
        return planned
    ability = of_competency(observations, planned.competency)
    return max([planned, *options], key=lambda q: (round(information(ability, q.difficulty), 3), q.id == planned.id))


def is_settled(observations: Sequence[Observation], competency: str) -> bool:
    """Whether enough is known about a competency: its posterior is narrow."""
    own = sum(o.competency == competency for o in observations)
    return own > 0 and of_competency(observations, competency).sd < SURE
