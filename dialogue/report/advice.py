"""Strengths, weaknesses, time, practice: sentences with evidence. Pure; checked in dialogue/report/evidence.py."""

from __future__ import annotations

from collections.abc import Sequence

from dialogue.analysis.reading import Reader
from dialogue.follow_up.wording import EMBEDDED
from dialogue.report.evidence import Transcript
from dialogue.report_model import Overall, QuestionReport, Rubric, Sentence, Statement
from dialogue.state import State, Turn
from memory.records import PlannedQuestion, Span

LONG_SHARE, SHORT_SHARE = 1.6, 0.35  # of the expected time


def try_next(question: PlannedQuestion, rubric: Rubric, answers: Sequence[Turn]) -> Statement | None:
    """One thing to try on this question, tied to the words it comes from."""
    reader = Reader([w for turn in answers for w in turn.words], question.text)
    if not reader.words:
        return None
    reading = reader.read(question)
    anchor = [reading.hits[0].span] if reading.hits else [reader.span(0, min(12, len(reader.words)))]
    if rubric.missed:
        return Statement(text=f"Start from here, and add {_thing(rubric.missed[0])}.", evidence=anchor)
    if not reading.numbers:
        return Statement(text="Put a number on this: how much, how many, or how long.", evidence=anchor)
    if question.kind == "behavioural" and reading.plural_person > reading.first_person:
        return Statement(
            text='Say "I" where it was you: the part that was yours is hard to tell from here.',
            evidence=anchor,
        )
    return Statement(
        text="All key points were heard. Keep this, and make one of them concrete with a name or a number.",
        evidence=anchor,
    )


def overall(questions: Sequence[QuestionReport], state: State, transcript: Transcript, agent_speech: float) -> Overall:
    """The page that people read first."""
    judged = sorted((q for q in questions if q.rubric.level is not None), key=lambda q: -(q.rubric.level or 0.0))
    strengths = [_strength(q) for q in judged[:3] if (q.rubric.level or 0) >= 3.0]
    weaknesses = [_weakness(q) for q in reversed(judged) if q.rubric.missed][:3]
    candidate_speech = sum(t.delivery.phonation_time for t in state.turns if t.delivery)
    total = candidate_speech + agent_speech
    plan = [q.try_next for q in sorted(judged, key=lambda q: q.rubric.level or 0.0) if q.try_next][:3]
    worded = [t for t in state.turns if t.probe and t.engine]
    by_model = [t for t in worded if t.engine != EMBEDDED]
    refused = [t for t in worded if t.note]
    kept = {
        "strengths": transcript.keep(strengths),
        "weaknesses": transcript.keep(weaknesses),
        "time_management": transcript.keep([_time(q) for q in questions]),
        "practice_plan": transcript.keep(plan),
    }
    return Overall(
        **kept,
        talk_ratio=round(candidate_speech / total, 3) if total > 0 and candidate_speech > 0 else None,
        interruptions_by_candidate=sum(turn.interruptions for turn in state.turns),
        rejected_statements=transcript.rejected,
        model_asked=len(by_model) + len(refused),
        model_used=len(by_model),
    )


def _strength(q: QuestionReport) -> Statement | None:
    if not q.rubric.hits:
        return None
    names = ", ".join(_thing(h.name) for h in q.rubric.hits[:3])
    return Statement(
        text=f"{q.competency.capitalize()}: the answer shows {names}.",
        evidence=[h.evidence for h in q.rubric.hits[:3]],
    )


def _weakness(q: QuestionReport) -> Statement | None:
    spoken = _spoken(q)
    if not spoken:
        return None
    names = ", ".join(_thing(name) for name in q.rubric.missed[:2])
    return Statement(text=f"{q.competency.capitalize()}: not heard in the answer: {names}.", evidence=[spoken])


def _time(q: QuestionReport) -> Statement | None:
    spoken = _spoken(q)
    if not spoken or q.timing.time_spent <= 0:
        return None
    share = q.timing.time_spent / q.timing.expected
    spent, expected = round(q.timing.time_spent), round(q.timing.expected)
    if share > LONG_SHARE:
        return Statement(
            text=f'"{_short(q)}" took {spent} s where about {expected} s are usual; lead with the result.',
            evidence=[spoken],
        )
    if share < SHORT_SHARE:
        return Statement(
            text=f'"{_short(q)}" took {spent} s where about {expected} s are usual; there was room for more.',
            evidence=[spoken],
        )
    return None


def _short(q: QuestionReport) -> str:
    sentence = q.text.split("?")[0].split(".")[0]
    words = sentence.split()
    return " ".join(words[:9]) + (" …" if len(words) > 9 else "")


def _spoken(q: QuestionReport) -> Span | None:
    """The fullest sentence of the answer."""
    sentences: list[Sentence] = [s for e in q.exchanges if e.intent in (None, "answer") for s in e.sentences]
    longest = max(sentences, key=lambda s: len(s.text), default=None)
    return Span(quote=longest.text, t0=longest.t0, t1=longest.t1) if longest else None


def _thing(name: str) -> str:
    """A key point's name, as worded in a sentence to the reader."""
    return (
        name.replace("they ", "you ")
        .replace("their own", "your own")
        .replace("their ", "your ")
        .replace("themselves", "yourself")
    )
