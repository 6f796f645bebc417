"""Train, validation and test by question: several records share a question, so splitting by row would leak."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from tuning.config import TrainConfig
from tuning.data.readings import READINGS, ReadingRecord, load_readings
from tuning.data.records import CoachingRecord, FollowUpRecord, load_coaching, load_follow_ups

R = TypeVar("R", bound=FollowUpRecord | CoachingRecord | ReadingRecord)


def split(records: Sequence[R], shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0) -> tuple[list[R], ...]:
    """As many lists as shares. A question's place depends on its text and the seed alone: new ones move no old one."""
    bounds = [sum(shares[: i + 1]) / sum(shares) for i in range(len(shares))]
    parts: tuple[list[R], ...] = tuple([] for _ in shares)
    for record in records:
        at = _place(record.question, seed)
        parts[next((i for i, bound in enumerate(bounds) if at < bound), len(bounds) - 1)].append(record)
    return parts


def _place(question: str, seed: int) -> float:
    return place(f"{seed}\n{' '.join(question.lower().split())}")


def place(text: str) -> float:
    """Where a text falls in 0..1, by its hash alone."""
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def follow_up_parts(config: TrainConfig) -> tuple[list[FollowUpRecord], ...]:
    """The training, validation and test parts of a config's follow-ups; the last is the frozen set."""
    every = load_follow_ups(Path(config.data)) if config.data else load_follow_ups()
    return split(every, config.splits, config.split_seed)


def coaching_parts(config: TrainConfig) -> tuple[list[CoachingRecord], ...]:
    """The same for the coaching records."""
    return split(load_coaching(), config.splits, config.split_seed)


def reading_parts(config: TrainConfig) -> tuple[list[ReadingRecord], ...]:
    """The same for answers to be read."""
    return split(load_readings(Path(config.data or READINGS)), config.splits, config.split_seed)


def fingerprint(records: Sequence[FollowUpRecord | CoachingRecord | ReadingRecord]) -> str:
    """Identifies a set of records: the same records in any order give the same fingerprint."""
    lines = sorted(record.model_dump_json() for record in records)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
