"""A finished run of `viva tune train`, read from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from tuning.config import TrainConfig
from tuning.errors import TuneError


@dataclass(frozen=True)
class Run:
    """`base`: the model it was trained on."""

    folder: Path
    config: TrainConfig
    base: str
    seed: int

    @property
    def whole(self) -> bool:
        """Full tuning: there is a model instead of an adapter."""
        return self.config.method == "full"

    @property
    def adapter(self) -> Path:
        return self.folder / ("model" if self.whole else "adapter")

    @property
    def label(self) -> str:
        """The run's label in a table: its config, variant, method and seed."""
        variant = self.folder.name.rsplit("seed-", 1)[0].strip("-")
        parts = (self.folder.parent.name, variant, self.config.method, f"seed {self.seed}")
        return " ".join(part for part in parts if part)


def load_run(folder: Path) -> Run:
    """Raises TuneError if the folder holds no finished run."""
    try:
        config = TrainConfig(**yaml.safe_load((folder / "config.yaml").read_text("utf-8")))
        made = json.loads((folder / "run.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TuneError(
            f"{folder} is no finished run of `viva tune train` (config.yaml and run.json are needed)"
        ) from error
    return Run(folder, config, made["base"], made["seed"])
