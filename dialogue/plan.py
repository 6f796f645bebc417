"""Which questions, in which order. Pure: the same pack, settings and seed give the same plan."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from memory.records import KeyPoint, PlannedQuestion, Probe

SPEAKING_OVERHEAD = 25.0  # s per core question for the question itself, a follow-up's wording and the pauses between

LEVELS = {"junior": 2, "mid": 3, "senior": 4}  # the difficulty, of 1 to 5, that questions are chosen near


class PlanError(Exception):
    """The wishes cannot be met; the message says what to change."""


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
        key_points=[KeyPoint(name=p["name"], any_of=p["any_of"]) for p in entry["key_points"]],
        anchors={int(level): text for level, text in entry["anchors"].items()},
        probes=[Probe(type=p["type"], text=p["text"]) for p in entry["probes"]],
    )


def plan(
    pack: dict[str, Any],
    *,
    minutes: float,
    probes: int,
    ids: Sequence[str] = (),
    count: int | None = None,
    seed: int = 0,
    level: str = "",
) -> list[PlannedQuestion]:
    """Questions for an interview of about `minutes`.

    `ids` names them outright. Else: easy before hard, behavioural and technical in turn, no competency twice while
    another is left, as many as fit the time (at least one) or `count` of them; near the `level` where there is a
    choice. Raises PlanError for unknown ids.
    """
    questions = [question_of(entry) for entry in pack["questions"]]
    by_id = {q.id: q for q in questions}
    if unknown := [i for i in ids if i not in by_id]:
        raise PlanError(f"the pack {pack['name']!r} has no question {unknown[0]!r}; it has {', '.join(sorted(by_id))}")
    if ids:
        return [by_id[i] for i in ids]
    rng = random.Random(seed)
    left = sorted(questions, key=lambda _: rng.random())
    chosen: list[PlannedQuestion] = []
    spent = 60.0  # greeting and farewell
    while left and (count is None or len(chosen) < count):
        best = min(left, key=lambda q: (*_cost(q, chosen), abs(q.difficulty - LEVELS.get(level, q.difficulty))))
        needed = best.seconds + SPEAKING_OVERHEAD + probes * 0.6 * best.seconds
        if count is None and chosen and spent + needed > minutes * 60.0:
            break
        spent += needed
        chosen.append(best)
        left.remove(best)
    return sorted(chosen, key=lambda q: q.difficulty)


def _cost(question: PlannedQuestion, chosen: Sequence[PlannedQuestion]) -> tuple[int, int]:
    same_competency = sum(q.competency == question.competency for q in chosen)
    same_kind = sum(q.kind == question.kind for q in chosen)
    return same_competency, same_kind
