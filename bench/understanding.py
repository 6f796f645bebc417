"""How well answers are understood, on sets that other hands wrote: acts, private matters, key points and probes; and the cost.

    python -m bench.understanding [--reader embedded|model]

Sets (bench/data/understanding): acts.jsonl (what a candidate says and the one act to deal with), wall.jsonl (private sentences
and near ones), points.jsonl (two blind readers' marks of key points and probes on answers to questions that the reader's model
never saw). None was used to train, to set a threshold or to write a rule. Writes docs/results/understanding.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.machine import machine
from bench.shares import kappa, share
from dialogue.manager.wishes import wish_of
from dialogue.plan.plan import questions_of
from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.reader import Answer
from dialogue.understanding.wall import LOGISTICS
from memory.records import PlannedQuestion, untimed
from prompts.loader import load_pack, pack_names
from tuning.evaluate.evaluate import markdown_table

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "bench" / "data" / "understanding"
RESULT = ROOT / "docs" / "results" / "understanding.md"
DIVERTS = frozenset(["end", "skip", "later", "person", "wrong", "consent_worry", "other_language", "distress"])
# Acts that get the same reply: to take one for the other costs the candidate nothing.
SAME = {
    "break": "time",
    "swearing": "complaint",
    "small_talk": "greeting",
    "inject": "answer",
    "correct": "answer",
    "backchannel": "confirm",
}


def rows(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()] if path.is_file() else []


def acts_part(reader: EmbeddedReader) -> list[str]:
    """Per group: right by the exact act, and right by what the candidate gets for it."""
    exact: Counter[str] = Counter()
    alike: Counter[str] = Counter()
    total: Counter[str] = Counter()
    diverted = 0
    for row in rows("acts.jsonl"):
        found = wish_of(reader.acts(untimed(row["text"]))).act
        group = "answers with trigger words" if row["act"] == "answer" else "other acts"
        total[group] += 1
        exact[group] += found == row["act"]
        alike[group] += SAME.get(found, found) == SAME.get(row["act"], row["act"])
        diverted += row["act"] == "answer" and found in DIVERTS
    table = []
    for group in sorted(total):
        table.append([group, str(total[group]), share(exact[group], total[group]), share(alike[group], total[group])])
    n, e, a = (sum(c.values()) for c in (total, exact, alike))
    table.append(["all", str(n), share(e, n), share(a, n)])
    answers = total["answers with trigger words"]
    heads = ["utterances", "n", "the very act", "the same reply"]
    return [
        "## Acts",
        "",
        markdown_table(heads, table),
        "",
        f"Ended, skipped or diverted by a word in an answer: {diverted} of {answers}.",
        "",
    ]


def wall_part(reader: EmbeddedReader) -> list[str]:
    """What got through, and what was left out without need."""
    question = questions_of(load_pack("phone-screen"))[0]
    through: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for row in rows("wall.jsonl"):
        reading = reader.read_now(Answer(question, untimed(row["text"])))
        private = any(p.kind != LOGISTICS for p in reading.private)
        group = "private" if row["private"] else "near, but work"
        total[group] += 1
        through[group] += not private
    table = [[group, str(n), share(through[group], n)] for group, n in sorted(total.items())]
    return [
        "## The wall around what is nobody's business",
        "",
        markdown_table(["sentences", "n", "let through"], table),
        "",
    ]


def points_part(reader: EmbeddedReader) -> list[str]:
    """Against two blind readers, where both agree."""
    marked = rows("points.jsonl")
    if not marked:
        return []
    known = {(name, q.id): q for name in pack_names() for q in questions_of(load_pack(name))}
    said: Counter[tuple[str, str]] = Counter()
    pairs: dict[str, list[tuple[str, str]]] = {"points": [], "probes": []}
    for row in marked:
        question = known[row["pack"], row["id"]]
        reading = reader.read_now(Answer(question, untimed(row["answer"])))
        for kind, states in (
            ("points", [p.state for p in reading.points]),
            ("probes", [p.state for p in reading.probes]),
        ):
            for state, (one, two) in zip(states, zip(*row[kind], strict=True), strict=True):
                pairs[kind].append((one, two))
                if one == two:
                    said[state, one] += 1
    table = []
    for state in ("said", "contradicted", "answered", "beside"):
        of = {label: n for (s, label), n in said.items() if s == state}
        n = sum(of.values())
        table.append(
            [state, str(n), share(of.get(state, 0), n), ", ".join(f"{k} {v}" for k, v in sorted(of.items())) or "–"]
        )
    agreement = [
        f"{kind}: {sum(a == b for a, b in p) / len(p):.0%} alike, kappa {kappa(p):.2f} (n {len(p)})"
        for kind, p in pairs.items()
    ]
    recall = said["said", "said"], sum(n for (_, label), n in said.items() if label == "said")
    return [
        "## Key points and probes", "",
        markdown_table(["the reader says", "n", "right", "what both readers marked"], table), "",
        f"Of the points that both readers marked as said, {share(*recall)} are found. The two readers: {'; '.join(agreement)}.", "",
    ]  # fmt: skip


def cost_part(reader_of: type[EmbeddedReader]) -> list[str]:
    """CPU seconds of one core: a whole answer at once, and each growing piece of it."""
    known: Sequence[PlannedQuestion] = [q for name in pack_names() for q in questions_of(load_pack(name))]
    by_id = {q.id: q for q in known}
    whole: list[float] = []
    grown: list[float] = []
    for row in rows("answers.jsonl")[:60]:
        words = untimed(row["answer"])
        question = by_id[row["id"]]
        fresh = reader_of()
        start = time.thread_time()
        fresh.read_now(Answer(question, words))
        whole.append(time.thread_time() - start)
        growing = reader_of()
        for end in range(12, len(words), 12):
            start = time.thread_time()
            growing.read_now(Answer(question, words[:end]))
            grown.append(time.thread_time() - start)
    if not whole:
        return []

    def ms(values: Sequence[float], part: float) -> str:
        return f"{1000 * sorted(values)[round(part * (len(values) - 1))]:.0f} ms"

    table = [
        ["a whole answer, all at once", str(len(whole)), ms(whole, 0.5), ms(whole, 0.9), ms(whole, 1.0)],
        ["a partial answer, as it grows", str(len(grown)), ms(grown, 0.5), ms(grown, 0.9), ms(grown, 1.0)],
    ]
    return [
        "## What it costs",
        "",
        "CPU time of one core.",
        "",
        markdown_table(["reading", "n", "median", "90 %", "most"], table),
        "",
    ]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    reader = EmbeddedReader()
    lines = [
        "# Understanding", "", f"`python -m bench.understanding` on {machine()}.", "",
        "Reader: embedded. The sets were written by other hands than the training data and the rules; intervals are 95 % (Wilson).", "",
        *acts_part(reader), *wall_part(reader), *points_part(reader), *cost_part(EmbeddedReader),
    ]  # fmt: skip
    asked.out.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    Console().print("\n".join(lines), markup=False)


if __name__ == "__main__":
    asyncio.run(main())
