"""The outcome of a training run, as kept in its folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trained:
    """The outcome of a run. `loss`: of the best checkpoint on the validation rows; bytes and seconds as measured."""

    adapter: str
    base: str
    seed: int
    trainable: int
    total: int
    steps: int
    train_loss: float
    loss: float | None
    seconds: float
    peak_bytes: int
    rows: int
    shortened: int
    left_out: int
