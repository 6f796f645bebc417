"""Two answers to one question, side by side: what was gained, lost and kept. Pure."""

from __future__ import annotations

from pydantic import Field

from dialogue.report_model import QuestionReport
from memory.records import Record, Span


class Change(Record):
    """One thing that is otherwise in the second answer. `better` None: neither better nor worse."""

    what: str
    before: str
    after: str
    better: bool | None
    evidence: list[Span] = Field(default_factory=list)


class Comparison(Record):
    """Of an answer with an earlier one to the same question."""

    question: str
    text: str
    earlier_session: str
    changes: list[Change]
    summary: str


def compare(earlier: QuestionReport, later: QuestionReport, earlier_session: str) -> Comparison:
    """What changed from `earlier` to `later`."""
    before = {h.name: h.evidence for h in earlier.rubric.hits}
    after = {h.name: h.evidence for h in later.rubric.hits}
    changes = [
        Change(what=name, before="not heard", after="heard", better=True, evidence=[span])
        for name, span in after.items()
        if name not in before
    ]
    changes += [
        Change(what=name, before="heard", after="not heard", better=False) for name in before if name not in after
    ]
    old = {q.name: q for q in earlier.qualities}
    for quality in later.qualities:
        if (
            quality.name in old
            and abs(quality.value - old[quality.name].value) >= 0.1
            and quality.name != "completeness"
        ):
            first = old[quality.name]
            changes.append(
                Change(
                    what=quality.name,
                    before=first.basis,
                    after=quality.basis,
                    better=quality.value > first.value,
                    evidence=quality.evidence[:1],
                )
            )
    if abs(later.timing.time_spent - earlier.timing.time_spent) >= 5.0:
        changes.append(
            Change(
                what="time",
                before=f"{earlier.timing.time_spent:.0f} s",
                after=f"{later.timing.time_spent:.0f} s",
                better=None,
            )
        )
    return Comparison(
        question=later.id,
        text=later.text,
        earlier_session=earlier_session,
        changes=changes,
        summary=_summary(earlier, later, changes),
    )


def _summary(earlier: QuestionReport, later: QuestionReport, changes: list[Change]) -> str:
    won, lost = sum(c.better is True for c in changes), sum(c.better is False for c in changes)
    first, second = earlier.rubric.level, later.rubric.level
    levels = (
        f"from {first:g} to {second:g} of 5"
        if first is not None and second is not None
        else "without a rating on both sides"
    )
    if not changes:
        return f"Nothing that is measured changed ({levels})."
    return f"{won} better, {lost} worse, {levels}."
