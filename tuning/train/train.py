"""Training: records to rows, rows to TRL's SFTTrainer, an adapter and its curves in a folder that says how it was made."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from dialogue.backends.local_transformers import nf4
from tuning.checks import check_base, check_method, dtype_of, is_out_of_memory, out_of_memory, precision_of
from tuning.config import TrainConfig
from tuning.data.augment import augmented
from tuning.data.rows import Record, Rows, prompt_of, reply_of, rows_of
from tuning.data.splits import coaching_parts, fingerprint, follow_up_parts, reading_parts
from tuning.errors import TuneError
from tuning.pictures import loss_plot
from tuning.train import provenance
from tuning.train.methods import peft_config
from tuning.train.progress import progress_callback
from tuning.train.tiny import make_tiny
from tuning.train.trained import Trained

TINY = {"tiny": "qwen3", "tiny-llama": "llama", "tiny-falcon": "falcon"}


def parts_of(config: TrainConfig) -> tuple[list[Record], list[Record], list[Record]]:
    """Training, validation and test records of a config, by question, before augmentation."""
    parts: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
    if config.task in ("follow_ups", "both"):
        for part, follow_ups in zip(parts, follow_up_parts(config), strict=True):
            part.extend(follow_ups)
    if config.task in ("coaching", "both"):
        for part, coaching in zip(parts, coaching_parts(config), strict=True):
            part.extend(coaching)
    if config.task == "reading":
        for part, readings in zip(parts, reading_parts(config), strict=True):
            part.extend(readings)
    return parts


def base_of(config: TrainConfig, folder: Path, records: Sequence[Record]) -> str:
    """The base model's folder or name; a tiny one is made in `folder` if it is not there yet."""
    if config.base not in TINY:
        check_base(config.base)
        return config.base
    path = folder / config.base
    if not (path / "config.json").is_file():
        texts = [t for r in records for t in (prompt_of(r).plain, reply_of(r))]
        make_tiny(path, texts, shape=TINY[config.base], chat=config.base != "tiny-falcon")
    return str(path)


def train(
    config: TrainConfig, out: Path, console: Console, *, seed: int = 0, resume: bool = False,
    parts: tuple[list[Record], list[Record], list[Record]] | None = None,
) -> Trained:  # fmt: skip
    """One run. Writes `out`/adapter (or `out`/model for full tuning), the curves, the card. Raises TuneError, DataError."""
    check_method(config)
    train_records, validation, test = parts or parts_of(config)
    if not train_records:
        raise TuneError("no record is left to train on; check `data`, `task` and `splits`")
    base = base_of(config, out.parent, [*train_records, *validation, *test])
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(out / "tensorboard")
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(base)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = tokenized_rows(augmented(train_records, seed) if config.augment else train_records, tokenizer, config)
    held = tokenized_rows(validation, tokenizer, config)
    if not rows.rows:
        raise TuneError(f"no row fits {config.max_length} tokens; raise max_length")
    if rows.left_out:
        console.print(
            f"{len(rows.left_out)} records do not fit {config.max_length} tokens and are left out", style="yellow"
        )
    out.mkdir(parents=True, exist_ok=True)
    provenance.write(out, config, seed, {"train": train_records, "validation": validation, "test": test})
    trainer = _trainer(config, base, tokenizer, rows, held, out, seed, console)
    trainable = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in trainer.model.parameters())
    start = time.perf_counter()
    try:
        result = trainer.train(resume_from_checkpoint=_newest(out) if resume else None)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise out_of_memory(config) from error
        raise
    seconds = time.perf_counter() - start
    where = out / ("model" if config.method == "full" else "adapter")
    keep(trainer, tokenizer, where, out)
    losses = [e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e]
    trained = Trained(
        str(where), base, seed, trainable, total, trainer.state.global_step, float(result.training_loss),
        min(losses) if losses else None, round(seconds, 1), provenance.peak_memory(), len(rows.rows), rows.shortened,
        len(rows.left_out),
    )  # fmt: skip
    (out / "run.json").write_text(json.dumps(asdict(trained), indent=1), "utf-8")
    provenance.card(where, config, trained, fingerprint(train_records))
    return trained


def keep(trainer: Any, tokenizer: Any, where: Path, out: Path) -> None:
    """Save the weights into `where`, the losses and their plot into `out`."""
    trainer.save_model(str(where))
    tokenizer.save_pretrained(where)
    history = trainer.state.log_history
    (out / "losses.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in history), "utf-8")
    loss_plot(history, out / "loss.png")


def tokenized_rows(records: Sequence[Record], tokenizer: Any, config: TrainConfig) -> Rows:
    """Rows that fit, measured with the model's own tokenizer (counting the end token)."""

    def length(asked: Any, reply: str) -> int:
        if isinstance(asked, str):
            return len(tokenizer(asked + reply)["input_ids"]) + 1
        text = tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": reply}], tokenize=False)
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return rows_of(records, chat=bool(tokenizer.chat_template), length=length, limit=config.max_length)


def _trainer(
    config: TrainConfig, base: str, tokenizer: Any, rows: Rows, held: Rows, out: Path, seed: int, console: Console
) -> Any:
    import torch
    from datasets import Dataset
    from transformers import EarlyStoppingCallback, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    precision = precision_of(config)
    dtype = dtype_of(precision)
    watched = bool(held.rows)
    arguments = SFTConfig(
        output_dir=str(out / "checkpoints"),
        # The loss scaler cannot handle trainable fp16 weights: the base may be fp16, but the adapter stays in fp32.
        model_init_kwargs={"dtype": torch.float32 if config.method == "full" and precision == "fp16" else dtype},
        max_length=config.max_length, num_train_epochs=config.epochs, learning_rate=config.learning_rate,
        weight_decay=config.weight_decay, lr_scheduler_type=config.scheduler, warmup_steps=config.warmup_steps,
        per_device_train_batch_size=config.batch_size, per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulation, gradient_checkpointing=config.gradient_checkpointing,
        eval_strategy="steps" if watched else "no", eval_steps=config.eval_steps, save_strategy="steps",
        save_steps=config.eval_steps, save_total_limit=2, load_best_model_at_end=watched, logging_steps=5,
        metric_for_best_model="eval_loss" if watched else None, bf16=precision == "bf16", fp16=precision == "fp16",
        use_cpu=not torch.cuda.is_available(), seed=seed, data_seed=seed, full_determinism=config.deterministic,
        report_to=["tensorboard"], disable_tqdm=True, packing=False,
    )  # fmt: skip
    callbacks = [progress_callback(console)]
    if watched and config.patience:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=config.patience))
    try:
        trainer = SFTTrainer(
            model=base, args=arguments, train_dataset=Dataset.from_list(rows.rows), processing_class=tokenizer,
            eval_dataset=Dataset.from_list(held.rows) if watched else None, quantization_config=nf4(dtype) if config.method == "qlora" else None,
            peft_config=peft_config(config), callbacks=callbacks,
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)  # the bar and losses.jsonl show the same
        return trainer
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise out_of_memory(config) from error
        raise TuneError(f"{base} cannot be tuned by {config.method} ({str(error).splitlines()[0][:200]})") from error
    except ValueError as error:
        raise TuneError(
            f"{base} cannot be tuned by {config.method} ({str(error).splitlines()[0][:200]}); see target_modules"
        ) from error


def _newest(out: Path) -> str:
    found = sorted((out / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    if not found:
        raise TuneError(f"there is no checkpoint under {out} to resume from; start without --resume")
    return str(found[-1])
