"""A progress bar for a training run: step, loss, time left."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def progress_callback(console: Console) -> Any:
    """A transformers callback that draws a bar; draws nothing on a dumb terminal."""
    from transformers import TrainerCallback

    class Bar(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.bar = Progress(
                TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total} steps, loss {task.fields[loss]}"),
                TimeRemainingColumn(), console=console, transient=True,
            )  # fmt: skip

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.task = self.bar.add_task("", total=state.max_steps, completed=state.global_step, loss="…")
            self.bar.start()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.update(self.task, completed=state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                self.bar.update(self.task, loss=f"{float(logs['loss']):.3f}")

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.stop()

    return Bar()
