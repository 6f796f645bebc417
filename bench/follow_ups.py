"""Are the follow-ups any good? People say so, blindly: a sheet for two readers, and what their marks come to.

    viva bench follow-ups --sheet FOLDER [--answers FILE.jsonl] [--limit N] [--seed S]
    viva bench follow-ups --marks FOLDER marks1.tsv marks2.tsv

Two sets of answers: human interviews (VIVA_DATA/followqg/followqg.csv, where it is there; only the questions that no part of the
embedded reader was fitted on, one in three by the hash of their text), and answers to questions of our packs (--answers, or
bench/data/held_out.jsonl). Engines on each answer: embedded (the embedded reader, the policy, the author's words), first authored
(the question's first probe, unread), human (what a person asked), and model (as in a call with what VIVA_LLM names).

--sheet writes FOLDER/sheet.tsv and guide.md for the readers, and key.json, which is not for them. --marks takes the two readers' files
(row, mark) and writes docs/results/follow-ups.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agent.engines.loading import choose_llm, load_model
from agent.engines.readers import reader_for
from agent.settings import load_settings
from bench.follow_up_answers import HELD_OUT, OURS, PEOPLE, ROOT, Item, human_items, own_items, seen_in_training
from bench.marks import read_key, read_marks, report
from bench.sheet import (
    EMBEDDED,
    FIRST,
    HUMAN,
    Engine,
    embedded,
    first_authored,
    human,
    modelled,
    rows_of,
    sample,
    write_sheet,
)
from dialogue.understanding.embedded import EmbeddedReader
from tuning.places import new_folder

RESULTS = ROOT / "docs" / "results" / "follow-ups.md"


async def make_sheet(arguments: argparse.Namespace, console: Console) -> None:
    """Ask every engine, and write the folder."""
    new_folder(arguments.sheet)
    followqg = Path(os.environ.get("VIVA_DATA", str(ROOT.parent / "shared" / "data"))) / "followqg" / "followqg.csv"
    parts = {PEOPLE: human_items(followqg), OURS: own_items(arguments.answers or HELD_OUT)}
    if not parts[PEOPLE]:
        console.print(f"no human interviews at {followqg}; only our own answers are asked about", style="yellow")
    chosen = {name: sample(items, arguments.limit, arguments.seed) for name, items in parts.items() if items}
    items = [item for part in chosen.values() for item in part]
    reader = EmbeddedReader()
    engines: dict[str, Engine] = {EMBEDDED: embedded(reader), FIRST: first_authored, HUMAN: human}
    about: dict[str, object] = {"reader": reader.name, "fitted": fitted(chosen, followqg)}
    settings = load_settings()
    model = load_model(settings, choose_llm(settings))
    if model is not None:
        engines["model"] = modelled(model, reader_for(settings, model), settings.llm_deadline)
        about["model"] = model.name
    try:
        rows, skipped = await rows_of(items, engines)
    finally:
        if model is not None:
            await model.close()
    write_sheet(arguments.sheet, rows, skipped, seed=arguments.seed, about=about)
    told = f"{len(rows)} follow-ups after {len(items)} answers: {arguments.sheet}/sheet.tsv and guide.md are for two readers"
    console.print(f"{told}; keep key.json from them", markup=False, soft_wrap=True)


def fitted(chosen: dict[str, list[Item]], followqg: Path) -> list[str]:
    """For the report: what the embedded reader was fitted on, and what of the sets it had seen, counted."""
    lines = [
        "embedded: the reader's weights and thresholds were fitted on tuning/data/reading: written answers to questions of the packs, and "
        "labels of neutral probes after these and after followQG's answers to two questions in three. The probes are their authors'.",
        "first authored, human: nothing was fitted.",
    ]
    for name, items in chosen.items():
        same, known = seen_in_training(items, followqg)
        lines.append(
            f"{name}: {len(items)} answers to {len({i.question.text for i in items})} questions; {same} of the answers are among the "
            f"reader's own, {known} are to a question that it was fitted on."
        )
    return lines


def count_marks(arguments: argparse.Namespace, console: Console) -> None:
    """Print the results, and write them."""
    folder, first, second = map(Path, arguments.marks)
    key = read_key(folder)
    rows = [int(number) for number in key["rows"]]
    text = report(key, read_marks(first, rows), read_marks(second, rows), arguments.readers)
    RESULTS.write_text(text, "utf-8")
    console.print(text, markup=False, soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="viva bench follow-ups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sheet", type=Path, metavar="FOLDER", help="write a sheet there; the folder must be new")
    what.add_argument("--marks", nargs=3, metavar=("FOLDER", "MARKS1", "MARKS2"), help="count two readers' marks")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="JSONL of answers to packs, instead of our own")
    parser.add_argument(
        "--limit", type=int, default=0, metavar="N", help="only N answers of each set, drawn by the seed"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", default="Two readers", help="who marked, in words, for the results")
    arguments = parser.parse_args(argv)
    console = Console()
    if arguments.marks:
        count_marks(arguments, console)
    else:
        asyncio.run(make_sheet(arguments, console))


if __name__ == "__main__":
    main()
