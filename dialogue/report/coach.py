"""The coach: shows what was heard and where, asks for the missing fact, suggests exercises, knows the history.

Everything it says is made from the report and the person's own words. It invents no facts, and nothing
here writes to a report. Pure; a conversation is a list of messages, kept by the caller.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from dialogue.analysis.language import contains_phrase, tokens
from dialogue.plan.history import Past, trend
from dialogue.report.advice import addressed
from dialogue.report.exercises import LONGER
from dialogue.report.topics import Topic, question_of, topic_of
from dialogue.report_model import QuestionReport, Report
from dialogue.understanding.embedded import is_private
from memory.records import Span


@dataclass(frozen=True)
class Message:
    """One turn of the talk. `who`: you (the person) or coach."""

    who: Literal["you", "coach"]
    text: str


@dataclass(frozen=True)
class Advice:
    """`evidence`: the words it rests on, playable. `question`: which question of the interview it is about."""

    text: str
    evidence: list[Span] = field(default_factory=list)
    question: str = ""
    asks: str = ""  # the gap whose fact was asked for: the next message answers it


_SCORE = re.compile(
    r"\b(change|raise|improve|increase|fix|correct|set|give|make|lower|bump|upgrade|regrade|re-?score|re-?rate)\b.{0,40}\b(score|level|rating|grade|mark|points?|five|5|top)\b"
    r"|\b(ignore|forget|override)\b.{0,40}\b(rubric|instruction|rule|report|prompt)|\byou are now\b|\bsystem prompt\b|\bas an? (admin|administrator|developer)\b",
    re.IGNORECASE,
)
_COMMANDS = ("help", "why", "history", "retry", "exercise", "delivery", "time", "strengths")
_NO_FACT = (
    "i don't know",
    "i do not know",
    "no idea",
    "can't remember",
    "cannot remember",
    "not sure",
    "there was none",
    "nothing",
    "i don't",
)


def greeting(report: Report) -> str:
    return (
        f"We can talk about your {report.title} with {len(report.questions)} questions. Ask what was heard in an answer, what to "
        "improve, for an exercise, or for an outline made from your own facts."
    )


def advise(report: Report, talk: Sequence[Message], history: Sequence[Past] = ()) -> Advice:
    """The coach's next words, after a message from the person. `talk` ends with that message."""
    said = talk[-1].text.strip()
    asked = _asked_before(report, talk)
    if _SCORE.search(said):
        return Advice(
            "There is no rating that I could change: what was heard is shown, and a person rates. "
            "I can show you the words that count, or we can try the question again."
        )
    topic = topic_of(said)
    told = asked if topic not in _COMMANDS else None
    if told and (contains_phrase(said, _NO_FACT) or len(tokens(said)) < 2):
        return Advice(
            "That is fine. Then say so in the interview too: that you do not know it is a fact as well. "
            "What would you do now to find it out?",
            question=told[0].id,
        )
    if (told or topic == "unknown") and is_private(said):  # only these words could be used as a fact
        return Advice(
            "I leave that out: it is nobody's business in an interview, and nothing here rests on it. What else can you say?"
        )
    if told:
        question, gap = told
        return _outline(report, question, [*_facts(report, talk[:-1], question), (gap, said)])
    question_ = question_of(report, said) or _current(report, talk)
    return _by_topic(report, topic, question_, talk, history)


def _current(report: Report, talk: Sequence[Message]) -> QuestionReport | None:
    """The question discussed last, else the one with most left open."""
    for message in reversed(talk[:-1]):
        if message.who == "you" and (found := question_of(report, message.text)):
            return found
    return max(report.questions, key=lambda q: len(q.open_probes), default=None)


def _by_topic(
    report: Report, topic: Topic, question: QuestionReport | None, talk: Sequence[Message], history: Sequence[Past]
) -> Advice:
    if question is None:
        return Advice("There is no answer in this interview that I could talk about.")
    match topic:
        case "why":
            return _why(question)
        case "improve":
            return _improve(question)
        case "outline":
            return _ask_or_outline(report, question, talk)
        case "exercise":
            return Advice(question.exercise.text if question.exercise else LONGER, question=question.id)
        case "history":
            return _history(question, history)
        case "time":
            spent, usual = round(question.timing.time_spent), round(question.timing.expected)
            return Advice(f"You spent {spent} s on {_name(question)}; about {usual} s are usual.", question=question.id)
        case "delivery":
            return _delivery(question)
        case "strengths":
            return _strengths(report)
        case "said":
            spans = _sentences(question)
            return Advice(
                "These are your words, as they were understood." if spans else "No words of yours were heard there.",
                spans,
                question.id,
            )
        case "retry":
            return Advice(
                f"Try it again with: viva retry {report.session} {question.id}, or by the button beside the question. I compare both answers then.",
                question=question.id,
            )
    return Advice(
        'I can show what was heard ("why question 2?"), say what to improve, give an exercise, build an outline from your own '
        "facts, or show your history. Which of them?"
    )


def _why(q: QuestionReport) -> Advice:
    said = [p for p in q.rubric.points if p.state == "said" and p.evidence]
    against = [p for p in q.rubric.points if p.state == "contradicted" and p.evidence]
    text = f"{_name(q)} has no rating: no judge has earned one here, so a person rates. "
    text += (
        f"Surely heard: {' '.join(addressed(p.says, True) for p in said)} "
        if said
        else "I am sure of none of its key points. "
    )
    if against:
        text += f"This does not fit what you said: {' '.join(addressed(p.says, True) for p in against)} "
    rest = [p for p in q.rubric.points if p not in said and p not in against]
    if rest:
        text += f"I cannot tell whether you said this: {' '.join(addressed(p.says, True) for p in rest)}"
    return Advice(text.strip(), _once([p.evidence for p in [*said, *against] if p.evidence]), q.id)


