"""What a set of records looks like: how much, how long, how technical, how varied. Printed, and in the dataset card."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from statistics import mean, median

from dialogue.analysis.language import FILLERS, content_stems, stem, tokens
from prompts.loader import load_pack, pack_names
from tuning.data.records import CoachingRecord, FollowUpRecord
from tuning.data.splits import split
from tuning.metrics import distinct

Row = tuple[str, str]


def describe(records: Sequence[FollowUpRecord | CoachingRecord], shares: Sequence[float]) -> list[Row]:
    """Label and value, in reading order."""
    taught = [r.follow_up if isinstance(r, FollowUpRecord) else r.feedback for r in records]
    answers = list({r.answer: r for r in records}.values())
    sizes = [len(part) for part in split(list(records), shares)]
    rows: list[Row] = [
        ("records", str(len(records))),
        ("questions", str(len({r.question for r in records}))),
        ("answers", str(len(answers))),
        ("train / validation / test, by question", " / ".join(map(str, sizes))),
        ("words of an answer: median, mean, least to most", _words([r.answer for r in answers])),
        ("words to be learnt: median, mean, least to most", _words(taught)),
        ("answers with um, uh or a repeated word", f"{100 * mean(_hesitant(r.answer) for r in answers):.0f} %"),
        ("term density of answers to technical questions", f"{100 * _term_density(answers):.1f} %"),
        ("distinct-1 / distinct-2 of what is learnt", f"{distinct(taught, 1):.2f} / {distinct(taught, 2):.2f}"),
        ("subfields", _counts(r.subfield for r in records)),
        ("levels", _counts(r.level for r in records)),
        ("kinds", _counts(r.kind for r in records)),
    ]
    follow_ups = [r for r in records if isinstance(r, FollowUpRecord)]
    if follow_ups:
        rows.append(("probes", _counts(r.probe for r in follow_ups)))
        aimed = mean(bool(r.span) for r in follow_ups)
        rows.append(("aimed at words of the answer", f"{100 * aimed:.0f} %"))
    else:
        rows.append(("ratings 1..5", _counts(str(r.rating) for r in records if isinstance(r, CoachingRecord))))
    return rows


def _words(texts: Sequence[str]) -> str:
    lengths = [len(tokens(t)) for t in texts]
    return f"{median(lengths):.0f}, {mean(lengths):.1f}, {min(lengths)} to {max(lengths)}"


def _hesitant(answer: str) -> bool:
    words = tokens(answer)
    return any(w in FILLERS for w in words) or any(a == b for a, b in itertools.pairwise(words))


def _counts(values: object) -> str:
    return ", ".join(f"{name} {n}" for name, n in Counter(values).most_common())  # type: ignore[call-overload]


def _term_density(records: Sequence[FollowUpRecord | CoachingRecord]) -> float:
    """Share of an answer's words that are terms of its field: stems from the key points of the technical packs that
    the behavioural pack does not use."""
    packs = {name: load_pack(name) for name in pack_names()}
    everyday = _terms(packs["behavioural"])
    terms = set().union(*(_terms(p) for p in packs.values() if p.get("domain") not in (None, "behavioural"))) - everyday
    technical = [r for r in records if r.kind == "technical"]
    words = [w for r in technical for w in tokens(r.answer)]
    return sum(stem(w) in terms for w in words) / max(len(words), 1)


def _terms(pack: dict[str, object]) -> set[str]:
    questions: list[dict[str, object]] = pack["questions"]  # type: ignore[assignment]
    found: set[str] = set()
    for question in questions:
        for point in question["key_points"]:  # type: ignore[attr-defined]
            found |= content_stems(" ".join([point["name"], *point.get("terms", [])]))
    return found
