"""A sheet for people to mark follow-ups by hand, blind to the system, and the agreement of two completed ones."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tuning.data.records import FollowUpRecord
from tuning.data.tables import read_table
from tuning.errors import DataError
from tuning.evaluate.annotator_agreement import cohen_kappa
from tuning.evaluate.error_analysis import CATEGORIES

HEAD = ("item", "question", "answer", "follow_up", "error", "relevance_1_to_5")


def write_sheet(
    path: Path, records: Sequence[FollowUpRecord], texts: Mapping[str, Sequence[str | None]], *, seed: int = 0, most: int = 100
) -> Path:  # fmt: skip
    """A CSV with items from all systems in mixed order, and beside it the key that says which is whose.

    `texts`: system to its follow-ups, in the order of the records. People fill in `error` (a category, or nothing) and
    `relevance_1_to_5`. Returns the key's path.
    """
    items = [(system, r, t) for system, found in texts.items() for r, t in zip(records, found, strict=True)]
    random.Random(seed).shuffle(items)
    key = path.with_name(f"{path.stem}.key.csv")
    # With a byte-order mark, by which Excel recognises UTF-8; read_table strips it.
    with (
        path.open("w", encoding="utf-8-sig", newline="") as sheet,
        key.open("w", encoding="utf-8-sig", newline="") as secret,
    ):
        rows, keys = csv.writer(sheet), csv.writer(secret)
        rows.writerow(HEAD)
        keys.writerow(("item", "system", "record"))
        for n, (system, record, text) in enumerate(items[:most], 1):
            rows.writerow((n, record.question, record.answer, text or "", "", ""))
            keys.writerow((n, system, record.id))
    legend = "\n".join(f"{name}: {rule}" for name, rule in CATEGORIES.items())
    path.with_name(f"{path.stem}.categories.txt").write_text(legend + "\n", "utf-8")
    return key


def check_sheet(path: Path) -> None:
    """Raises DataError if writing would overwrite a sheet that somebody has begun to fill in."""
    try:
        filled = path.exists() and bool(_marks(path))
    except DataError:  # a different file, or filled in with a mistake
        filled = True
    if filled:
        raise DataError(f"{path} has been filled in by hand; choose another --out, or move it away")


def agreement(first: Path, second: Path) -> tuple[float, int]:
    """Cohen's kappa of the error columns of two completed sheets, and the number of items both marked."""
    a, b = _marks(first), _marks(second)
    both = sorted(a.keys() & b.keys())
    if not both:
        raise DataError(
            f"{first.name} and {second.name} have no marked item in common; fill the column `error` or `relevance_1_to_5`"
        )
    return cohen_kappa([a[i] for i in both], [b[i] for i in both]), len(both)


def _marks(path: Path) -> dict[str, str]:
    rows = [row.cells for row in read_table(path, ("item", "error", "relevance_1_to_5"), " of a marking sheet")]
    known = set(CATEGORIES) | {""}
    found: dict[str, str] = {}
    for row in rows:
        mark = row["error"].lower()
        if mark not in known:
            raise DataError(f"{path.name} item {row['item']}: unknown error {mark!r}; known: {', '.join(CATEGORIES)}")
        if mark or row["relevance1to5"]:  # a row without any mark was not looked at
            found[row["item"]] = mark
    return found
