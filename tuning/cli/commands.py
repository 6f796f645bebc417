"""What each command of `viva tune` does: thin layers over the parts that do the work."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from rich.console import Console

from dialogue.follow_up.wording import AUTHORED
from dialogue.state import fold
from tuning.config import TrainConfig, load_config
from tuning.data.records import CoachingRecord, FollowUpRecord, load_follow_ups
from tuning.data.splits import coaching_parts, fingerprint, follow_up_parts
from tuning.errors import TuneError
from tuning.places import new_folder, own_folder
from tuning.train.runs import load_run

if TYPE_CHECKING:
    from tuning.cli.output import Sessions


def train(arguments: argparse.Namespace, console: Console) -> int:
    """Every variant and seed of a config, one after the other, and a table of them."""
    from tuning.cli.output import table
    from tuning.train.train import train as run_one

    given = load_config(
        arguments.config, base=arguments.base, method=arguments.method, task=arguments.task, data=arguments.data,
        epochs=arguments.epochs, seeds=[int(s) for s in arguments.seeds.split(",")] if arguments.seeds else None,
    )  # fmt: skip
    variants = given.variants()
    if arguments.variant:
        if arguments.variant not in variants:
            raise TuneError(f"the config has no variant {arguments.variant!r}; it has {', '.join(variants)}")
        variants = {arguments.variant: variants[arguments.variant]}
    group = arguments.out / Path(arguments.config).stem
    rows = []
    for name, config in variants.items():
        for seed in config.seeds:
            folder = group / (f"seed-{seed}" if name == "run" else f"{name}-seed-{seed}")
            if not arguments.resume and (folder / "run.json").exists():
                raise TuneError(f"{folder} holds a run already; choose another --out, or remove it")
            done = run_one(config, folder, console, seed=seed, resume=arguments.resume)
            rows.append([
                str(folder.relative_to(arguments.out)), config.method, f"{done.trainable:,} ({100 * done.trainable / done.total:.2f} %)", str(done.rows),
                str(done.steps), f"{done.train_loss:.3f}", "–" if done.loss is None else f"{done.loss:.3f}",
                f"{done.seconds:.0f} s", f"{done.peak_bytes / 2**30:.2f} GiB",
            ])  # fmt: skip
    heads = ["run", "method", "trainable", "rows", "steps", "loss", "best validation loss", "time", "peak memory"]
    console.print(table("Training", heads, rows))
    console.print(f"curves: loss.png in each run, or tensorboard --logdir {group}")
    return 0


def prefer(arguments: argparse.Namespace, sessions: Sessions, console: Console) -> int:
    """DPO or KTO on top of a run."""
    new_folder(arguments.out)
    from transformers import AutoTokenizer

    from tuning.data.preferences import collect
    from tuning.train.prefer import prefer as tune

    run = load_run(arguments.run)
    chat = bool(AutoTokenizer.from_pretrained(str(run.adapter)).chat_template)
    found = collect(sessions(), chat=chat)
    for line in found.left_out[:5]:
        console.print(f"left out: {line}", style="yellow")
    changed = run.config.model_copy(update={"epochs": arguments.epochs or run.config.epochs})
    done = tune(arguments.method, run.base, run.adapter, found, changed, arguments.out, console)
    console.print(f"{done.rows} rows, {done.steps} steps, loss {done.loss:.3f}: {done.adapter}")
    return 0


def evaluate(arguments: argparse.Namespace, key: str, console: Console) -> int:
    """All systems on the frozen set: writes evaluation.json, table.md, chart.png and a marking sheet."""
    import asyncio

    from tuning.cli.output import table
    from tuning.evaluate.annotation_sheet import check_sheet, write_sheet
    from tuning.evaluate.evaluate import markdown, markdown_table, to_json
    from tuning.evaluate.run_systems import embedder, run_all
    from tuning.pictures import bar_chart
    from tuning.train.provenance import environment

    own_folder(arguments.out, "evaluation.json", ("table.md", "chart.png", "marking.csv", "marking.key.csv"))
    check_sheet(arguments.out / "marking.csv")
    for run in map(load_run, arguments.runs):
        if run.config.task == "reading":
            raise TuneError(
                f"{run.folder} learnt to read answers; `viva tune eval` measures follow-ups and feedback only"
            )
    follow_ups, coaching, training = _sets(arguments)
    results, feedback, safety = asyncio.run(
        run_all(arguments, follow_ups, coaching, training, key, embedder(arguments.embeddings, console), console)
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = to_json(results, follow_ups, environment())
    found |= {
        "feedback": feedback,
        "safety": safety,
        "runs": {r.label: str(r.folder.resolve()) for r in map(load_run, arguments.runs)},
    }
    (arguments.out / "evaluation.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")
    text = markdown(results, follow_ups)
    if feedback:
        heads = list(dict.fromkeys(k for row in feedback.values() for k in row))
        body = [[n, *(f"{row[h]:.2f}" if h in row else "–" for h in heads)] for n, row in feedback.items()]
        text += f"\n\nFeedback against our annotation, {len(coaching)} answers:\n\n" + markdown_table(
            ["", *heads], body
        )
    if seeds := _over_seeds({n: s["summary"] for n, s in found["systems"].items()}):
        text += "\n\nOver seeds, mean and standard deviation:\n\n" + seeds
    (arguments.out / "table.md").write_text(text + "\n", "utf-8")
    bars = ("BLEU-1", "BLEU-4", "ROUGE-L", "METEOR", "valid")
    bar_chart({n: {m: s["summary"][m] for m in bars} for n, s in found["systems"].items()}, arguments.out / "chart.png")
    write_sheet(arguments.out / "marking.csv", follow_ups, {r.name: r.texts for r in results})
    heads = ["BLEU-4", "ROUGE-L", "METEOR", "valid", "distinct-2", "p50 s"]
    shown = [[n, *(f"{s['summary'][h]:.2f}" for h in heads)] for n, s in found["systems"].items()]
    console.print(table(f"{len(follow_ups)} records", ["system", *heads], shown))
    console.print(f"all of it: {arguments.out}/table.md, chart.png, evaluation.json, marking.csv (to mark by hand)")
    return 0


def gate(arguments: argparse.Namespace, folder: Path, console: Console, *, promote: bool) -> int:
    """Print the conditions and, with `promote`, act on them. Exit code 2 for a no."""
    from dialogue.backends.registry import Registry
    from tuning.evaluate.gate import QUALITY, judge

    registry = Registry(folder)
    run = load_run(arguments.run)
    path = next(
        (p for p in (arguments.run / "evaluation" / "evaluation.json", run.adapter / "evaluation.json") if p.is_file()),
        None,
    )
    if path is None:
        raise TuneError(
            f"{arguments.run} was not evaluated; type `viva tune eval {arguments.run} --out {arguments.run}/evaluation`"
        )
    found = json.loads(path.read_text("utf-8"))
    name = next((n for n, where in found["runs"].items() if where == str(run.folder.resolve())), None)
    if name is None:
        raise TuneError(
            f"{path} is not of {arguments.run}; type `viva tune eval {arguments.run} --out {arguments.run}/evaluation`"
        )
    mine = found["systems"][name]
    champion = registry.champion
    if champion is None:
        theirs, title, same = found["systems"][AUTHORED], AUTHORED, True
    else:
        past = champion.evaluation
        if past is None:
            raise TuneError(f"the champion {champion.label} has no evaluation; roll back, or evaluate it again")
        theirs, title = past["systems"][past["candidate"]], champion.label
        same = past["frozen_set"] == found["frozen_set"]
    conditions = judge(
        mine, theirs, found["safety"].get(name, []), same_set=same, invalid_allowed=arguments.invalid_allowed,
        deadline=arguments.deadline, held_out=found["frozen_set"]["fingerprint"] == fingerprint(follow_up_parts(run.config)[2]),
    )  # fmt: skip
    console.print(f"{name} against the champion, {title}:", markup=False)
    for condition in conditions:
        console.print(f"{'yes' if condition.passed else 'NO '}  {condition.text}", markup=False)
    console.print(QUALITY, markup=False)
    passed = all(c.passed for c in conditions)
    if not promote or not passed:
        console.print(
            "It may replace the champion." if passed else "It may not replace the champion; nothing was changed."
        )
        return 0 if passed else 2
    found["candidate"] = name
    found["gate"] = [vars(c) for c in conditions]
    chosen = path.with_name("promoted.json")
    chosen.write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")
    entry = registry.add(arguments.name, run.adapter, chosen)
    registry.promote(entry)
    console.print(f"{entry.label} is champion; VIVA_LLM_ADAPTER=champion serves it, `viva tune rollback` takes it back")
    return 0


def registry(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    """The commands add, rollback and list."""
    from dialogue.backends.registry import Registry
    from tuning.cli.output import table

    found = Registry(folder)
    if arguments.what == "add":
        entry = found.add(arguments.name, load_run(arguments.run).adapter)
        console.print(f"{entry.label} is in {folder}; VIVA_LLM_ADAPTER={entry.label} serves it")
    elif arguments.what == "rollback":
        back = found.roll_back()
        console.print(f"champion: {back.label if back else AUTHORED}")
    else:
        champion = found.champion
        rows = [
            [e.label, "champion" if champion and e.label == champion.label else "", str(e.folder)]
            for e in found.entries()
        ]
        console.print(table("Adapters", ["adapter", "", "folder"], rows))
        if champion is None:
            console.print(f"champion: {AUTHORED}")
    return 0


def export(arguments: argparse.Namespace, console: Console) -> int:
    """Merge if asked to, and print what to type."""
    from tuning.train.export import merge, serving_commands

    if arguments.merge:
        new_folder(arguments.merge)
    run = load_run(arguments.run)
    merged = merge(run.base, run.adapter, arguments.merge, dtype=arguments.dtype) if arguments.merge else None
    console.print(serving_commands(run.base, run.adapter, merged, rank=run.config.r), markup=False, soft_wrap=True)
    return 0


def agree(arguments: argparse.Namespace, console: Console) -> int:
    from tuning.evaluate.annotation_sheet import agreement

    kappa, items = agreement(*arguments.sheets)
    console.print(f"Cohen's kappa {kappa:.2f} over {items} items that both marked")
    return 0


def survey(sessions: Sessions, console: Console) -> int:
    """Stars by who worded the follow-ups, and by version of the prompt."""
    from tuning.cli.output import table

    stars: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, events in sessions():
        state = fold(events)
        if state.stars is None:
            continue
        for who in {(t.engine or "", t.prompt) for t in state.turns if t.probe} or {("no follow-up", "")}:
            stars[who].append(state.stars)
    rows = [[e, p or "–", str(len(found)), f"{mean(found):.2f}"] for (e, p), found in sorted(stars.items())]
    if not rows:
        console.print("no candidate has answered the question after the interview yet")
        return 0
    console.print(table("Satisfaction, 1 to 5", ["worded by", "prompt", "interviews", "mean"], rows))
    console.print("A session in which several worded counts for each of them; small numbers say little.")
    return 0


def _sets(arguments: argparse.Namespace) -> tuple[list[FollowUpRecord], list[CoachingRecord], list[FollowUpRecord]]:
    """The frozen sets, and the training records (for retrieval)."""
    first = load_run(arguments.runs[0]).config if arguments.runs else TrainConfig.model_validate({"base": "none"})
    at = 2 if arguments.part == "test" else 1
    parts = follow_up_parts(first)
    follow_ups = load_follow_ups(arguments.file) if arguments.file else parts[at]
    coaching = coaching_parts(first)[at]
    limit = arguments.limit or None
    return follow_ups[:limit], coaching[:limit], parts[0]


def _over_seeds(summaries: dict[str, dict[str, float]]) -> str:
    """Mean and standard deviation over runs that differ only in their seed."""
    from tuning.evaluate.evaluate import markdown_table

    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for name, row in summaries.items():
        if " seed " in name:
            groups[name.rsplit(" seed ", 1)[0]].append(row)
    heads = ["BLEU-4", "ROUGE-L", "METEOR", "valid", "distinct-2"]
    rows = [
        [
            f"{name} ({len(found)} seeds)",
            *(f"{mean(r[h] for r in found):.2f} ± {stdev(r[h] for r in found):.2f}" for h in heads),
        ]
        for name, found in groups.items()
        if len(found) > 1
    ]
    return markdown_table(["runs", *heads], rows) if rows else ""
