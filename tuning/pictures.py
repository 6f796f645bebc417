"""Plots: training curves, and the bar chart of the systems as in paper 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt


def loss_plot(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Training and validation loss over the steps."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for key, label in (("loss", "training"), ("eval_loss", "validation")):
        points = [(entry["step"], entry[key]) for entry in history if key in entry and "step" in entry]
        if points:
            axes.plot(*zip(*points, strict=True), label=label, marker="o", markersize=3)
    axes.set(xlabel="step", ylabel="loss, nats per token of the reply")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def bar_chart(scores: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Metrics in groups, one bar per system. `scores`: system to metric to value, 0..100."""
    metrics = list(next(iter(scores.values())))
    figure, axes = plt.subplots(figsize=(1.6 * len(metrics) + 3, 4.5), layout="constrained")
    width = 0.8 / len(scores)
    for i, (system, values) in enumerate(scores.items()):
        places = [x + i * width for x in range(len(metrics))]
        axes.bar(places, [values.get(m, 0.0) for m in metrics], width, label=system)
    axes.set_xticks([x + 0.4 - width / 2 for x in range(len(metrics))], metrics)
    axes.set_ylabel("score, 0 to 100")
    axes.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=min(3, len(scores)))
    figure.savefig(path, dpi=120)
    plt.close(figure)
