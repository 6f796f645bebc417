"""How a result was made: command, config, versions, data, machine; and the card that comes with the adapter."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import resource
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from prompts.loader import prompt_version
from tuning.config import TrainConfig
from tuning.data.rows import Record
from tuning.data.splits import fingerprint

if TYPE_CHECKING:
    from tuning.train.trained import Trained

LIBRARIES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "bitsandbytes",
    "sacrebleu",
    "rouge-score",
)

_WORDS = (
    "Words one follow-up question (and feedback) for a decision that code has made. Every reply passes Vivavoce's validator",
    "before it is spoken; it decides nothing about a person.",
)
PURPOSE = {
    "follow_ups": _WORDS,
    "coaching": _WORDS,
    "both": _WORDS,
    "reading": (
        "Reads an answer: which key points it holds, which follow-ups it leaves open. A quote that was not said is not believed.",
    ),
}


def environment() -> dict[str, Any]:
    """Versions, commit and machine; no user name and no path."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    ).stdout.strip()
    return {
        "command": shlex.join(["viva", "tune", *sys.argv[2:]]) if len(sys.argv) > 2 else "viva tune",
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "not a checkout",
        "python": platform.python_version(),
        "machine": _accelerator(),
        "prompts": {task: prompt_version(task) for task in ("follow_up", "feedback", "reading")},
        **versions,
    }


def write(out: Path, config: TrainConfig, seed: int, parts: Mapping[str, Sequence[Record]]) -> None:
    """Write `config.yaml` and `made.json` into the run's folder."""
    (out / "config.yaml").write_text(yaml.safe_dump(config.model_dump(), sort_keys=False), "utf-8")
    data = {name: {"records": len(records), "fingerprint": fingerprint(records)} for name, records in parts.items()}
    made = {**environment(), "seed": seed, "data": data}
    (out / "made.json").write_text(json.dumps(made, indent=1), "utf-8")


def peak_memory() -> int:
    """Bytes: the GPU's peak allocation if there is one, else this process's peak resident size."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _accelerator() -> str:
    try:
        import torch

        if torch.cuda.is_available():
            return f"{torch.cuda.get_device_name(0)} x {torch.cuda.device_count()}"
    except ImportError:
        pass
    return f"CPU {platform.machine()}"


def card(folder: Path, config: TrainConfig, trained: Trained, data: str) -> None:
    """The adapter's README: what it is for, how and from what it was made, and what it must not be used for."""
    share = 100 * trained.trainable / trained.total
    lines = [
        "---", f"base_model: {Path(trained.base).name}", "library_name: peft", "license: apache-2.0",
        "tags: [interview, follow-up-question]", "---", "", "# Vivavoce adapter", "",
        *PURPOSE[config.task], "",
        f"- Base: {Path(trained.base).name}; method: {config.method}; seed {trained.seed}",
        f"- Trainable parameters: {trained.trainable:,} of {trained.total:,} ({share:.2f} %)",
        f"- Data: {trained.rows} rows ({config.task}), fingerprint {data}; splits by question, seed {config.split_seed}",
        f"- Steps: {trained.steps}; training loss {trained.train_loss:.3f}; best validation loss "
        + (f"{trained.loss:.3f}" if trained.loss is not None else "not measured"),
        "- Languages: English. Not for: deciding, ranking, judging persons, other languages.", "",
        "Numbers: `evaluation.json` beside this card, once `viva tune eval` was run.",
    ]  # fmt: skip
    (folder / "README.md").write_text("\n".join(lines) + "\n", "utf-8")
