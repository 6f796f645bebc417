"""The small model: a MiniLM encoder with one head a task, and a head that points at the words which show the label.

Encoder: all-MiniLM-L6-v2 (Apache-2.0), fine-tuned whole. The head for private matters has the upper two layers for itself, so that
it can be trained anew without touching the others (`refit.py`). 26 M parameters; in int8 about 27 MB.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BertModel

from dialogue.understanding.pairs import HEADS

OWN_LAYERS = 2  # upper layers that the head for private matters has for itself


class ReaderModel(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Logits of every head for every pair, and one logit a token: whether it is evidence."""

    def __init__(self, encoder: Path) -> None:
        super().__init__()
        self.encoder = BertModel.from_pretrained(str(encoder), attn_implementation="eager", dtype=torch.float32)
        width = self.encoder.config.hidden_size
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * width, len(labels)) for name, labels in HEADS.items()})
        self.evidence = nn.Linear(width, 1)
        self.wall_layers = nn.ModuleList(copy.deepcopy(list(self.encoder.encoder.layer[-OWN_LAYERS:])))

    def forward(self, ids: Any, mask: Any, kinds: Any) -> tuple[Any, ...]:
        """`ids`, `mask`, `kinds`: int64 (pairs, tokens); `kinds` is 0 for what is looked for, 1 for where."""
        lower, hidden = self.encode(ids, mask, kinds)
        seen = self.dropout(pooled(hidden, mask))
        found = {name: head(seen) for name, head in self.heads.items() if name != "wall"}
        found["wall"] = self.wall(lower, mask)
        return (*(found[name] for name in HEADS), self.evidence(hidden).squeeze(-1))

    def encode(self, ids: Any, mask: Any, kinds: Any) -> tuple[Any, Any]:
        """What comes out of the shared layers, and of all."""
        hidden = self.encoder.embeddings(input_ids=ids, token_type_ids=kinds)
        layers = self.encoder.encoder.layer
        for layer in layers[:-OWN_LAYERS]:
            hidden = layer(hidden, attended(mask, hidden))
        return hidden, self.upper(hidden, mask)

    def upper(self, lower: Any, mask: Any) -> Any:
        """What comes out of the upper layers, for all heads but that for private matters."""
        hidden = lower
        for layer in self.encoder.encoder.layer[-OWN_LAYERS:]:
            hidden = layer(hidden, attended(mask, hidden))
        return hidden

    def wall(self, lower: Any, mask: Any) -> Any:
        """The logits of the private kinds, from the shared layers on."""
        hidden = lower
        for layer in self.wall_layers:
            hidden = layer(hidden, attended(mask, hidden))
        return self.heads["wall"](self.dropout(pooled(hidden, mask)))

    def take(self, state: dict[str, Any]) -> None:
        """Load weights; those of a model without layers for private matters give them the encoder's."""
        state = {name: value.float() for name, value in state.items() if "position_ids" not in name}
        if not any(name.startswith("wall_layers") for name in state):
            count = len(self.encoder.encoder.layer)
            for n in range(OWN_LAYERS):
                old = f"encoder.encoder.layer.{count - OWN_LAYERS + n}."
                for name in [name for name in state if name.startswith(old)]:
                    state[f"wall_layers.{n}.{name.removeprefix(old)}"] = state[name].clone()
        missing = self.load_state_dict(state, strict=False).missing_keys
        assert all("position_ids" in name for name in missing), missing


def attended(mask: Any, hidden: Any) -> Any:
    """The mask as attention takes it: (pairs, 1, 1, tokens), far below zero where there is no token."""
    return (1.0 - mask[:, None, None, :].to(hidden.dtype)) * -1e4


def pooled(hidden: Any, mask: Any) -> Any:
    """The first token and the mean over all, side by side."""
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return torch.cat([hidden[:, 0], (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)], dim=-1)
