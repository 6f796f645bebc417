"""Train the part for private matters anew; the rest of the model stays as it is. Minutes on two cores.

python -m tuning.reader.refit RUN ENCODER ROWS [--epochs 4]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from dialogue.understanding.tokens import PairTokenizer
from tuning.reader.fit import Example, batches, class_weights, judge, tell
from tuning.reader.model import ReaderModel

RATE = 1e-4
HEAD_RATE = 1e-3


def refit(
    model: ReaderModel, tokenizer: PairTokenizer, rows: Sequence[dict[str, Any]], epochs: int, seed: int = 1
) -> None:
    """Trains the layers and the head for private matters on the rows that are not held back."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    examples = [Example(row) for row in rows if row["task"] == "wall" and not row["dev"]]
    weights = class_weights(examples, "wall")
    steps = epochs * sum(1 for _ in batches(examples, tokenizer, None)) + 1
    parts = [
        {"params": model.wall_layers.parameters(), "lr": RATE},
        {"params": model.heads["wall"].parameters(), "lr": HEAD_RATE},
    ]
    optimiser = torch.optim.AdamW(parts, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=[RATE, HEAD_RATE], total_steps=steps, pct_start=0.1, anneal_strategy="linear"
    )
    model.train()
    model.encoder.eval()
    started = time.monotonic()
    for epoch in range(epochs):
        total: list[float] = []
        for items, batch in batches(examples, tokenizer, chance):
            with torch.no_grad():
                lower, _ = model.encode(batch["ids"], batch["mask"], batch["kinds"])
            labels = torch.tensor([x.label for x in items])
            loss = functional.cross_entropy(model.wall(lower, batch["mask"]), labels, weight=weights)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.wall_layers.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total.append(loss.item())
        print(
            f"epoch {epoch + 1}/{epochs}: {sum(total) / len(total):.3f} ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a folder with model.pt; the new one is written over it")
    parser.add_argument("encoder", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--epochs", type=int, default=4)
    asked = parser.parse_args()
    rows = [json.loads(line) for line in asked.rows.read_text("utf-8").splitlines()]
    tokenizer = PairTokenizer(asked.encoder / "tokenizer.json")
    model = ReaderModel(asked.encoder)
    model.take(torch.load(asked.run / "model.pt", map_location="cpu"))
    refit(model, tokenizer, rows, asked.epochs)
    held = [row for row in rows if row["dev"] and row["task"] == "wall"]
    judged = judge(model, tokenizer, held, "cpu")
    tell("trained anew", judged)
    (asked.run / "held_back_wall.json").write_text(json.dumps(judged), "utf-8")
    torch.save({k: v.half() for k, v in model.state_dict().items()}, asked.run / "model.pt")


if __name__ == "__main__":
    main()
