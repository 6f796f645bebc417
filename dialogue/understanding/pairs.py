"""How a question to the small model is put: two lists of words. Training and serving use the same functions. Pure.

The model (`small_model.py`) reads pairs: what is looked for, and the words in which to look.
"""

from __future__ import annotations

from collections.abc import Sequence

Pair = tuple[list[str], list[str]]

CONTEXT = 16  # words of the utterance on either side of a segment: enough to tell a story from a request
BETWEEN = "|"

ACTS = (
    "answer", "repeat", "rephrase", "explain_term", "which_case", "skip", "later", "dont_know", "time", "break", "resume",
    "correct", "restart", "already", "ask_job", "ask_interview", "ask_who", "person", "end", "wrong", "complaint", "swearing",
    "distress", "greeting", "small_talk", "backchannel", "confirm", "deny", "consent_worry", "other_language", "inject",
)  # fmt: skip
KINDS = (
    "none", "health", "disability", "pregnancy", "family", "religion", "origin", "age", "orientation", "union", "politics",
    "money", "crime", "logistics",
)  # fmt: skip
POINT = ("said", "contradicted", "absent")
PROBE = ("best", "good", "answered", "beside")
HEADS: dict[str, tuple[str, ...]] = {"act": ACTS, "wall": KINDS, "point": POINT, "probe": PROBE}  # task to its labels


def act_pair(segment: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Pair:
    """A segment of an utterance, and what was said around it."""
    around = [*before[-CONTEXT:], BETWEEN, *after[:CONTEXT]] if before or after else []
    return list(segment), around


def wall_pair(sentence: Sequence[str]) -> Pair:
    """A sentence that may hold what is nobody's business."""
    return list(sentence), []


def point_pair(says: str, answer: Sequence[str], follow_up: str = "") -> Pair:
    """What a key point states, and the answer. `follow_up`: the question this was said in reply to, if not the core one."""
    return says.split(), [*follow_up.split(), *answer]


def probe_pair(text: str, asks: str, answer: Sequence[str], follow_up: str = "") -> Pair:
    """A probe, what it asks for, and the answer after which it might be put."""
    return [*text.split(), *asks.split()], [*follow_up.split(), *answer]
