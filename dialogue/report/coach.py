"""The coach: explains a judgement by its evidence, asks for the missing fact, suggests exercises, knows the history.

Everything it says is made from the report and the person's own words. It invents no facts, and it cannot change a
level: nothing here writes to a report. Pure; a conversation is a list of messages, kept by the caller.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from dialogue.analysis.language import contains_phrase, content_stems, tokens
from dialogue.plan.history import Past, trend
from dialogue.report.exercises import exercise_for
from dialogue.report_model import QuestionReport, Report
from memory.records import Span

Topic = Literal["why", "improve", "outline", "exercise", "history", "time", "delivery", "said", "strengths", "help", "retry", "unknown"]  # fmt: skip


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
_TOPICS: tuple[tuple[Topic, tuple[str, ...]], ...] = (
    ("help", ("help", "what can you do", "how does this work", "commands")),
    ("history", ("history", "last time", "progress", "trend", "compared to before", "getting better", "over time", "previous interviews")),
    ("retry", ("retry", "try again", "repeat the question", "do it again", "another attempt")),
    ("outline", ("outline", "better answer", "model answer", "write my answer", "rewrite", "what should i have said", "example answer", "write it for me", "perfect answer")),
    ("exercise", ("exercise", "practise", "practice", "drill", "train")),
    ("delivery", ("filler", "fillers", "um", "uh", "pause", "pauses", "pace", "speed", "speak slower", "how did i sound", "hesitation", "nervous", "confident")),
    ("time", ("too long", "too short", "time management", "how long", "seconds")),
    ("strengths", ("strength", "strengths", "what was good", "what went well", "did well", "best answer")),
    ("why", ("why", "explain", "reason", "how come", "what does", "rating", "level", "score")),
    ("improve", ("improve", "better", "missing", "work on", "weak", "weakness", "weaknesses", "next time", "do differently")),
    ("said", ("what did i say", "quote", "my words", "my answer", "transcript")),
)  # fmt: skip
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "last": -1,
             "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}  # fmt: skip
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
    judged = [q for q in report.questions if q.rubric.level is not None]
    return (
        f"We can talk about your {report.title} with {len(report.questions)} questions, {len(judged)} of them judged. "
        'Ask "why" about a rating, what to improve, for an exercise, or for an outline made from your own facts.'
    )


def advise(report: Report, talk: Sequence[Message], history: Sequence[Past] = ()) -> Advice:
    """The coach's next words, after a message from the person. `talk` ends with that message."""
    said = talk[-1].text.strip()
    asked = _asked_before(report, talk)
    if _SCORE.search(said):
        return Advice(
            "I cannot change a rating, and neither can anything said here: it is made by fixed rules from what was heard. "
            "I can show you the words it rests on, or we can try the question again."
        )
    topic = topic_of(said)
    if asked and topic not in ("help", "why", "history", "retry", "exercise", "delivery", "time", "strengths"):
        question, gap = asked
        if contains_phrase(said, _NO_FACT) or len(tokens(said)) < 2:
            return Advice(
                f"That is fine. Then say so in the interview too: that {_point(gap)} was not known is a fact as well. "
                "What would you do now to find it out?",
                question=question.id,
            )
        return _outline(report, question, [*_facts(report, talk[:-1], question), (gap, said)])
    question_ = question_of(report, said) or _current(report, talk)
    return _by_topic(report, topic, question_, talk, history)


def topic_of(text: str) -> Topic:
    """What a message is about, by its words."""
    return next((topic for topic, phrases in _TOPICS if contains_phrase(text, phrases)), "unknown")


def question_of(report: Report, text: str) -> QuestionReport | None:
    """The question a message refers to: by number, ordinal, competency or words."""
    words = tokens(text)
    count = len(report.questions)
    for i, word in enumerate(words):
        near = {"question", "answer", "number", "q"} & set(words[max(0, i - 2) : i + 3])
        number = int(word) if word.isdigit() else _ORDINALS.get(word, 0)
        if near and number and -1 <= number <= count:
            return report.questions[number - 1 if number > 0 else -1]
    said = content_stems(text)
    best = max(report.questions, key=lambda q: len(said & content_stems(f"{q.competency} {q.text}")), default=None)
    return best if best and len(said & content_stems(f"{best.competency} {best.text}")) >= 1 else None


def _current(report: Report, talk: Sequence[Message]) -> QuestionReport | None:
    """The question discussed last, else the weakest."""
    for message in reversed(talk[:-1]):
        if message.who == "you" and (found := question_of(report, message.text)):
            return found
    judged = [q for q in report.questions if q.rubric.level is not None]
    return min(judged, key=lambda q: q.rubric.level or 0.0, default=report.questions[0] if report.questions else None)


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
            return Advice(exercise_for(question), question=question.id)
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
        'I can explain a rating ("why question 2?"), say what to improve, give an exercise, build an outline from your own '
        "facts, or show your history. Which of them?"
    )


def _why(q: QuestionReport) -> Advice:
    rubric = q.rubric
    if rubric.level is None:
        return Advice(f"{_name(q)} has no rating: {rubric.reason}.", question=q.id)
    hits, missed = [h.name for h in rubric.hits], rubric.missed
    text = f"{_name(q)} is at {rubric.level:g} of 5, between {rubric.low:g} and {rubric.high:g}: {rubric.reason}. "
    text += f"Heard: {', '.join(hits)}. " if hits else "None of its key points was heard. "
    text += f"Not heard: {', '.join(missed)}." if missed else "Nothing was missing."
    return Advice(text, _once([h.evidence for h in rubric.hits]), q.id)


