"""A sheet for people to mark follow-ups by hand, blind to the system, and the agreement of two filled ones."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning.agreement import cohen_kappa
from tuning.error_analysis import CATEGORIES
from tuning.records import DataError, FollowUpRecord

HEAD = ("item", "question", "answer", "follow_up", "error", "relevance_1_to_5")


def write_sheet(
    path: Path, records: Sequence[FollowUpRecord], texts: Mapping[str, Sequence[str | None]], *, seed: int = 0, most: int = 100
) -> Path:  # fmt: skip
    """A CSV with items of all systems in mixed order, and the key that says which is whose beside it.

    `texts`: system to its follow-ups, in the order of the records. Fill in `error` (a category, or nothing) and
    `relevance_1_to_5`. Returns the key's path.
    """
    items = [(system, r, t) for system, found in texts.items() for r, t in zip(records, found, strict=True)]
    random.Random(seed).shuffle(items)
    key = path.with_name(f"{path.stem}.key.csv")
    with path.open("w", encoding="utf-8", newline="") as sheet, key.open("w", encoding="utf-8", newline="") as secret:
        rows, keys = csv.writer(sheet), csv.writer(secret)
        rows.writerow(HEAD)
        keys.writerow(("item", "system", "record"))
        for n, (system, record, text) in enumerate(items[:most], 1):
            rows.writerow((n, record.question, record.answer, text or "", "", ""))
            keys.writerow((n, system, record.id))
    legend = "\n".join(f"{name}: {rule}" for name, rule in CATEGORIES.items())
    path.with_name(f"{path.stem}.categories.txt").write_text(legend + "\n", "utf-8")
    return key


def agreement(first: Path, second: Path) -> tuple[float, int]:
    """Cohen's kappa of the error column of two filled sheets, and the number of items both marked."""
    a, b = _marks(first), _marks(second)
    both = sorted(a.keys() & b.keys())
    if not both:
        raise DataError(
            f"{first.name} and {second.name} have no marked item in common; fill the column `error` or `relevance_1_to_5`"
        )
    return cohen_kappa([a[i] for i in both], [b[i] for i in both]), len(both)


def _marks(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if rows and not {"item", "error", "relevance_1_to_5"} <= set(rows[0]):
        raise DataError(f"{path} is no marking sheet; it needs the columns item, error, relevance_1_to_5")
    known = set(CATEGORIES) | {""}
    found: dict[str, str] = {}
    for row in rows:
        mark = (row["error"] or "").strip().lower()
        if mark not in known:
            raise DataError(f"{path.name} item {row['item']}: unknown error {mark!r}; known: {', '.join(CATEGORIES)}")
        if mark or (row["relevance_1_to_5"] or "").strip():  # a row without any mark was not looked at
            found[row["item"]] = mark
    return found
