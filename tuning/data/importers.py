"""Records from elsewhere: CSV in followQG's form, and our own sessions (only with consent, and scrubbed)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from dialogue.follow_up.single_answer import decide_alone
from dialogue.follow_up.validator import validate
from dialogue.plan.generic import generic_question
from dialogue.state import fold
from dialogue.understanding.reader import Reader
from memory.consent import may_teach
from memory.events import AnyEvent
from tuning.data.records import FollowUpRecord, reason_of
from tuning.data.scrub import public_answer, scrubbed
from tuning.data.tables import read_table


@dataclass
class Imported:
    """`records`, and one line for every row that could not become one."""

    records: list[FollowUpRecord] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


async def from_csv(path: Path, reader: Reader, *, clean: bool = True) -> Imported:
    """Columns question, answer, followUp (or follow_up). Reader and policy supply kind and gap, as they would decide there.

    `clean`: leave out follow-ups whose form our validator would reject, with the reason.
    """
    found = Imported()
    for number, entry in enumerate(read_table(path, ("question", "answer", "followUp")), 2):
        row = entry.cells
        question = generic_question(row["question"], kind=None)  # a table does not say which kind it is
        probe = (await decide_alone(question, row["answer"], reader)).probe if row["answer"] else None
        text = re.sub(r"\s+", " ", row["followup"])
        _add(found, f"{path.name} line {entry.line}", clean, {
            "id": f"{path.stem}-{number}", "question": row["question"], "answer": row["answer"], "follow_up": text, "source": path.stem,
            "probe": probe.type if probe else "elaborate", "gap": probe.asks if probe else "more detail",
        })  # fmt: skip
    return found


def from_session(session: str, events: Sequence[AnyEvent]) -> Imported:
    """The spoken follow-ups of one session, in the corrected words where a person corrected them.

    Nothing without consent to it. Follow-ups rated down are left to preference tuning.
    """
    found = Imported()
    if not may_teach(events):
        found.left_out.append(f"{session}: no consent to be learnt from")
        return found
    state = fold(events)
    assert state.interview is not None
    names = [state.interview.candidate]
    for turn in state.turns:
        before = state.before(turn)
        if turn.probe is None or before is None or not before.answered:
            continue
        if turn.thumb is False and not turn.reworded:
            continue
        planned = state.planned(turn.question)
        _add(found, f"{session} turn {turn.number}", True, {
            "id": f"{session}-{turn.number}", "question": planned.text, "pack_question": planned.id,
            "answer": public_answer(before, names), "follow_up": scrubbed(turn.reworded or turn.text, names),
            "source": f"session:{session}", "probe": turn.probe, "kind": planned.kind, "level": planned.level,
            "span": scrubbed(turn.span.quote, names) if turn.span else "", "gap": turn.gap or "more detail",
        })  # fmt: skip
    return found


def _add(found: Imported, where: str, clean: bool, fields: dict[str, object]) -> None:
    try:
        record = FollowUpRecord.model_validate(fields)
    except ValidationError as error:
        found.left_out.append(f"{where} {reason_of(error)}")
        return
    verdict = validate(record.follow_up, earlier=())
    if clean and not verdict.valid:
        found.left_out.append(f"{where}: the follow-up {'; '.join(verdict.problems)}")
        return
    found.records.append(record)
