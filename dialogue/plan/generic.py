"""A question without a rubric of its own (on a claim in a resume, or from a corpus), with a rubric that fits any."""

from __future__ import annotations

import re

from memory.records import KeyPoint, PlannedQuestion, Probe

_KEY_POINTS = (
    ("the situation", ("at my", "in my last", "last year", "years ago", "at that time", "there was", "we had", "used to", "project", "customer")),
    ("your own action", ("I built", "I wrote", "I made", "I changed", "I decided", "I asked", "I told", "I started", "I took", "I organised", "I planned", "I led")),
    ("the reason", ("because", "so that", "the reason", "in order to", "wanted to", "due to")),
    ("the result", ("as a result", "in the end", "turned out", "finally", "since then", "improved", "reduced", "saved", "percent", "achieved")),
)  # fmt: skip
_PROBES = (
    ("evidence", "How could somebody else see that it worked?"),
    ("own_part", "Which part of that was yours?"),
    ("result", "What came of it in the end?"),
    ("learned", "What would you do differently today?"),
)


def generic_question(text: str, id_: str = "generic", competency: str = "experience") -> PlannedQuestion:
    """A behavioural question with the four parts of a story as its key points."""
    return PlannedQuestion(
        id=id_, competency=competency, kind="behavioural", text=text, short=text[:100], level="junior", difficulty=2, seconds=60,
        patience=8.0, key_points=[KeyPoint(name=name, any_of=list(phrases)) for name, phrases in _KEY_POINTS],
        anchors={1: "Stays general; no case is told.", 3: "Tells a case with own action.", 5: "Tells a case with reason, own action and a result that can be checked."},
        probes=[Probe(type=kind, text=text) for kind, text in _PROBES],
    )  # fmt: skip


def slug(text: str, longest: int | None = None) -> str:
    """A text as an id or a pack's name; empty if it has no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-")
