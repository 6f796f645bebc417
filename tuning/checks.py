"""What goes wrong with models and machines, each reported in one line that says what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from tuning.config import TrainConfig
from tuning.errors import TuneError

# Modules of the extra that a command uses from beginning to end.
_TRAINING = ("torch", "transformers", "peft", "trl", "datasets")
_NEEDED = {"train": _TRAINING, "prefer": _TRAINING, "eval": ("sacrebleu", "rouge_score", "nltk")}


def check_installed(command: str) -> None:
    """Raises TuneError if libraries a command needs are missing, before anything is read or written."""
    missing = [name for name in _NEEDED.get(command, ()) if importlib.util.find_spec(name) is None]
    if missing:
        raise TuneError(
            f"`viva tune {command}` needs {', '.join(missing)}; pip install 'vivavoce[tune]' "
            "(with Docker: the image of VIVA_TARGET=cuda)"
        )


def check_base(base: str) -> None:
    """Raises TuneError if the base model is in no folder and no cache. Does not ask the hub."""
    if Path(base).is_dir():
        if not (Path(base) / "config.json").is_file():
            raise TuneError(
                f"the folder {base} holds no model (no config.json in it); give `base` the model's own folder"
            )
        return
    try:
        from transformers import AutoConfig

        AutoConfig.from_pretrained(base)
    except (OSError, ValueError, ImportError) as error:
        raise TuneError(
            f"the base model {base!r} is not on this machine and cannot be fetched; on a machine with access type "
            f"`hf download {base} --local-dir models/{Path(base).name}`, then `--base models/{Path(base).name}`"
        ) from error


def precision_of(config: TrainConfig) -> str:
    """bf16, fp16 or fp32 on this machine. Raises TuneError if bf16 is requested and the GPU lacks it."""
    import torch

    cuda = torch.cuda.is_available()
    has = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "bf16" and cuda and not has:
        raise TuneError("this GPU has no bf16; set `precision: fp16` (or auto, which finds out)")
    if config.precision != "auto":
        return config.precision
    return "bf16" if has else "fp16" if cuda else "fp32"


def check_method(config: TrainConfig) -> None:
    """Raises TuneError if a method's library is missing."""
    if config.method == "qlora":
        try:
            import bitsandbytes  # noqa: F401
        except ImportError as error:
            raise TuneError(
                "QLoRA needs bitsandbytes (pip install 'vivavoce[tune]'); or take `--method lora`"
            ) from error


def dtype_of(precision: str) -> Any:
    """The torch type behind bf16, fp16 or fp32."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def out_of_memory(config: TrainConfig) -> TuneError:
    """The error that says what to lower, the most useful first."""
    ways = [
        f"batch_size (now {config.batch_size}, with accumulation raised to match)" if config.batch_size > 1 else "",
        f"max_length (now {config.max_length})",
        "" if config.gradient_checkpointing else "set gradient_checkpointing: true",
        "" if config.method == "qlora" else "take method: qlora",
    ]
    return TuneError(f"out of memory; lower {', or '.join(w for w in ways if w)}")
