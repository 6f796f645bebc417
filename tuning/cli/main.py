"""`viva tune ...`: the commands. Each says what it did, and leaves a folder that records how it was made."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from rich.console import Console

from tuning.checks import check_installed
from tuning.cli.output import Sessions
from tuning.config import PRESETS, Method


def parser() -> argparse.ArgumentParser:
    """Arguments after `viva tune`."""
    top = argparse.ArgumentParser(
        prog="viva tune",
        description="Data, training, evaluation and promotion of the model that words follow-ups (or reads answers).",
    )
    commands = top.add_subparsers(dest="what", required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="check the records, print statistics, import more")
    data.add_argument("--file", type=Path, action="append", help="JSONL to check (default: those of Vivavoce)")
    data.add_argument("--csv", type=Path, help="import question, answer, followUp from a CSV (followQG's form)")
    data.add_argument("--sessions", action="store_true", help="import from sessions whose candidates consented to it")
    data.add_argument("--out", type=Path, help="where imported records go (JSONL)")
    data.add_argument("--raw", action="store_true", help="import also what our validator would refuse for its form")
    data.add_argument("--card", action="store_true", help="write the dataset card again")

    train = commands.add_parser("train", help="train by a preset or a YAML file")
    train.add_argument("config", help=f"{', '.join(sorted(p.stem for p in PRESETS.glob('*.yaml')))}, or a YAML file")
    train.add_argument("--base", help="base model: folder or name")
    train.add_argument("--method", choices=get_args(Method))
    train.add_argument("--task", choices=["follow_ups", "coaching", "both", "reading"])
    train.add_argument("--data", help="JSONL of follow-ups (or, to read, of labelled answers) instead of ours")
    train.add_argument("--epochs", type=float)
    train.add_argument("--seeds", help="such as 0,1,2")
    train.add_argument("--variant", help="only this one of the preset's grid")
    train.add_argument("--out", type=Path, default=Path("runs"), help="folder for runs (default: runs)")
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")

    prefer = commands.add_parser("prefer", help="preference tuning from rated sessions: DPO on edits, KTO on thumbs")
    prefer.add_argument("method", choices=["dpo", "kto"])
    prefer.add_argument("run", type=Path, help="a run of `viva tune train`")
    prefer.add_argument("--epochs", type=float)
    prefer.add_argument("--out", type=Path, required=True)

    evaluate = commands.add_parser(
        "eval", help="runs side by side with authored probes, retrieval, base model and others"
    )
    evaluate.add_argument("runs", nargs="*", type=Path, help="runs of `viva tune train`")
    evaluate.add_argument("--base", help="a model without tuning: with the prompt, and few-shot")
    evaluate.add_argument("--url", help="an OpenAI-compatible server, up to /v1")
    evaluate.add_argument("--model", help="the model's name on that server; its key is VIVA_LLM_KEY")
    evaluate.add_argument("--part", choices=["test", "validation"], default="test")
    evaluate.add_argument("--file", type=Path, help="JSONL of follow-ups instead of our frozen set")
    evaluate.add_argument("--limit", type=int, default=0, help="only the first N records")
    evaluate.add_argument(
        "--embeddings", default="auto", help="folder of a sentence-transformers model; none: leave out"
    )
    evaluate.add_argument("--out", type=Path, required=True, help="folder for evaluation.json, table, chart, sheet")

    gate = commands.add_parser("gate", help="may this run replace the champion? Nothing is changed")
    promote = commands.add_parser("promote", help="put a run into the registry and, past the gate, make it champion")
    for one in (gate, promote):
        one.add_argument("run", type=Path)
        one.add_argument("--name", default="follow-ups", help="name in the registry")
        one.add_argument(
            "--invalid-allowed",
            type=float,
            default=0.0,
            metavar="SHARE",
            help="share whose form the validator may refuse (default 0)",
        )
        one.add_argument("--deadline", type=float, help="p95 must stay under this many seconds")
    add = commands.add_parser("add", help="put an adapter into the registry without promoting it")
    add.add_argument("name")
    add.add_argument("run", type=Path)
    commands.add_parser("rollback", help="back to the champion before")
    commands.add_parser("list", help="adapters in the registry, and who is champion")

    export = commands.add_parser("export", help="merge into the bf16 base, and print how to serve it")
    export.add_argument("run", type=Path)
    export.add_argument("--merge", type=Path, metavar="FOLDER", help="write the merged model there")
    export.add_argument("--dtype", choices=["bfloat16", "float16", "float32"], default="bfloat16")

    agree = commands.add_parser("agree", help="agreement of two filled marking sheets (Cohen's kappa)")
    agree.add_argument("sheets", nargs=2, type=Path)
    commands.add_parser("survey", help="what candidates answered after the interview, by who worded it")
    return top


def main(argv: Sequence[str], home: Path, sessions: Sessions, key: str, console: Console) -> int:
    """`home`: Vivavoce's folder, with the registry in it; `sessions`: reads all logs; `key`: for a model server.

    Raises TuneError, DataError and the errors of the parts it uses, each with one line for the user.
    """
    from tuning.cli import commands
    from tuning.cli import data as data_command

    arguments = parser().parse_args(argv)
    check_installed(arguments.what)
    registry = home / "adapters"
    match arguments.what:
        case "data":
            return data_command.data(arguments, sessions, console)
        case "train":
            return commands.train(arguments, console)
        case "prefer":
            return commands.prefer(arguments, sessions, console)
        case "eval":
            return commands.evaluate(arguments, key, console)
        case "gate" | "promote":
            return commands.gate(arguments, registry, console, promote=arguments.what == "promote")
        case "add" | "rollback" | "list":
            return commands.registry(arguments, registry, console)
        case "export":
            return commands.export(arguments, console)
        case "agree":
            return commands.agree(arguments, console)
    return commands.survey(sessions, console)
