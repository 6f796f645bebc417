"""A training run as one flat YAML file: defaults here, some changed by a preset, the rest on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prompts.user_text import NotText, read_text
from tuning.errors import DataError

Method = Literal["qlora", "lora", "dora", "ia3", "adapter", "prefix", "prompt", "full"]
PRESETS = Path(__file__).with_name("presets")


class TrainConfig(BaseModel):
    """What `viva tune train` needs to know. Learning-rate defaults: TRL's for LoRA."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(description="model to tune: folder or name; `tiny`, `tiny-llama`, `tiny-falcon` make themselves")
    method: Method = "qlora"
    task: Literal["follow_ups", "coaching", "both", "reading"] = "follow_ups"
    splits: tuple[float, float, float] = Field((0.8, 0.1, 0.1), description="train, validation, test; by question")
    split_seed: int = Field(0, description="the frozen set hangs on it: leave it alone")
    data: str = Field(
        "", description="JSONL of follow-ups (or, for reading, of labelled answers) instead of Vivavoce's"
    )
    augment: bool = Field(True, description="fillers, recognition noise and truncation on the training rows")

    r: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: list[str] = ["all-linear"]
    virtual_tokens: int = Field(20, ge=1, description="prefix and prompt tuning")

    epochs: float = Field(3, gt=0)
    learning_rate: float = Field(2e-4, gt=0)
    weight_decay: float = 0.01
    scheduler: str = "cosine"
    warmup_steps: int = 50
    batch_size: int = Field(1, ge=1)
    accumulation: int = Field(4, ge=1)
    max_length: int = Field(1024, ge=64, description="tokens of prompt and reply")
    eval_steps: int = Field(25, ge=1, description="steps between evaluations and checkpoints")
    patience: int = Field(3, ge=0, description="evaluations without gain before an early stop; 0: never stop early")
    gradient_checkpointing: bool = True
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    deterministic: bool = Field(False, description="refuse operations without a deterministic form (slower)")
    seeds: list[int] = [0]
    grid: dict[str, dict[str, Any]] = Field({}, description="named variants: fields that differ")

    def variants(self) -> dict[str, TrainConfig]:
        """The grid's runs by name, or just this one under "run"."""
        plain = self.model_copy(update={"grid": {}})
        if not self.grid:
            return {"run": plain}
        return {name: TrainConfig(**{**plain.model_dump(), **changed}) for name, changed in self.grid.items()}


def load_config(name: str, **overrides: Any) -> TrainConfig:
    """A preset by name or a YAML file by path. Raises DataError naming the field that is wrong."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else PRESETS / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PRESETS.glob("*.yaml")))
        raise DataError(f"there is no training config {name!r}; presets: {known}; or give a YAML file")
    try:
        given = yaml.safe_load(read_text(path)) or {}
        if not isinstance(given, dict):
            raise DataError(f"{path} holds no fields; docs/tuning.md lists them")
        return TrainConfig(**{**given, **{k: v for k, v in overrides.items() if v is not None}})
    except (OSError, NotText) as error:
        raise DataError(f"{path} cannot be read ({error}); save it as UTF-8 text") from error
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML ({str(error).splitlines()[0]})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}; docs/tuning.md lists the fields"
        ) from error
