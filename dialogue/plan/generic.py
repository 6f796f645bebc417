"""A question without a rubric of its own (on a claim in a resume, or from a corpus): neutral probes, the parts of a story."""

from __future__ import annotations

import re
from typing import Literal

from memory.records import KeyPoint, PlannedQuestion, Probe
from prompts.loader import load_neutral_probes

Kind = Literal["behavioural", "technical", "motivation", "situational"]
_KEY_POINTS = (
    ("the situation", "They say where and when it was, and what it was about."),
    ("your own action", "They say what they did themselves."),
    ("the reason", "They say why they did it that way."),
    ("the result", "They say what came of it."),
)


def generic_question(
    text: str, id_: str = "generic", competency: str = "experience", kind: Kind | None = "behavioural"
) -> PlannedQuestion:
    """A question with the four parts of a story as its key points, and the neutral probes of its kind (None: all)."""
    return PlannedQuestion(
        id=id_, competency=competency, kind=kind or "behavioural", text=text, short=text[:100], level="junior", difficulty=2, seconds=60,
        patience=8.0, key_points=[KeyPoint(name=name, says=says) for name, says in _KEY_POINTS],
        anchors={1: "Stays general; no case is told.", 3: "Tells a case with own action.", 5: "Tells a case with reason, own action and a result that can be checked."},
        probes=neutral_probes(kind),
    )  # fmt: skip


def neutral_probes(kind: Kind | None) -> list[Probe]:
    """Follow-ups that fit any answer to a question of this kind."""
    return [
        Probe(type=p["type"], text=p["text"], asks=p["asks"], answered_by=p["answered_by"])
        for p in load_neutral_probes()
        if kind is None or kind in p["kinds"]
    ]


def slug(text: str, longest: int | None = None) -> str:
    """A text as an id or a pack's name; empty if it has no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-")
