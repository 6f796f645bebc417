"""Two readers' marks of a blind sheet, put beside its key: how many follow-ups are usable, and how far the readers agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.shares import kappa, share
from tuning.data.tables import read_table
from tuning.errors import DataError
from tuning.evaluate.evaluate import markdown_table

MARKS = ("good", "acceptable", "odd", "wrong", "already said", "nonsense", "harmful")
USABLE = frozenset(("good", "acceptable"))

Marks = Mapping[int, str]


def read_key(folder: Path) -> dict[str, Any]:
    """The key of a sheet. Raises DataError if the folder holds none."""
    try:
        key: dict[str, Any] = json.loads((folder / "key.json").read_text("utf-8"))
        if not key["rows"]:
            raise ValueError("no rows")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} holds no sheet (key.json: {error}); `viva bench follow-ups --sheet {folder}` writes one"
        ) from error
    return key


def read_marks(path: Path, rows: Iterable[int]) -> dict[int, str]:
    """A reader's mark of every row. Raises DataError naming the line of a mark that is none, or the rows without one."""
    wanted = set(rows)
    found: dict[int, str] = {}
    for entry in read_table(path, ("row", "mark"), " of marks"):
        number, mark = entry.cells["row"], " ".join(entry.cells["mark"].lower().replace("_", " ").split())
        where = f"{path.name} line {entry.line}"
        if not number.isascii() or not number.isdigit() or int(number) not in wanted:
            raise DataError(f"{where}: the sheet has no row {number!r}; it has {min(wanted)} to {max(wanted)}")
        if not mark:
            continue
        if mark not in MARKS:
            raise DataError(f"{where}: {mark!r} is no mark; the marks are {', '.join(MARKS)}")
        if int(number) in found:
            raise DataError(f"{where}: row {number} is marked twice; leave one of them")
        found[int(number)] = mark
    if missing := sorted(wanted - found.keys()):
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise DataError(f"{path.name} has no mark for row {', '.join(map(str, missing[:5]))}{more}; mark every row")
    return found


def report(key: Mapping[str, Any], first: Marks, second: Marks, readers: str) -> str:
    """The results as Markdown. `readers`: who marked, in words."""
    rows = {int(number): row for number, row in key["rows"].items()}
    made = key["made"]
    parts = [
        f"# Follow-ups, marked blindly\n\n`viva bench follow-ups --sheet`, then `--marks`; seed {made['seed']}, on {made['machine']}.\n\n"
        f"{readers} marked {len(rows)} follow-ups by [the guide](../../bench/data/follow_up_guide.md) without knowing who asks. *Usable*: "
        "good or acceptable. In brackets: 95 % (Wilson). Where engines ask the same after an answer, its row counts for each. Human "
        "follow-ups are shown as they were written, slips and all.",
        "## Fitted on what\n\n" + "\n".join(f"- {line}" for line in made["fitted"]),
    ]
    sets = list(dict.fromkeys(row["set"] for row in rows.values()))
    for part in sets:
        parts.append(f"## {part[:1].upper()}{part[1:]}\n\n" + _set_tables(key, rows, part, first, second))
    scopes = {"all": list(rows)} | {part: [n for n in rows if rows[n]["set"] == part] for part in sets if len(sets) > 1}
    heads = ["rows", "number", "both usable or both not", "kappa", "same mark", "kappa (seven marks)"]
    body = [[name, str(len(numbers)), *_agreement(numbers, first, second)] for name, numbers in scopes.items()]
    parts.append("## How far the readers agree\n\n" + markdown_table(heads, body) + "\n\nKappa: Cohen 1960.")
    return "\n\n".join(parts) + "\n"


def _set_tables(key: Mapping[str, Any], rows: Mapping[int, Any], part: str, first: Marks, second: Marks) -> str:
    of_engine: dict[str, list[int]] = {}
    for number, row in sorted(rows.items()):
        if row["set"] == part:
            for engine in row["engines"]:
                of_engine.setdefault(engine, []).append(number)
    skipped = key["skipped"].get(part, {})
    for engine in skipped:  # one that never asked has no rows, and stands in the table all the same
        of_engine.setdefault(engine, [])
    shares, marks = [], []
    for engine in sorted(of_engine):
        numbers = of_engine[engine]
        one = sum(first[n] in USABLE for n in numbers)
        two = sum(second[n] in USABLE for n in numbers)
        both = sum(first[n] in USABLE and second[n] in USABLE for n in numbers)
        harmful = sum("harmful" in (first[n], second[n]) for n in numbers)
        shares.append([
            engine, str(len(numbers)), str(skipped.get(engine, 0)), *(share(hits, len(numbers)) for hits in (one, two, both)), str(harmful)
        ])  # fmt: skip
        a, b = Counter(first[n] for n in numbers), Counter(second[n] for n in numbers)
        marks.append([engine, *(f"{a[mark]} / {b[mark]}" for mark in MARKS)])
    heads = ["engine", "n", "did not ask", "usable, reader 1", "usable, reader 2", "usable, both", "harmful, either"]
    return (
        markdown_table(heads, shares)
        + "\n\nMarks, reader 1 / reader 2:\n\n"
        + markdown_table(["engine", *MARKS], marks)
    )


def _agreement(numbers: Sequence[int], first: Marks, second: Marks) -> list[str]:
    a, b = [first[n] for n in numbers], [second[n] for n in numbers]
    usable_a, usable_b = [m in USABLE for m in a], [m in USABLE for m in b]
    cells: list[str] = []
    for x, y in ((usable_a, usable_b), (a, b)):
        pairs = list(zip(x, y, strict=True))
        cells += [f"{100 * sum(p == q for p, q in pairs) / len(pairs):.0f} %", f"{kappa(pairs):.2f}"]
    return cells
