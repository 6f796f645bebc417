"""The answers after which follow-ups are marked: human interviews that nothing was trained on, and answers to our packs."""

from __future__ import annotations

import csv
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialogue.plan.generic import generic_question
from memory.records import PlannedQuestion
from tuning.data.packs import known_questions, questions_in
from tuning.data.readings import READINGS
from tuning.errors import DataError
from tuning.reader.rows import key_of

ROOT = Path(__file__).resolve().parents[1]
HELD_OUT = ROOT / "bench" / "data" / "held_out.jsonl"
NEUTRAL, NEUTRAL_PACKS = (READINGS.with_name(name) for name in ("neutral.jsonl", "neutral_packs.jsonl"))
PART = 3  # one question of followQG in three is kept from training, by the hash of its text
PEOPLE, OURS = "human interviews (followQG)", "answers to our packs"


@dataclass(frozen=True)
class Item:
    """An answer with its question. `human`: what a person asked next, if known."""

    part: str
    id: str
    question: PlannedQuestion
    answer: str
    human: str = ""


def human_items(path: Path) -> list[Item]:
    """The answers to followQG's held-out questions, each once, with the first of its human follow-ups."""
    found: dict[str, Item] = {}
    for question, answer, human in _followqg(path):
        key = key_of(question, answer)
        if zlib.crc32(question.encode()) % PART == 0 and key not in found:
            found[key] = Item(PEOPLE, key, generic_question(question, kind=None), answer, human)
    return list(found.values())


def own_items(path: Path) -> list[Item]:
    """Answers to questions of packs: `question` (the id) or `pack` and `id`, and `answer`, a text or its sentences."""
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); it needs one JSON object on each line, in UTF-8") from error
    found: list[Item] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            question = _question(entry)
            answer = _text(entry["answer"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path.name} line {number} is no answer ({type(error).__name__}: {error}); "
                "it needs question (an id), or pack and id, and answer"
            ) from error
        if not answer:
            raise DataError(f"{path.name} line {number} has an empty answer")
        found.append(Item(OURS, f"{question.id}#{number}", question, answer))
    if not found:
        raise DataError(f"{path} holds no answer; it needs one JSON object on each line")
    return found


def seen_in_training(items: Sequence[Item], followqg: Path) -> tuple[int, int]:
    """How many of the items' answers the embedded reader was fitted on, and how many are to a question it was fitted on."""
    labelled = {entry["key"] for entry in _lines(NEUTRAL)}
    questions: set[str] = set()
    answers: dict[str, set[str]] = defaultdict(set)
    for question, answer, _ in _followqg(followqg):
        if key_of(question, answer) in labelled:
            questions.add(question)
            answers[question].add(answer)
    for entry in [*_lines(READINGS), *_lines(NEUTRAL_PACKS)]:
        questions.add(entry["id"])
        answers[entry["id"]].add(_text(entry["answer"]))
    names = [item.question.text if item.part == PEOPLE else item.question.id for item in items]
    same = sum(item.answer in answers[name] for item, name in zip(items, names, strict=True))
    return same, sum(name in questions for name in names)


def _text(answer: str | list[str]) -> str:
    return answer.strip() if isinstance(answer, str) else " ".join(answer).strip()


def _question(entry: dict[str, Any]) -> PlannedQuestion:
    if "pack" in entry:
        return questions_in(entry["pack"])[entry["id"]]
    return known_questions()[entry["question"]]


def _followqg(path: Path) -> list[tuple[str, str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [tuple(row[name].strip() for name in ("question", "answer", "followUp")) for row in csv.DictReader(file)]
    return [(question, answer, human) for question, answer, human in rows if answer and human]


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
