"""Systems side by side on the frozen set: every reply is kept, and every number can be recomputed from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.progress import track

from dialogue.follow_up.validator import validate
from tuning.data.records import FollowUpRecord
from tuning.data.splits import fingerprint
from tuning.evaluate.error_analysis import BY_RULE, category_of
from tuning.evaluate.significance import compare, interval
from tuning.evaluate.systems import System
from tuning.metrics import bleu, bleu_signature, distinct, exact_match, meteor, rouge, self_bleu, sentence_bleu

Embed = Callable[[Sequence[str]], Any]  # texts to unit vectors, one per row


@dataclass
class Result:
    """One system's results, item by item in the set's order."""

    name: str
    raws: list[str] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    valid: list[bool] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    bleu: list[float] = field(default_factory=list)
    rouge_l: list[float] = field(default_factory=list)
    meteor: list[float] = field(default_factory=list)
    similarity: list[float] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)  # memory, JSON validity and the like, where measured

    def summary(self, references: Sequence[str]) -> dict[str, float]:
        """The row of the table. Shares and scores 0..100; seconds; distinct-n 0..1. A missing reply scores 0."""
        said = [t or "" for t in self.texts]
        pairs = [[r] for r in references]
        row = {f"BLEU-{n}": bleu(said, pairs, n) for n in (1, 2, 3, 4)}
        row |= {"ROUGE-1": mean(rouge(said, pairs, "rouge1")), "ROUGE-2": mean(rouge(said, pairs, "rouge2"))}
        row |= {
            "ROUGE-L": mean(self.rouge_l), "METEOR": mean(self.meteor),
            "exact": 100 * mean(exact_match(t, r) for t, r in zip(said, pairs, strict=True)),
            "valid": 100 * mean(self.valid),
            "distinct-1": distinct(said, 1), "distinct-2": distinct(said, 2), "self-BLEU": self_bleu(said),
            "p50 s": median(self.seconds), "p95 s": sorted(self.seconds)[int(0.95 * (len(self.seconds) - 1))],
        }  # fmt: skip
        if self.similarity:
            row["similarity"] = 100 * mean(self.similarity)
        return row | self.extra


async def run(
    system: System, records: Sequence[FollowUpRecord], console: Console, embed: Embed | None = None
) -> Result:
    """Ask a system for every record, and score its replies against the references."""
    result = Result(system.name)
    for record in track(records, f"{system.name}, {len(records)} records", console=console, transient=True):
        reply = await system.ask(record)
        text = reply.text or ""
        verdict = validate(text, earlier=[record.question])
        result.raws.append(reply.raw)
        result.texts.append(reply.text)
        result.seconds.append(reply.seconds)
        result.valid.append(verdict.valid)
        result.categories.append(category_of(record, reply.text))
        result.bleu.append(sentence_bleu(text, [record.follow_up]))
        result.rouge_l.append(rouge([text], [[record.follow_up]])[0])
        result.meteor.append(meteor(text, [record.follow_up]))
    if embed is not None:
        said = embed([t or " " for t in result.texts])
        meant = embed([r.follow_up for r in records])
        result.similarity = [max(0.0, float(x)) for x in (said * meant).sum(axis=1)]
    return result


def to_json(results: Sequence[Result], records: Sequence[FollowUpRecord], made: dict[str, Any]) -> dict[str, Any]:
    """Everything, for the gate and for checking: summaries, comparisons, replies."""
    references = [r.follow_up for r in records]
    first = results[0]
    return {
        "made": made,
        "frozen_set": {"records": len(records), "fingerprint": fingerprint(records)},
        "bleu_signature": bleu_signature(),
        "meteor": "nltk, exact and stem matches only (no synonyms)",
        "systems": {
            r.name: {
                "summary": {k: round(v, 4) for k, v in r.summary(references).items()},
                "rouge_l_interval": [round(x, 2) for x in interval(r.rouge_l)],
                "errors": dict(Counter(c for c in r.categories if c)),
                "items": [
                    {"id": rec.id, "text": t, "valid": v, "category": c, "bleu": round(b, 3), "rouge_l": round(x, 3), "seconds": round(s, 4)}
                    for rec, t, v, c, b, x, s in zip(records, r.texts, r.valid, r.categories, r.bleu, r.rouge_l, r.seconds, strict=True)
                ],
            }
            for r in results
        },
        "against_first": {
            r.name: {metric: vars(compare(getattr(first, metric), getattr(r, metric))) for metric in ("rouge_l", "bleu")}
            for r in results[1:]
        },
    }  # fmt: skip


def markdown(results: Sequence[Result], records: Sequence[FollowUpRecord]) -> str:
    """Table, paired tests against the first system, errors, cases: for docs/results/tuning.md and for people."""
    references = [r.follow_up for r in records]
    rows = {r.name: r.summary(references) for r in results}
    heads = list(dict.fromkeys(k for row in rows.values() for k in row))
    parts = [
        markdown_table(
            ["system", *heads], [[name, *(_show(h, row.get(h)) for h in heads)] for name, row in rows.items()]
        )
    ]
    if len(results) > 1:
        lines = []
        for r in results[1:]:
            c = compare(results[0].rouge_l, r.rouge_l)
            lines.append(
                [
                    r.name,
                    f"{c.difference:+.1f}",
                    f"{c.low:+.1f} to {c.high:+.1f}",
                    f"{c.p_randomization:.4f}",
                    f"{c.p_t_test:.4f}",
                ]
            )
        heads = [
            "system",
            "difference",
            "95 % (paired bootstrap)",
            "p (approximate randomization)",
            "p (paired t-test)",
        ]
        parts.append(f"ROUGE-L against {results[0].name}, item by item:\n\n" + markdown_table(heads, lines))
    errors = {r.name: Counter(r.categories) for r in results}
    body = [[f"{name}: {rule}", *(str(errors[r.name][name]) for r in results)] for name, rule in BY_RULE.items()]
    parts.append("Errors by rule, the most serious one of each reply:\n\n" + markdown_table(["error", *rows], body))
    parts.append("Cases:\n\n" + _cases(results, records))
    return "\n\n".join(parts)


def _cases(results: Sequence[Result], records: Sequence[FollowUpRecord], most: int = 6) -> str:
    step = max(1, len(records) // most)
    lines = []
    for i in range(0, len(records), step)[:most]:
        r = records[i]
        lines.append(
            [
                r.probe.replace("_", " "),
                r.answer[:160],
                r.follow_up,
                *((x.texts[i] or "(nothing usable)") for x in results),
            ]
        )
    return markdown_table(["probe", "answer", "reference", *(x.name for x in results)], lines)


def _show(head: str, value: float | None) -> str:
    if value is None:
        return "–"
    if head.endswith(" s"):
        return f"{value:.3f}"
    return f"{value:.2f}" if head.startswith("distinct") else f"{value:.1f}"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a Markdown file; bars become slashes, since they would end the cell."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(c.split()).replace("|", "/") for c in cells) + " |"

    return "\n".join([line(heads), "|" + "---|" * len(heads), *map(line, rows)])