def _improve(q: QuestionReport) -> Advice:
    if q.rubric.missed:
        gap = q.rubric.missed[0]
        return Advice(
            f"On {_name(q)}, I did not hear {_point(gap)}. What can you truly say about it? Tell me, and I put it in its place.",
            _sentences(q)[:1], q.id, asks=gap,
        )  # fmt: skip
    if q.try_next:
        return Advice(q.try_next.text, q.try_next.evidence, q.id)
    return Advice(f"On {_name(q)}, there was not enough to go by. Tell it again, for a minute at least.", question=q.id)


def _ask_or_outline(report: Report, q: QuestionReport, talk: Sequence[Message]) -> Advice:
    facts = _facts(report, talk, q)
    gap = _open_gap(q, facts)
    if gap is not None:
        return Advice(
            f"I will not make up an answer for you, but we can build one from your facts. First: {_point(gap)}. What do you know about it?",
            question=q.id, asks=gap,
        )  # fmt: skip
    return _outline(report, q, facts)


def _outline(report: Report, q: QuestionReport, facts: Sequence[tuple[str, str]]) -> Advice:
    """The person's own words in the order of the rubric. Nothing is added."""
    lines = [f"- {hit.name}: “{hit.evidence.quote}”" for hit in q.rubric.hits]
    lines += [f"- {gap}: {text.strip().rstrip('.')} (you told me now)" for gap, text in facts]
    spans = _once([h.evidence for h in q.rubric.hits])
    gap = _open_gap(q, facts)
    text = f"From your own words on {_name(q)}:\n" + "\n".join(lines)
    if gap:
        return Advice(
            f"{text}\nStill open: {_point(gap)}. What can you say about it?",
            spans,
            q.id,
            asks=gap,
        )
    return Advice(
        f"{text}\nThat is all the rubric asks for. Say it aloud once, in about {round(q.timing.expected)} s.",
        spans,
        q.id,
    )


def _open_gap(q: QuestionReport, facts: Sequence[tuple[str, str]]) -> str | None:
    """The first point neither heard in the interview nor told to the coach."""
    told = {gap for gap, _ in facts}
    return next((gap for gap in q.rubric.missed if gap not in told), None)


def _history(q: QuestionReport, history: Sequence[Past]) -> Advice:
    levels = [level for _, level in trend(history, q.competency)]
    if len(levels) < 2:
        return Advice(f"There is no earlier practice of {q.competency} to compare with yet.", question=q.id)
    way = "up" if levels[-1] > levels[0] else "down" if levels[-1] < levels[0] else "level"
    return Advice(
        f"{q.competency.capitalize()} over {len(levels)} answers: {', '.join(f'{level:g}' for level in levels)}. It goes {way}.",
        question=q.id,
    )


def _delivery(q: QuestionReport) -> Advice:
    f = q.fluency
    if f is None:
        return Advice("Nothing was measured of the sound of that answer.", question=q.id)
    pace = f"{round(f.words_per_minute)} words a minute, " if f.words_per_minute else ""
    return Advice(
        f"On {_name(q)}: {pace}{f.pauses_per_minute:.0f} pauses and {f.fillers_per_minute:.0f} fillers a minute, the longest pause "
        f"{f.longest_pause:.1f} s. These describe the sound; they say nothing about feelings and never enter the rating.",
        question=q.id,
    )  # fmt: skip


def _strengths(report: Report) -> Advice:
    if not report.overall.strengths:
        return Advice("The evidence is not enough to name a strength yet.")
    return Advice(
        " ".join(s.text for s in report.overall.strengths), [e for s in report.overall.strengths for e in s.evidence]
    )


def _asked_before(report: Report, talk: Sequence[Message]) -> tuple[QuestionReport, str] | None:
    """What the coach last asked for, recovered from its own words: the talk is the only state."""
    previous = next((m for m in reversed(talk[:-1]) if m.who == "coach"), None)
    return _asks(report, previous.text) if previous else None


def _asks(report: Report, text: str) -> tuple[QuestionReport, str] | None:
    if not text.rstrip().endswith(("?", "place.")):
        return None
    for q in report.questions:
        for gap in q.rubric.missed:
            if _point(gap) in text.rsplit("Still open:", 1)[-1] and (
                _name(q) in text or f"First: {_point(gap)}" in text
            ):
                return q, gap
    return None


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
        ):
            found[asked[1]] = after.text
    return list(found.items())


def _once(spans: Sequence[Span]) -> list[Span]:
    return list({span.quote: span for span in spans}.values())[:4]


def _sentences(q: QuestionReport) -> list[Span]:
    return [
        Span(quote=s.text, t0=s.t0, t1=s.t1) for e in q.exchanges if e.intent in (None, "answer") for s in e.sentences
    ]


def _name(q: QuestionReport) -> str:
    return f"“{q.text.split('?')[0].split('. ')[0].rstrip('.')}”"


def _point(gap: str) -> str:
    return gap if gap.split()[0] in {"the", "your", "a", "an"} else f"the point “{gap}”"
