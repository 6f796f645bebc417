"""The embedded reader's small model, run by ONNX Runtime: our own weights, in the package, in int8.

How it was made: `tuning/reader`, docs/understanding.md. What it costs: docs/results/understanding.md.
"""

from __future__ import annotations

import functools
import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from dialogue.understanding.pairs import HEADS, Pair
from dialogue.understanding.tokens import Encoded, PairTokenizer

FOLDER = Path(__file__).parent / "weights"
BATCH = 8  # pairs at once: more gain nothing on one core


@dataclass(frozen=True)
class Judged:
    """`share`: probability of each label of the task. `evidence`: for each word of the second list, 0..1."""

    share: dict[str, float]
    evidence: tuple[float, ...] = ()

    @property
    def best(self) -> str:
        return max(self.share, key=lambda label: self.share[label])


class SmallModel:
    """Thread-safe. `folder` holds lower.onnx (the shared layers), upper.onnx and wall.onnx (a task's own), tokenizer.json and
    thresholds.json."""

    def __init__(self, folder: Path = FOLDER) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # a call shares the machine with others
        options.enable_cpu_mem_arena = False  # lengths vary with every answer: an arena would keep the largest of each
        options.log_severity_level = 3
        self._lower, self._upper, self._wall = (
            _session(folder / f"{part}.onnx", options) for part in ("lower", "upper", "wall")
        )
        self._tokenizer = PairTokenizer(folder / "tokenizer.json")
        self._lock = threading.Lock()
        self.thresholds: dict[str, float] = json.loads((folder / "thresholds.json").read_text("utf-8"))["thresholds"]

    def judge(self, task: str, pairs: Sequence[Pair]) -> list[Judged]:
        """One judgement a pair, in order."""
        encoded = [self._tokenizer.encode(pair) for pair in pairs]
        order = sorted(range(len(pairs)), key=lambda i: len(encoded[i].ids))
        found: list[Judged | None] = [None] * len(pairs)
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            for i, judged in zip(part, self._run(task, [encoded[i] for i in part]), strict=True):
                found[i] = judged
        return [judged for judged in found if judged is not None]

    def _run(self, task: str, batch: Sequence[Encoded]) -> list[Judged]:
        longest = max(len(e.ids) for e in batch)
        ids, mask, kinds = (np.zeros((len(batch), longest), dtype=np.int64) for _ in range(3))
        for row, e in enumerate(batch):
            ids[row, : len(e.ids)], kinds[row, : len(e.ids)], mask[row, : len(e.ids)] = e.ids, e.kinds, 1
        with self._lock:
            [lower] = self._lower.run(["lower"], {"ids": ids, "mask": mask, "kinds": kinds})
            wanted = [task, "evidence"] if task == "point" else [task]
            found = (self._wall if task == "wall" else self._upper).run(wanted, {"lower": lower, "mask": mask})
        shares = [_shares(HEADS[task], row) for row in found[0].tolist()]
        if task != "point":
            return [Judged(share) for share in shares]
        return [Judged(share, _by_word(e, row)) for share, e, row in zip(shares, batch, found[1].tolist(), strict=True)]


def _session(path: Path, options: Any) -> Any:
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@functools.cache
def shipped_model() -> SmallModel:
    """The model in the package, loaded once a process."""
    return SmallModel()


def _shares(labels: Sequence[str], logits: Sequence[float]) -> dict[str, float]:
    top = max(logits)
    raw = [math.exp(x - top) for x in logits]
    return {label: value / sum(raw) for label, value in zip(labels, raw, strict=True)}


def _by_word(encoded: Encoded, logits: Sequence[float]) -> tuple[float, ...]:
    """The mean over a word's tokens; 0 for words that were left out of a long answer."""
    found: dict[int, list[float]] = {}
    for word, logit in zip(encoded.words, logits, strict=False):
        if word >= 0:
            found.setdefault(word, []).append(1.0 / (1.0 + math.exp(-logit)))
    return tuple(sum(v) / len(v) if (v := found.get(i)) else 0.0 for i in range(1 + max(found, default=-1)))
