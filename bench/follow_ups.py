"""Follow-ups: how often valid, grounded, on a gap, distinct, repeated, and how near to what people asked.

    viva bench follow-ups [--engine NAME ...] [--limit N]

Two sets: human interviews (VIVA_DATA/followqg/followqg.csv, where it is there) and our own held-out answers
(bench/data/held_out.jsonl). An "interview" is ten answers in a row; openings and repeats are counted within it.
Engines: embedded (the phraser), prepared (the pack's or the generic probes, in turn), retrieval (the human follow-up
of the nearest other question), model (whatever VIVA_LLM names). Writes docs/results/follow-ups.md.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent.engines.loading import choose_llm, load_model
from agent.settings import load_settings
from bench.machine import machine
from dialogue.analysis.language import overlap
from dialogue.backends.base import BackendError
from dialogue.follow_up.phraser import opening, phrase
from dialogue.follow_up.policy import Decision
from dialogue.follow_up.single_answer import decide_alone
from dialogue.follow_up.validator import SAME, grounded, validate
from dialogue.follow_up.wording import prompt_for, read_reply
from dialogue.plan.generic import generic_question
from dialogue.plan.plan import questions_of
from memory.records import PlannedQuestion
from prompts.loader import load_pack, pack_names
from tuning.evaluate.evaluate import markdown_table
from tuning.metrics import bleu, distinct, rouge_l

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
HELD_OUT = ROOT / "bench" / "data" / "held_out.jsonl"
PER_INTERVIEW = 10


@dataclass(frozen=True)
class Item:
    """An answer with its question and, if known, what people asked next."""

    question: PlannedQuestion
    answer: str
    human: tuple[str, ...] = ()


@dataclass
class Result:
    """One engine on one set. Counts over all answers after which a follow-up was due."""

    name: str
    due: int = 0
    texts: list[str] = field(default_factory=list)
    references: list[tuple[str, ...]] = field(default_factory=list)
    valid: int = 0
    grounded: int = 0
    on_gap: int = 0
    repeated: int = 0
    most_openings: int = 0
    distinct_per_interview: list[float] = field(default_factory=list)


Engine = Callable[[Decision, Item, Sequence[str]], Awaitable[str | None]]


def human_items(path: Path) -> list[Item]:
    """followQG: every answer once, with all its human follow-ups."""
    follow_ups: dict[tuple[str, str], list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.DictReader(file):
            if row["answer"].strip() and row["followUp"].strip():
                follow_ups[row["question"].strip(), row["answer"].strip()].append(row["followUp"].strip())
    return [Item(generic_question(q), a, tuple(f)) for (q, a), f in follow_ups.items()]


def held_out_items() -> list[Item]:
    """Ours: spoken-style answers to questions of the packs, written for this and used for nothing else."""
    known = {q.id: q for q in questions_of(*map(load_pack, pack_names()))}
    rows = [json.loads(line) for line in HELD_OUT.read_text("utf-8").splitlines() if line.strip()]
    return [Item(known[row["question"]], row["answer"]) for row in rows]


def decision_of(item: Item) -> Decision:
    """What the policy would ask after this answer alone."""
    return decide_alone(item.question, item.answer)


async def run(name: str, engine: Engine, items: Sequence[Item], console: Console) -> Result:
    result = Result(name)
    asked: list[str] = []
    for i, item in enumerate(track(items, f"{name}, {len(items)} answers", console=console, transient=True)):
        if i % PER_INTERVIEW == 0:
            close_interview(result, asked)
            asked = []
        decision = decision_of(item)
        if decision.act != "probe":
            continue  # the answer is complete: not asking is right
        result.due += 1
        text = await engine(decision, item, asked)
        if text is None:
            continue
        count(result, text, decision, item, asked)
        asked.append(text)
    close_interview(result, asked)
    return result


def count(result: Result, text: str, decision: Decision, item: Item, asked: Sequence[str]) -> None:
    span = decision.span.quote if decision.span else ""
    prepared = any(p.text == text for p in item.question.probes)
    verdict = validate(text, span=span, gap=text if prepared else decision.gap, earlier=asked, heard=item.answer)
    result.texts.append(text)
    result.references.append(item.human)
    result.valid += verdict.valid
    # Strict: a word shared with the answer, or the gap named. Prepared probes get no exemption here.
    result.grounded += grounded(text, span, decision.gap, item.answer)
    result.on_gap += bool(decision.gap)
    result.repeated += any(overlap(text, old) >= SAME for old in asked)


def close_interview(result: Result, asked: Sequence[str]) -> None:
    if asked:
        result.most_openings = max(result.most_openings, max(Counter(map(opening, asked)).values()))
        result.distinct_per_interview.append(distinct(asked, 2))


async def embedded(decision: Decision, item: Item, asked: Sequence[str]) -> str | None:
    return phrase(decision, heard=item.answer, earlier=asked)


async def prepared(decision: Decision, item: Item, asked: Sequence[str]) -> str | None:
    return item.question.probes[len(asked) % len(item.question.probes)].text


def retrieval(items: Sequence[Item]) -> Engine:
    """The human follow-up to the most similar answer of another question."""
    pool = [(other, text) for other in items for text in other.human[:1]]

    async def nearest(decision: Decision, item: Item, asked: Sequence[str]) -> str | None:
        others = [
            (overlap(item.answer, other.answer), text)
            for other, text in pool
            if other.question.text != item.question.text
        ]
        return max(others)[1] if others else None

    return nearest


def model_engine() -> tuple[str, Engine] | None:
    """The model that VIVA_LLM names, unaided: its output counts as it is, so that its own validity shows."""
    settings = load_settings()
    choice = choose_llm(settings)
    if choice.engine == "embedded":
        return None
    model = load_model(settings, choice)
    assert model is not None

    async def word(decision: Decision, item: Item, asked: Sequence[str]) -> str | None:
        try:
            return read_reply(await model.complete(prompt_for(decision, item.answer, asked)))
        except BackendError:
            return None

    return model.name, word


def row(result: Result, people: bool) -> list[str]:
    made = max(len(result.texts), 1)

    def share(n: float) -> str:
        return f"{100 * n / made:.1f} %"

    per = sum(result.distinct_per_interview) / max(len(result.distinct_per_interview), 1)
    cells = [
        result.name, f"{len(result.texts)} of {result.due}", share(result.valid), share(result.grounded), share(result.on_gap),
        share(result.repeated), f"{per:.2f}", f"{distinct(result.texts, 2):.2f}", str(result.most_openings),
    ]  # fmt: skip
    if people:
        cells += [f"{bleu(result.texts, result.references, n):.2f}" for n in (1, 2, 3, 4)]
        cells.append(f"{rouge_l(result.texts, result.references):.1f}")
    return cells


HEADS = [
    "engine",
    "asked",
    "valid",
    "grounded",
    "on a gap",
    "repeated",
    "distinct-2 (interview)",
    "distinct-2 (all)",
    "same opening, most",
]
PEOPLE = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L"]


def table(results: Sequence[Result], people: bool) -> list[list[str]]:
    return [HEADS + (PEOPLE if people else []), *(row(r, people) for r in results)]


async def main_async(arguments: argparse.Namespace, console: Console) -> None:
    data = Path(os.environ.get("VIVA_DATA", str(ROOT.parent / "shared" / "data"))) / "followqg" / "followqg.csv"
    sets: list[tuple[str, list[Item], bool]] = [("Our held-out answers", held_out_items(), False)]
    if data.is_file():
        sets.insert(0, ("Human interviews (followQG)", human_items(data), True))
    else:
        console.print(f"no human interviews at {data}; only our own set is measured", style="yellow")
    parts: list[str] = []
    found = model_engine()  # loaded once, for both sets
    for title, items, people in sets:
        items = items[: arguments.limit] if arguments.limit else items
        engines: dict[str, tuple[str, Engine]] = {
            "embedded": ("embedded phraser", embedded),
            "prepared": ("prepared probes", prepared),
        }
        if people:
            engines["retrieval"] = ("retrieval", retrieval(items))
        if found:
            engines["model"] = found
        wanted = arguments.engine or list(engines)
        results = [await run(*engines[name], items, console) for name in wanted if name in engines]
        rows = table(results, people)
        shown = Table(title=f"{title}: {len(items)} answers")
        for head in rows[0]:
            shown.add_column(head)
        for cells in rows[1:]:
            shown.add_row(*cells)
        console.print(shown)
        examples = [f"- {text}" for text in results[0].texts[3:40:9]] if results else []
        parts.append(
            f"## {title}\n\n{len(items)} answers.\n\n{markdown_table(rows[0], rows[1:])}\n\nSome of {wanted[0]}:\n\n"
            + "\n".join(examples)
        )
    if not arguments.limit and not arguments.engine:
        head = (
            f"# Follow-ups\n\n`viva bench follow-ups`, on {machine()}.\n\n"
            "An interview is ten answers in a row. \"Grounded\": shares a content word with the answer or names the gap. "
            "\"Repeated\": the same as one asked before in the interview. BLEU and ROUGE compare with what people asked: there are "
            "many good follow-ups to an answer, so these say how near a wording is, not how good.\n\n"
        )  # fmt: skip
        (RESULTS / "follow-ups.md").write_text(head + "\n\n".join(parts) + "\n", "utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="viva bench follow-ups", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", action="append", choices=["embedded", "prepared", "retrieval", "model"])
    parser.add_argument("--limit", type=int, default=0, help="only the first N answers of each set")
    asyncio.run(main_async(parser.parse_args(argv), Console()))


if __name__ == "__main__":
    main()
