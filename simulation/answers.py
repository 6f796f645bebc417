"""What simulated candidates say to a planned question when they answer it: pieces by the question's author. Pure."""

from __future__ import annotations

import random

from memory.records import PlannedQuestion

_BETWEEN = (
    "That took some time.",
    "We talked it over twice.",
    "I remember it well.",
    "It was a busy week.",
    "Nobody had planned for that.",
)


def full(question: PlannedQuestion, parts: int = 99) -> str:
    """An answer to the first `parts` probes before they are asked, with plain sentences between them."""
    said = ["At my last company we had this very case two years ago."]
    for i, probe in enumerate(question.probes[:parts]):
        said += [_sentence(probe.answered_by[0]), _BETWEEN[i % len(_BETWEEN)]] if probe.answered_by else []
    said.append("In the end it saved us four hours each week.")
    return " ".join(said)


def average(question: PlannedQuestion, turn: int) -> str:
    """Half of a full answer, then something to each follow-up."""
    if turn == 0:
        return full(question, max(1, len(question.probes) // 3))
    return "I asked my colleague and we decided it together, because time was short."


def rambling(rng: random.Random) -> str:
    """A hundred words and more about nothing."""
    talk = (
        "I remember the weather of that day",
        "the neighbours had a dog as well",
        "that reminds me of a film",
        "the trains were late",
        "we had soup in the canteen",
        "somebody from the bank came in",
        "it was before the summer",
        "the printer was broken again",
    )
    return " and ".join(rng.choice(talk) for _ in range(25)) + "."


def _sentence(piece: str) -> str:
    text = piece[:1].upper() + piece[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."
