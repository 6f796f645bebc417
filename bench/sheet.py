"""The blind sheet: follow-ups of several engines after the same answers, in mixed order, for two readers to mark.

`sheet.tsv` and `guide.md` are for the readers, `key.json` is not: it says whose each row is. Where engines ask the same after an
answer, the follow-up is one row and its mark counts for each of them.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.follow_up_answers import ROOT, Item
from bench.machine import machine
from dialogue.backends.base import LanguageModel
from dialogue.follow_up.single_answer import decide_alone
from dialogue.follow_up.wording import word
from dialogue.understanding.reader import Answer, Reader
from dialogue.understanding.whole import public_words
from memory.records import untimed

GUIDE = ROOT / "bench" / "data" / "follow_up_guide.md"
HEAD = ("row", "question", "answer", "follow_up")
EMBEDDED, FIRST, HUMAN = "embedded", "first authored", "human"

Engine = Callable[[Item], Awaitable[str | None]]  # None: it decides not to probe


@dataclass(frozen=True)
class Row:
    """A follow-up after an answer, and who asks it."""

    item: Item
    text: str
    engines: tuple[str, ...]


def embedded(reader: Reader) -> Engine:
    """The policy with a reader on this machine, and the author's words: Vivavoce without a language model."""

    async def ask(item: Item) -> str | None:
        decision = await decide_alone(item.question, item.answer, reader)
        return decision.probe.text if decision.probe else None

    return ask


async def first_authored(item: Item) -> str | None:
    """The question's first probe, whatever the answer was: what reading is worth shows beside it."""
    return item.question.probes[0].text


async def human(item: Item) -> str | None:
    """What a person asked after this answer."""
    return item.human


def modelled(model: LanguageModel, reader: Reader, deadline: float) -> Engine:
    """As in a call with a language model: it reads, and its own words are taken where it finds them better."""

    async def ask(item: Item) -> str | None:
        decision = await decide_alone(item.question, item.answer, reader)
        if decision.probe is None:
            return None
        words = untimed(item.answer)
        heard = " ".join(w.text for w in public_words(words, await reader.read(Answer(item.question, words))))
        wording = await word(decision, heard=heard, earlier=[item.question.text], model=model, deadline=deadline)
        return wording.text if wording else None

    return ask


async def rows_of(items: Sequence[Item], engines: dict[str, Engine]) -> tuple[list[Row], dict[str, Counter[str]]]:
    """All rows, and for each set how often each engine decided not to probe. The human engine has nothing where no person asked."""
    rows: list[Row] = []
    skipped: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        asked: dict[str, list[str]] = defaultdict(list)
        for name, engine in engines.items():
            if name == HUMAN and not item.human:
                continue
            text = await engine(item)
            if text is None:
                skipped[item.part][name] += 1
            else:
                asked[" ".join(text.split())].append(name)
        rows += [Row(item, text, tuple(names)) for text, names in asked.items()]
    return rows, dict(skipped)


def sample(items: Sequence[Item], limit: int, seed: int) -> list[Item]:
    """At most `limit` of them (0: all), drawn by the seed."""
    return list(items) if not limit or limit >= len(items) else random.Random(seed).sample(list(items), limit)


def write_sheet(
    folder: Path, rows: Sequence[Row], skipped: dict[str, Counter[str]], *, seed: int, about: dict[str, Any]
) -> None:
    """Write the three files. `about`: what the report says of how they were made."""
    mixed = list(rows)
    random.Random(seed).shuffle(mixed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sheet.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(HEAD)
        for number, row in enumerate(mixed, 1):
            writer.writerow((number, row.item.question.text, " ".join(row.item.answer.split()), row.text))
    key = {
        "note": "Says whose each row is: not to be shown to readers before they have marked.",
        "made": {"machine": machine(), "seed": seed, **about},
        "skipped": {part: dict(counts) for part, counts in skipped.items()},
        "rows": {
            str(n): {"set": r.item.part, "answer": r.item.id, "engines": list(r.engines)}
            for n, r in enumerate(mixed, 1)
        },
    }
    (folder / "key.json").write_text(json.dumps(key, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shutil.copyfile(GUIDE, folder / "guide.md")
