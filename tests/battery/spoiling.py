"""Ways to spoil an interview: each takes a show and gives one that is broken in a single respect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dialogue.report_model import QuestionReport, Report, Statement
from dialogue.state import State
from memory.events import AnyEvent
from memory.records import Span
from tests.battery.stage import Show

Spoil = Callable[[Show], Show]
NEVER_SAID = Span(quote="twelve purple elephants", t0=1.0, t1=2.0)


def spoilt(
    s: Show, *, events: Sequence[AnyEvent] | None = None, said: Sequence[str] | None = None, state: State | None = None,
    report: Report | None = None, **call: Any,
) -> Show:  # fmt: skip
    """The same show with parts replaced. A report that is passed in is kept, whatever the events say."""
    changes: dict[str, Any] = {
        "events": list(s.events if events is None else events),
        "said": list(s.call.said if said is None else said),
    }
    made = Show(s.character, s.mode, s.pack, replace(s.call, **changes, **call))
    made.__dict__.update({k: v for k, v in (("state", state), ("report", report)) if v is not None})
    return made


def each(kind: str, *only: int, **changes: Any) -> Spoil:
    """Changes events of a kind: all of them, or those at the given indices among their kind."""

    def spoil(s: Show) -> Show:
        number, events = -1, []
        for event in s.events:
            number += event.kind == kind
            hit = event.kind == kind and (not only or number in only)
            events.append(event.model_copy(update=changes) if hit else event)
        return spoilt(s, events=events)

    return spoil


def without(*kinds: str) -> Spoil:
    return lambda s: spoilt(s, events=[e for e in s.events if e.kind not in kinds])


def says(text: str, at: int = 1) -> Spoil:
    """Says `text` in place of utterance `at`."""
    return lambda s: spoilt(s, said=[text if i == at % len(s.call.said) else x for i, x in enumerate(s.call.said)])


def never_says(text: str) -> Spoil:
    """Nothing that sounded had these words."""

    def spoil(s: Show) -> Show:
        events = [
            e.model_copy(update={"text": e.text.replace(text, "")}) if e.kind in ("spoken", "said") else e
            for e in s.events
        ]
        return spoilt(s, events=events, said=[x.replace(text, "") for x in s.call.said])

    return spoil


def also_says(text: str) -> Spoil:
    """These words are in everything that sounded."""

    def spoil(s: Show) -> Show:
        events = [e.model_copy(update={"text": f"{e.text} {text}"}) if e.kind == "spoken" else e for e in s.events]
        return spoilt(s, events=events, said=[f"{x} {text}" for x in s.call.said])

    return spoil


def later(minutes: float) -> Spoil:
    return lambda s: spoilt(s, t=minutes * 60.0)


def turns(change: Callable[[State], dict[int, dict[str, Any]]]) -> Spoil:
    """Changes turns by number."""

    def spoil(s: Show) -> Show:
        changes = change(s.state)
        made = tuple(replace(t, **changes.get(t.number, {})) for t in s.state.turns)
        return spoilt(s, state=replace(s.state, turns=made))

    return spoil


def reported(**changes: Any) -> Spoil:
    """Changes the report itself."""
    return lambda s: spoilt(s, report=s.report.model_copy(update=changes))


def questions(change: Callable[[QuestionReport], dict[str, Any]]) -> Spoil:
    """Changes each question of the report."""

    def spoil(s: Show) -> Show:
        made = [q.model_copy(update=change(q)) for q in s.report.questions]
        return spoilt(s, report=s.report.model_copy(update={"questions": made}))

    return spoil


def points(**changes: Any) -> Spoil:
    """Changes each key point of the report."""

    def change(q: QuestionReport) -> dict[str, Any]:
        made = [p.model_copy(update=changes) for p in q.rubric.points]
        return {"rubric": q.rubric.model_copy(update={"points": made})}

    return questions(change)


def sentences(**changes: Any) -> Spoil:
    """Changes each sentence of the transcript in the report."""

    def change(q: QuestionReport) -> dict[str, Any]:
        made = [
            e.model_copy(update={"sentences": [x.model_copy(update=changes) for x in e.sentences]}) for e in q.exchanges
        ]
        return {"exchanges": made}

    return questions(change)


def states(text: str, evidence: Span = NEVER_SAID) -> Spoil:
    """The report states one thing more."""

    def spoil(s: Show) -> Show:
        overall = s.report.overall
        made = Statement(text=text, evidence=[evidence])
        more = overall.model_copy(update={"contradicted": [*overall.contradicted, made]})
        return spoilt(s, report=s.report.model_copy(update={"overall": more}))

    return spoil
