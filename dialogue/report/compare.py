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
    before, after = _said(earlier), _said(later)
    changes = [
        Change(what=name, before="not surely heard", after="heard", better=True, evidence=[span])
        for name, span in after.items()
        if name not in before
    ]
    changes += [
        Change(what=name, before="heard", after="not surely heard", better=None) for name in before if name not in after
    ]
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
        summary=_summary(changes),
    )


def _summary(changes: list[Change]) -> str:
    new, gone = sum(c.better is True for c in changes), sum(c.before == "heard" for c in changes)
    if not changes:
        return "Nothing that is measured changed."
    return f"{new} key points surely heard that were not before, {gone} the other way round. How good it was, a person says."


def _said(question: QuestionReport) -> dict[str, Span]:
    return {p.says: p.evidence for p in question.rubric.points if p.state == "said" and p.evidence}
