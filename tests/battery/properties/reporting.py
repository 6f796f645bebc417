"""The report: what stands in it, on what it rests, and what it does not say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema

from dialogue.report.build import REQUESTS
from dialogue.report.evidence import Transcript
from dialogue.report_model import Statement
from prompts.loader import load_schema
from tests.battery.properties.register import prop
from tests.battery.stage import Show

_FEELING = re.compile(r"\b(nervous|anxious|confident|stress\w*|emotion\w*|accent|mood|enthusias\w*)\b", re.IGNORECASE)
_GRADE = re.compile(
    r"\b(level|score|grade|rating|marks?|percentile|rank\w*|strong|weak|poor|out of (five|ten|5|10))\b|\b\d ?/ ?(5|10)\b",
    re.IGNORECASE,
)
_GRADES = frozenset(["level", "levels", "score", "grade", "rating", "rank", "low", "high"])


def statements(s: Show) -> list[Statement]:
    """Every sentence that the report states."""
    overall = s.report.overall
    made = [x for q in s.report.questions for x in (q.try_next, q.exercise, q.feedback) if x]
    return [*overall.said, *overall.contradicted, *overall.time_management, *overall.practice_plan, *made]


def own_words(s: Show) -> str:
    """What the report says in words of its own, without the pack's."""
    pack = [t for q in s.call.interview.questions for p in q.probes for t in (p.asks, p.text)]
    pack += [p.says for q in s.call.interview.questions for p in q.key_points]
    texts = " ".join(x.text for x in statements(s))
    for text in sorted(pack, key=len, reverse=True):
        texts = texts.replace(text.rstrip(".?"), "")
    return texts


def keys(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from keys(value)


@prop
def the_report_follows_its_schema(s: Show) -> bool:
    schema = load_schema("report.schema.json")
    return bool(jsonschema.validators.validator_for(schema)(schema).is_valid(json.loads(s.report.model_dump_json())))


@prop
def every_statement_has_evidence_that_was_said(s: Show) -> bool:
    transcript = Transcript([w for t in s.turns for w in t.words_or_text])
    return all(x.evidence and all(transcript.holds(e) for e in x.evidence) for x in statements(s))


@prop
def a_key_point_is_shown_by_words_that_were_said(s: Show) -> bool:
    transcript = Transcript([w for t in s.turns for w in t.words_or_text])
    points = [p for q in s.report.questions for p in q.rubric.points]
    return all(
        (p.evidence is not None and transcript.holds(p.evidence)) == (p.state in ("said", "contradicted"))
        for p in points
    )


@prop
def a_request_is_no_answer(s: Show) -> bool:
    requests = REQUESTS - {"deny"}
    asking = [(t.heard[0].words[0].start, t.heard[-1].end) for t in s.turns if t.heard and t.intent in requests]
    shown = [p.evidence for q in s.report.questions for p in q.rubric.points] + [
        e for x in statements(s) for e in x.evidence
    ]
    return not any(e and e.t0 is not None and start <= e.t0 <= end for e in shown for start, end in asking)


@prop
def big_words_and_other_topics_earn_nothing(s: Show) -> bool:
    return s.name not in ("bluffer", "off-topic", "curses-only") or not any(
        p.state == "said" for q in s.report.questions for p in q.rubric.points
    )


@prop
def the_report_grades_nobody(s: Show) -> bool:
    """No level, no score, no rank: neither in a field nor in a sentence."""
    return not _GRADES & set(keys(json.loads(s.report.model_dump_json()))) and not _GRADE.search(own_words(s))


@prop
def the_report_never_says_that_something_was_not_said(s: Show) -> bool:
    """The embedded reader cannot know it."""
    absent = [p for q in s.report.questions for p in q.rubric.points if p.state == "not_found"]
    return not absent and not re.search(
        r"\b(not heard|not mentioned|did not (say|mention)|missing|failed to)\b", own_words(s), re.IGNORECASE
    )


@prop
def the_report_names_no_feeling_and_no_accent(s: Show) -> bool:
    return not _FEELING.search(own_words(s))


@prop
def an_open_probe_was_not_asked(s: Show) -> bool:
    asked = {e.text for e in s.follow_ups}
    return not any(text in asked for q in s.report.questions for text in q.open_probes)


@prop
def the_report_holds_every_question_of_the_plan(s: Show) -> bool:
    return {q.id for q in s.report.questions} == {q.id for q in s.call.interview.questions}


@prop
def advice_is_for_practice(s: Show) -> bool:
    return s.mode == "practice" or not any(q.try_next or q.exercise for q in s.report.questions)


@prop
def a_screening_says_that_a_person_decides(s: Show) -> bool:
    return s.mode != "screen" or any("A person decides" in limit for limit in s.report.limits)
