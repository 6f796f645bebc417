"""Which questions, in which order. Pure: the same pack, settings and seed give the same plan."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.plan.pack_lint import same
from memory.records import KeyPoint, PlannedQuestion, Probe
from vivavoce.errors import VivavoceError

SPEAKING_OVERHEAD = 25.0  # s per core question for asking it, wording a follow-up and the pauses between

LEVELS = {"junior": 2, "mid": 3, "senior": 4}  # the difficulty, 1 to 5, near which questions are chosen


class PlanError(VivavoceError):
    """The request cannot be met; the message says what to change."""


def question_of(entry: dict[str, Any]) -> PlannedQuestion:
    """A pack's entry (already checked by prompts.loader) as a record."""
    return PlannedQuestion(
        id=entry["id"],
        competency=entry["competency"],
        kind=entry["kind"],
        text=entry["text"].strip(),
        short=entry["short"].strip(),
        level=entry["level"],
        difficulty=entry["difficulty"],
        seconds=entry["seconds"],
        patience=entry["patience"],
        key_points=[KeyPoint(name=p["name"], says=p["says"], terms=p.get("terms", [])) for p in entry["key_points"]],
        anchors={int(level): text for level, text in entry["anchors"].items()},
        probes=[
            Probe(type=p["type"], text=p["text"], asks=p["asks"], answered_by=p["answered_by"]) for p in entry["probes"]
        ],
    )


def questions_of(*packs: dict[str, Any]) -> list[PlannedQuestion]:
    """All questions of one or more packs, as records."""
    return [question_of(entry) for pack in packs for entry in pack["questions"]]


def draw(
    questions: Sequence[PlannedQuestion],
    source: str = "the pack",
    *,
    minutes: float,
    probes: int,
    ids: Sequence[str] = (),
    count: int | None = None,
    seed: int = 0,
    level: str = "",
    difficulty: int | None = None,
    weights: Mapping[str, float] | None = None,
) -> list[PlannedQuestion]:
    """Questions for an interview of about `minutes`.

    `source`: where they come from, for the error. `ids` names them outright. Otherwise: easy before hard, behavioural
    and technical in turn, no competency twice while another is left, no two that ask the same, as many as fit the
    time (at least one) or `count` of them; near the `level` or `difficulty`; among equally fitting ones, the one with
    the largest of `weights` (by id: what a job asks for, what was weak before). Raises PlanError for unknown ids.
    """
    by_id = {q.id: q for q in questions}
    if unknown := [i for i in ids if i not in by_id]:
        raise PlanError(f"{source} has no question {unknown[0]!r}; it has {', '.join(sorted(by_id))}")
    if ids:
        return [by_id[i] for i in ids]
    rng = random.Random(seed)
    left = sorted(questions, key=lambda _: rng.random())
    wanted = difficulty or LEVELS.get(level)
    heavy = weights or {}
    chosen: list[PlannedQuestion] = []
    spent = 60.0  # greeting and farewell
    while left and (count is None or len(chosen) < count):
        best = min(
            left,
            key=lambda q: (
                *_cost(q, chosen),
                abs(q.difficulty - wanted) if wanted else 0,
                -round(heavy.get(q.id, 0.0), 3),
            ),
        )
        needed = best.seconds + SPEAKING_OVERHEAD + probes * 0.6 * best.seconds
        if count is None and chosen and spent + needed > minutes * 60.0:
            break
        spent += needed
        chosen.append(best)
        left = [q for q in left if q.id != best.id and not same(q, best)]
    return sorted(chosen, key=lambda q: q.difficulty)


def _cost(question: PlannedQuestion, chosen: Sequence[PlannedQuestion]) -> tuple[int, int]:
    same_competency = sum(q.competency == question.competency for q in chosen)
    same_kind = sum(q.kind == question.kind for q in chosen)
    return same_competency, same_kind
