"""Train the small model on rows, set its thresholds on held-back rows, export it to ONNX in int8.

    python -m tuning.reader.fit ROWS ENCODER OUT [--epochs 5] [--seeds 3]

ROWS: from `python -m tuning.reader rows`. ENCODER: a folder with all-MiniLM-L6-v2. Runs on a GPU where there is one; on
two cores it takes hours, and was not tried whole. The models of all seeds are averaged (Wortsman et al. 2022, "Model soups").
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from dialogue.understanding.pairs import HEADS
from dialogue.understanding.tokens import Encoded, PairTokenizer
from tuning.reader.model import ReaderModel

BATCH = 48
PEAK_RATE = 1e-4
HEAD_RATE = 1e-3


class Example:
    """A row as training sees it: encoded anew each epoch, since its punctuation and capitals may be taken away."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.task: str = row["task"]
        self.label = HEADS[self.task].index(row["label"])

    def encode(self, tokenizer: PairTokenizer, chance: random.Random | None) -> tuple[Encoded, list[float]]:
        a, b = self.row["a"], self.row["b"]
        if chance is not None and chance.random() < 0.3:
            b = [bare(w) for w in b]
            if self.task in ("act", "wall"):
                a = [bare(w) for w in a]
        encoded = tokenizer.encode((a, b))
        marked = set(self.row["evidence"])
        return encoded, [-1.0 if w < 0 else float(w in marked) for w in encoded.words]


def bare(word: str) -> str:
    """As a recogniser without punctuation writes it."""
    return word.lower().strip('.,;:?!"') or word


def batches(
    examples: Sequence[Example], tokenizer: PairTokenizer, chance: random.Random | None, size: int = BATCH
) -> Iterator[tuple[list[Example], dict[str, Any]]]:
    """Batches of one task each, of about equal length."""
    by_task: dict[str, list[tuple[Example, Encoded, list[float]]]] = defaultdict(list)
    for example in examples:
        by_task[example.task].append((example, *example.encode(tokenizer, chance)))
    made = []
    for items in by_task.values():
        if chance is not None:
            items.sort(key=lambda item: len(item[1].ids) + chance.randint(-8, 8))
        made += [items[i : i + size] for i in range(0, len(items), size)]
    if chance is not None:
        chance.shuffle(made)
    for items in made:
        longest = max(len(e.ids) for _, e, _ in items)
        yield (
            [x for x, _, _ in items],
            {
                "ids": _padded([e.ids for _, e, _ in items], longest, 0),
                "mask": _padded([[1] * len(e.ids) for _, e, _ in items], longest, 0),
                "kinds": _padded([e.kinds for _, e, _ in items], longest, 0),
                "marks": _padded([m for _, _, m in items], longest, -1.0),
            },
        )


def _padded(rows: Sequence[Sequence[float]], longest: int, fill: float) -> Any:
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])


