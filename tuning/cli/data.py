"""`viva tune data`: check the records, describe them, import more."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from rich.console import Console

from dialogue.understanding.embedded import EmbeddedReader
from tuning.data import card
from tuning.data.importers import Imported, from_csv, from_session
from tuning.data.records import DATA, CoachingRecord, FollowUpRecord, read_rows, write_rows
from tuning.data.similarity import deduplicated
from tuning.data.statistics import describe
from tuning.errors import TuneError
from tuning.places import new_file

if TYPE_CHECKING:
    from tuning.cli.output import Sessions


def data(arguments: argparse.Namespace, sessions: Sessions, console: Console) -> int:
    """Exit code 2 if a record is bad or a duplicate."""
    from tuning.cli.output import table

    if arguments.csv or arguments.sessions:
        return _import(arguments, sessions, console)
    files = arguments.file or [DATA / "follow_ups.jsonl", DATA / "coaching.jsonl"]
    bad = 0
    for path in files:
        kind: type[FollowUpRecord] | type[CoachingRecord] = CoachingRecord if "coach" in path.name else FollowUpRecord
        found_rows, problems = read_rows(path, kind)
        records: list[FollowUpRecord | CoachingRecord] = list(found_rows)
        shares = (0.7, 0.15, 0.15) if kind is CoachingRecord else (0.8, 0.1, 0.1)
        if records:
            console.print(table(path.name, ["", ""], describe(records, shares)))
        _, twice = deduplicated(records)
        problems += [f"{path.name}: {a.id} is nearly {b.id}; remove one" for a, b in twice]
        for line in problems:
            console.print(line, style="red", markup=False)
        bad += len(problems)
    if arguments.card:
        console.print(f"written: {card.write()}")
    return 2 if bad else 0


def _import(arguments: argparse.Namespace, sessions: Sessions, console: Console) -> int:
    if not arguments.out:
        raise TuneError("say where the imported records go: --out FILE.jsonl")
    new_file(arguments.out)
    found = Imported()
    if arguments.csv:
        part = asyncio.run(from_csv(arguments.csv, EmbeddedReader(), clean=not arguments.raw))
        found.records += part.records
        found.left_out += part.left_out
    for name, events in sessions() if arguments.sessions else []:
        part = from_session(name, events)
        found.records += part.records
        found.left_out += part.left_out
    kept, twice = deduplicated(found.records)
    if kept:
        write_rows(arguments.out, kept)
    for line in found.left_out[:10]:
        console.print(f"left out: {line}", style="yellow", markup=False)
    more = f" (the first 10 are shown of {len(found.left_out)})" if len(found.left_out) > 10 else ""
    console.print(
        f"{len(kept)} records in {arguments.out}; {len(found.left_out)} left out{more}, {len(twice)} near-duplicates removed"
    )
    if arguments.sessions and kept:
        console.print("Read them before you train: names that only the candidate knows cannot be found by rule.")
    return 0
