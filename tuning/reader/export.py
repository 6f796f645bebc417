"""A trained model as package data: ONNX in int8 (dynamic, weights per channel), its tokenizer and its thresholds."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from dialogue.understanding.pairs import HEADS
from dialogue.understanding.small_model import FOLDER, SmallModel
from tuning.reader.calibrate import calibrated
from tuning.reader.model import ReaderModel, pooled

# Set by hand. wall, wall_overrule: towards leaving out, since a leak is worse than a gap. act_ask_job: noting one too many costs
# little. point_shown: on held-back answers the sentence that is quoted was then the right one nine times in ten.
GUARD = {"wall": 0.1, "wall_overrule": 0.95, "act_ask_job": 0.3, "point_shown": 0.6}


def export_to(run: Path, encoder: Path, rows: Path, folder: Path = FOLDER) -> str:
    """Writes lower.onnx, upper.onnx, wall.onnx, tokenizer.json and thresholds.json; says what was measured on the held-back part of `rows`.

    Seven bits a weight (`reduce_range`): with eight, processors without VNNI saturate.
    """
    model = ReaderModel(encoder)
    model.take(torch.load(run / "model.pt", map_location="cpu"))
    model.eval()
    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.randint(1000, 2000, (2, 16))
    mask = torch.ones_like(ids)
    lower, _ = model.encode(ids, mask, mask)
    _write(Lower(model), (ids, mask, mask), ["ids", "mask", "kinds"], ["lower"], folder / "lower.onnx")
    _write(Upper(model), (lower, mask), ["lower", "mask"], ["act", "point", "probe", "evidence"], folder / "upper.onnx")
    _write(Wall(model), (lower, mask), ["lower", "mask"], ["wall"], folder / "wall.onnx")
    shutil.copy(encoder / "tokenizer.json", folder / "tokenizer.json")
    (folder / "thresholds.json").write_text(json.dumps({"thresholds": GUARD}), "utf-8")
    held = [row for line in rows.read_text("utf-8").splitlines() if (row := json.loads(line))["dev"]]
    found = calibrated(judge_shipped(SmallModel(folder), held), HEADS)
    found["thresholds"] |= GUARD
    (folder / "thresholds.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    size = sum(path.stat().st_size for path in folder.glob("*.onnx")) / 1e6
    return f"{folder}: {size:.1f} MB; {found['held_back']}"


class _Part(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """ONNX Runtime runs a whole graph whatever is asked of it, so the parts are graphs of their own."""

    def __init__(self, model: ReaderModel) -> None:
        super().__init__()
        self.model = model


class Lower(_Part):
    """The shared layers."""

    def forward(self, ids: Any, mask: Any, kinds: Any) -> Any:
        return self.model.encode(ids, mask, kinds)[0]


class Upper(_Part):
    """The upper layers with the heads of acts, key points and probes."""

    def forward(self, lower: Any, mask: Any) -> Any:
        hidden = self.model.upper(lower, mask)
        seen = pooled(hidden, mask)
        heads = [self.model.heads[name](seen) for name in ("act", "point", "probe")]
        return (*heads, self.model.evidence(hidden).squeeze(-1))


class Wall(_Part):
    """The upper layers and the head for private matters."""

    def forward(self, lower: Any, mask: Any) -> Any:
        return self.model.wall(lower, mask)


def _write(part: nn.Module, inputs: tuple[Any, ...], names: list[str], outputs: list[str], path: Path) -> None:
    """A part in int8: weights only, dynamic activations."""
    axes = {name: {0: "pairs", 1: "tokens"} for name in (*names, "lower", "evidence") if name in (*names, *outputs)}
    axes |= {name: {0: "pairs"} for name in outputs if name not in axes}
    with tempfile.TemporaryDirectory() as scratch:
        full = Path(scratch) / "full.onnx"
        torch.onnx.export(
            part.eval(), inputs, str(full), input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=17,
            dynamo=False,
        )  # fmt: skip
        quantize_dynamic(
            str(full), str(path), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
            op_types_to_quantize=["MatMul", "Gather"], extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip


def judge_shipped(model: SmallModel, rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What the model that ships says of labelled rows, by task."""
    found: dict[str, list[dict[str, Any]]] = {}
    for task in HEADS:
        mine = [row for row in rows if row["task"] == task]
        judged = model.judge(task, [(row["a"], row["b"]) for row in mine])
        found[task] = [
            {"label": row["label"], "p": [j.share[label] for label in HEADS[task]], "source": row["source"]}
            for row, j in zip(mine, judged, strict=True)
        ]
    return found