def _improve(q: QuestionReport) -> Advice:
    if q.open_probes:
        return Advice(
            f"On {_name(q)}, one thing is open: {q.open_probes[0]} Tell me, and I put it in its place.",
            _sentences(q)[:1], q.id, asks=q.open_probes[0],
        )  # fmt: skip
    if q.try_next:
        return Advice(q.try_next.text, q.try_next.evidence, q.id)
    return Advice(f"On {_name(q)}, there was not enough to go by. Tell it again, for a minute at least.", question=q.id)


def _ask_or_outline(report: Report, q: QuestionReport, talk: Sequence[Message]) -> Advice:
    facts = _facts(report, talk, q)
    gap = _open_gap(q, facts)
    if gap is not None:
        return Advice(
            f"I will not make up an answer for you, but we can build one from your facts. First, about {_name(q)}: {gap}",
            question=q.id, asks=gap,
        )  # fmt: skip
    return _outline(report, q, facts)


def _outline(report: Report, q: QuestionReport, facts: Sequence[tuple[str, str]]) -> Advice:
    """The person's own words in the order of the rubric. Nothing is added."""
    heard = [p.evidence for p in q.rubric.points if p.state == "said" and p.evidence] or _sentences(q)
    lines = [f"- “{span.quote}”" for span in _once(heard)]
    lines += [f"- {text.strip().rstrip('.')} (you told me now)" for _, text in facts]
    spans = _once(heard)
    gap = _open_gap(q, facts)
    text = f"From your own words on {_name(q)}:\n" + "\n".join(lines)
    if gap:
        return Advice(
            f"{text}\nStill open: {gap}",
            spans,
            q.id,
            asks=gap,
        )
    return Advice(
        f"{text}\nThat is all I would ask for. Say it aloud once, in about {round(q.timing.expected)} s.",
        spans,
        q.id,
    )


def _open_gap(q: QuestionReport, facts: Sequence[tuple[str, str]]) -> str | None:
    """The first open follow-up that was not answered to the coach either."""
    told = {gap for gap, _ in facts}
    return next((gap for gap in q.open_probes if gap not in told), None)


def _history(q: QuestionReport, history: Sequence[Past]) -> Advice:
    shares = [share for _, share in trend(history, q.competency)]
    if len(shares) < 2:
        return Advice(f"There is no earlier practice of {q.competency} to compare with yet.", question=q.id)
    return Advice(
        f"{q.competency.capitalize()} over {len(shares)} answers: I was sure of {', '.join(f'{share:.0%}' for share in shares)} of the "
        "key points. That counts what was surely heard, not how good it was.",
        question=q.id,
    )


def _delivery(q: QuestionReport) -> Advice:
    f = q.fluency
    if f is None:
        return Advice("Nothing was measured of the sound of that answer.", question=q.id)
    pace = f"{round(f.words_per_minute)} words a minute, " if f.words_per_minute else ""
    return Advice(
        f"On {_name(q)}: {pace}{f.pauses_per_minute:.0f} pauses and {f.fillers_per_minute:.0f} fillers a minute, the longest pause "
        f"{f.longest_pause:.1f} s. These describe the sound; they say nothing about feelings and enter no judgement.",
        question=q.id,
    )  # fmt: skip


def _strengths(report: Report) -> Advice:
    if not report.overall.said:
        return Advice("I am sure of too little to name a strength yet.")
    return Advice(
        "Surely heard: " + " ".join(s.text for s in report.overall.said[:3]),
        [e for s in report.overall.said[:3] for e in s.evidence],
    )


def _asked_before(report: Report, talk: Sequence[Message]) -> tuple[QuestionReport, str] | None:
    """What the coach last asked for, recovered from its own words: the talk is the only state."""
    previous = next((m for m in reversed(talk[:-1]) if m.who == "coach"), None)
    return _asks(report, previous.text) if previous else None


def _asks(report: Report, text: str) -> tuple[QuestionReport, str] | None:
    """The question and the follow-up that the coach put last in a message."""
    found = [(text.rfind(gap), q, gap) for q in report.questions for gap in q.open_probes if gap in text]
    own = [x for x in found if _name(x[1]) in text] or found
    if not own:
        return None
    _, question, gap = max(own, key=lambda x: x[0])
    return question, gap


def _facts(report: Report, talk: Sequence[Message], q: QuestionReport) -> list[tuple[str, str]]:
    """What the person told the coach about this question: (gap, their words)."""
    found: dict[str, str] = {}
    for before, after in itertools.pairwise(talk):
        if (
            before.who == "coach"
            and after.who == "you"
            and (asked := _asks(report, before.text))
            and asked[0].id == q.id
            and not contains_phrase(after.text, _NO_FACT)
            and topic_of(after.text) == "unknown"
            and not _SCORE.search(after.text)
            and not is_private(after.text)
        ):
            found[asked[1]] = after.text
    return list(found.items())


def _once(spans: Sequence[Span]) -> list[Span]:
    return list({span.quote: span for span in spans}.values())[:4]


def _sentences(q: QuestionReport) -> list[Span]:
    return [
        Span(quote=s.text, t0=s.t0, t1=s.t1)
        for e in q.exchanges
        if e.intent in (None, "answer")
        for s in e.sentences
        if not s.private
    ]


def _name(q: QuestionReport) -> str:
    return f"“{q.text.split('?')[0].split('. ')[0].rstrip('.')}”"
