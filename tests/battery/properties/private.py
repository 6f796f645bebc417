"""What is nobody's business: marked in the transcript, and nowhere else. Checked by the words themselves, not by any guard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dialogue.analysis.language import tokens
from dialogue.report_model import Sentence
from simulation.characters import PRIVATE
from tests.battery.properties.register import prop
from tests.battery.stage import Show

LOGISTICS = "logistics"


def words_said(s: Show) -> set[str]:
    """The words by which the private things that this candidate told would be recognised."""
    told = " ".join(t.answer for t in s.turns)
    return {word for sentence, words in PRIVATE if sentence in told for word in words}


def transcript(s: Show) -> list[Sentence]:
    return [x for q in s.report.questions for e in q.exchanges for x in e.sentences]


def strings(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for value in part.values() if isinstance(part, dict) else part:
            yield from strings(value)


def without_transcript(s: Show) -> dict[str, Any]:
    """The report without the sentences of the exchanges."""
    report: dict[str, Any] = json.loads(s.report.model_dump_json())
    for question in report["questions"]:
        for exchange in question["exchanges"]:
            exchange["sentences"] = []
    return report


def holds(texts: Iterator[str] | list[str], words: set[str]) -> bool:
    return any(words & set(tokens(text)) for text in texts)


@prop
def nothing_private_is_spoken(s: Show) -> bool:
    return not holds(s.call.said, words_said(s))


@prop
def nothing_private_is_in_the_report_beside_the_transcript(s: Show) -> bool:
    """In no statement, evidence, exercise, open probe, question about the job, nor among logistics."""
    return not holds(strings(without_transcript(s)), words_said(s))


@prop
def nothing_private_is_a_reason_or_an_aim(s: Show) -> bool:
    """Of anything that was asked, nor a passage that a judgement points at."""
    parts = [e.model_dump(mode="json") for e in (*s.asked, *s.follow_ups)]
    read = [t.reading for t in s.turns if t.reading]
    parts += [x.model_dump(mode="json") for r in read for x in (*r.points, *r.probes, *r.numbers, *r.names)]
    return not holds(strings(parts), words_said(s))


@prop
def what_is_private_stands_in_the_transcript_and_is_marked(s: Show) -> bool:
    words = words_said(s)
    stands = [x for x in transcript(s) if words & set(tokens(x.text))]
    return all(x.private not in ("", LOGISTICS) for x in stands) and len(
        {w for x in stands for w in tokens(x.text)} & words
    ) == len(words)


@prop
def the_private_candidate_is_private(s: Show) -> bool:
    """So that the others of this file look at something."""
    return s.name != "private" or len(words_said(s)) >= 4


@prop
def what_is_left_out_is_counted(s: Show) -> bool:
    return s.report.left_out == sum(x.private not in ("", LOGISTICS) for x in transcript(s))


@prop
def work_is_not_left_out(s: Show) -> bool:
    """A wall that hides everything would be no use. It hides too much: of our average people's work up to two fifths
    (docs/results/understanding.md says what it hides of other people's)."""
    if s.name not in ("brilliant", "average", "second-language", "speed-talker", "interrupter"):
        return True
    return s.report.left_out <= 0.4 * len(transcript(s))