def train(
    rows: Sequence[dict[str, Any]], encoder: Path, epochs: int, seed: int, device: str
) -> tuple[ReaderModel, PairTokenizer]:
    torch.manual_seed(0)  # every seed begins with the same heads, so that the trained models can be averaged
    chance = random.Random(seed)
    tokenizer = PairTokenizer(encoder / "tokenizer.json")
    model = ReaderModel(encoder).to(device)
    examples = [Example(row) for row in rows]
    weights = {task: class_weights([x for x in examples if x.task == task], task).to(device) for task in HEADS}
    steps = epochs * sum(1 for _ in batches(examples, tokenizer, None))
    heads = [p for n, p in model.named_parameters() if n.startswith(("heads.", "evidence."))]
    layers = [*model.encoder.parameters(), *model.wall_layers.parameters()]
    optimiser = torch.optim.AdamW(
        [{"params": layers, "lr": PEAK_RATE}, {"params": heads, "lr": HEAD_RATE}], weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=[PEAK_RATE, HEAD_RATE], total_steps=steps + 1, pct_start=0.1, anneal_strategy="linear"
    )
    started = time.monotonic()
    for epoch in range(epochs):
        model.train()
        total: dict[str, list[float]] = defaultdict(list)
        for items, batch in batches(examples, tokenizer, chance):
            batch = {k: v.to(device) for k, v in batch.items()}
            outputs = dict(zip((*HEADS, "evidence"), model(batch["ids"], batch["mask"], batch["kinds"]), strict=True))
            task = items[0].task
            labels = torch.tensor([x.label for x in items], device=device)
            loss = functional.cross_entropy(outputs[task], labels, weight=weights[task], label_smoothing=0.05)
            if task == "point":
                shown = torch.tensor([bool(x.row["evidence"]) for x in items], device=device)
                known = (batch["marks"] >= 0) & shown[:, None]
                if known.any():
                    loss = loss + 0.5 * functional.binary_cross_entropy_with_logits(
                        outputs["evidence"][known], batch["marks"][known]
                    )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total[task].append(float(loss))
        means = ", ".join(f"{task} {sum(v) / len(v):.3f}" for task, v in total.items())
        print(f"epoch {epoch + 1}/{epochs}: {means} ({time.monotonic() - started:.0f} s)", flush=True)
    return model.eval(), tokenizer


def class_weights(examples: Sequence[Example], task: str) -> Any:
    """Rare labels count more, by the square root of how rare they are."""
    counts = [1 + sum(x.label == i for x in examples) for i in range(len(HEADS[task]))]
    raw = torch.tensor([(sum(counts) / c) ** 0.5 for c in counts])
    return raw / raw.mean()


def judge(
    model: ReaderModel, tokenizer: PairTokenizer, rows: Sequence[dict[str, Any]], device: str
) -> dict[str, list[dict[str, Any]]]:
    """Probabilities of every held-back row, by task, with what is needed to find it again."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with torch.no_grad():
        for items, batch in batches([Example(row) for row in rows], tokenizer, None, 64):
            batch = {k: v.to(device) for k, v in batch.items()}
            outputs = dict(zip((*HEADS, "evidence"), model(batch["ids"], batch["mask"], batch["kinds"]), strict=True))
            for x, p in zip(items, torch.softmax(outputs[items[0].task], -1).tolist(), strict=True):
                found[x.task].append(
                    {
                        "label": x.row["label"],
                        "p": [round(v, 4) for v in p],
                        "a": " ".join(x.row["a"]),
                        "b": " ".join(x.row["b"]),
                        "source": x.row["source"],
                    }
                )
    return found


def tell(name: str, judged: dict[str, list[dict[str, Any]]]) -> None:
    """The share of held-back rows whose best label is right, by task."""
    for task, items in judged.items():
        right = sum(HEADS[task][max(range(len(i["p"])), key=i["p"].__getitem__)] == i["label"] for i in items)
        print(f"{name}: {task} {right} of {len(items)} right", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    rows = [json.loads(line) for line in asked.rows.read_text("utf-8").splitlines()]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    learnt = [row for row in rows if not row["dev"]]
    held = [row for row in rows if row["dev"]]
    print(f"{len(learnt)} rows to learn, {len(held)} held back, on {device}", flush=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    total: dict[str, Any] = {}
    for seed in range(1, asked.seeds + 1):
        model, tokenizer = train(learnt, asked.encoder, asked.epochs, seed, device)
        tell(f"seed {seed}", judge(model, tokenizer, held, device))
        for name, value in model.state_dict().items():
            total[name] = value.clone() if seed == 1 else total[name] + value
    model.load_state_dict({k: v / asked.seeds if v.is_floating_point() else v for k, v in total.items()})
    judged = judge(model, tokenizer, held, device)
    tell("all, averaged", judged)
    (asked.out / "held_back.json").write_text(json.dumps(judged), "utf-8")
    torch.save({k: v.half() for k, v in model.state_dict().items()}, asked.out / "model.pt")


if __name__ == "__main__":
    main()
