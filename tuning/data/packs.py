"""Questions of our packs, as records refer to them: by id, with the author's probe that a record is about. Pure but for the files."""

from __future__ import annotations

import functools

from dialogue.analysis.language import overlap
from dialogue.plan.plan import questions_of
from memory.records import PlannedQuestion, Probe
from prompts.loader import load_pack, pack_names


@functools.cache
def known_questions() -> dict[str, PlannedQuestion]:
    """All questions of our packs by id."""
    return {q.id: q for q in questions_of(*map(load_pack, pack_names()))}


@functools.cache
def questions_in(pack: str) -> dict[str, PlannedQuestion]:
    """The questions of one pack (name or path) by id."""
    return {q.id: q for q in questions_of(load_pack(pack))}


def probe_about(kind: str, gap: str, question: PlannedQuestion | None) -> Probe:
    """A follow-up of this kind that asks for `gap`, with the words of the question's author where one of the kind is there.

    Of several the nearest to the gap, so that a session's own decision comes back as it was.
    """
    of_kind = [p for p in question.probes if p.type == kind] if question else []
    nearest = max(of_kind, key=lambda p: (p.asks == gap, overlap(p.asks, gap)), default=None)
    return Probe(type=kind, text=nearest.text if nearest else "", asks=gap)
