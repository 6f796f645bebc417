"""Preference tuning of a trained adapter: DPO on edits, KTO on thumbs, with TRL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from tuning.checks import dtype_of, precision_of
from tuning.config import TrainConfig
from tuning.data.preferences import Preferences, held_out
from tuning.errors import TuneError
from tuning.train.progress import progress_callback
from tuning.train.train import keep

FEWEST = {"dpo": 8, "kto": 8}  # rows; with fewer, a run would only memorise them
RATE = 5e-6  # TRL's advice for DPO on LoRA; the rates of supervised tuning would wreck the model


@dataclass(frozen=True)
class Preferred:
    adapter: str
    rows: int
    steps: int
    loss: float


def prefer(
    method: Literal["dpo", "kto"], base: str, adapter: Path, found: Preferences, config: TrainConfig, out: Path,
    console: Console, *, seed: int = 0, learning_rate: float = RATE, beta: float = 0.1, fewest: int | None = None,
) -> Preferred:  # fmt: skip
    """Continue from `adapter`; with it switched off, the base is the reference. Raises TuneError for too few rows."""
    rows = found.pairs if method == "dpo" else found.thumbs
    train = [{k: v for k, v in r.items() if k != "session"} for r in rows if not held_out(r["session"])]
    needed = FEWEST[method] if fewest is None else fewest
    if len(train) < needed:
        what = (
            "edits (`viva rate SESSION --reword TURN TEXT`)"
            if method == "dpo"
            else "thumbs (`viva rate SESSION --up TURN`)"
        )
        raise TuneError(
            f"{method.upper()} needs {needed} or more {what} from sessions with consent; there are {len(train)}"
        )
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
    from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

    precision = precision_of(config)
    tokenizer: Any = AutoTokenizer.from_pretrained(str(adapter))
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=dtype_of(precision))
    tuned: Any = PeftModel.from_pretrained(model, str(adapter), is_trainable=True)
    common: dict[str, Any] = {
        "output_dir": str(out / "checkpoints"), "learning_rate": learning_rate, "beta": beta, "num_train_epochs": config.epochs,
        "gradient_accumulation_steps": config.accumulation, "gradient_checkpointing": config.gradient_checkpointing,
        "max_length": config.max_length, "seed": seed, "bf16": precision == "bf16", "fp16": precision == "fp16",
        "use_cpu": not torch.cuda.is_available(), "report_to": [], "disable_tqdm": True, "logging_steps": 1, "save_strategy": "no",
        "per_device_train_batch_size": max(2, config.batch_size),  # KTO makes its mismatched pairs within a batch
    }  # fmt: skip
    kinds: dict[str, tuple[Any, Any]] = {"dpo": (DPOTrainer, DPOConfig), "kto": (KTOTrainer, KTOConfig)}
    trainer_class, config_class = kinds[method]
    trainer = trainer_class(
        model=tuned, args=config_class(**common), train_dataset=Dataset.from_list(train), processing_class=tokenizer,
        callbacks=[progress_callback(console)],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    result = trainer.train()
    where = out / "adapter"
    keep(trainer, tokenizer, where, out)
    return Preferred(str(where), len(train), trainer.state.global_step, float(result.training_loss))
