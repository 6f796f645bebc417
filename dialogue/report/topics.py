"""What a message to the coach is about: its topic and its question, by the words in it. Pure."""

from __future__ import annotations

from typing import Literal

from dialogue.analysis.language import contains_phrase, content_stems, tokens
from dialogue.report_model import QuestionReport, Report

Topic = Literal["why", "improve", "outline", "exercise", "history", "time", "delivery", "said", "strengths", "help", "retry", "unknown"]  # fmt: skip

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
