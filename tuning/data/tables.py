"""Users' tables: CSV as spreadsheets write it, with commas, semicolons or tabs, in any common text encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prompts.user_text import NotText, read_text
from tuning.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST = 10_000_000  # characters of one field


@dataclass(frozen=True)
class Row:
    """`line`: where the row begins in the file, from 1. Cells by column (lower case, no underscores), stripped."""

    line: int
    cells: dict[str, str]


def read_table(path: Path, columns: Sequence[str], purpose: str = "") -> list[Row]:
    """The rows of a CSV that has at least `columns` (ignoring case and underscores). Raises DataError."""
    try:
        text = read_text(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except NotText as error:
        raise DataError(f"{path} is {error}; save it as CSV (UTF-8)") from error
    skipped = 0
    delimiters: tuple[str, ...] = _DELIMITERS
    if text[:4].lower() == "sep=":  # Excel's own line that declares the delimiter
        first, _, text = text.partition("\n")
        skipped, delimiters = 1, (first.strip()[4:5] or ",",)
    wanted = {_plain(name) for name in columns}
    csv.field_size_limit(_LONGEST)
    missing = wanted
    for delimiter in delimiters:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            head = [_plain(name) for name in next(reader, [])]
            without = wanted - set(head)
            if len(without) < len(missing) or delimiter == delimiters[0]:
                missing = without
            if not without:
                return _rows(reader, head, skipped)
        except csv.Error as error:
            raise DataError(f"{path} line {reader.line_num + skipped} is no CSV ({error})") from error
    named = {_plain(name): name for name in columns}
    raise DataError(
        f"{path} has no column {', '.join(sorted(named[name] for name in missing))}{purpose}; "
        f"it needs {', '.join(columns)}"
    )


def _rows(reader: object, head: Sequence[str], skipped: int) -> list[Row]:
    rows: list[Row] = []
    line = reader.line_num + 1  # type: ignore[attr-defined]
    for cells in reader:  # type: ignore[attr-defined]
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * (len(head) - len(cells))]
            rows.append(Row(line + skipped, {name: padded[i].strip() for i, name in enumerate(head) if name}))
        line = reader.line_num + 1  # type: ignore[attr-defined]
    return rows


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "")
