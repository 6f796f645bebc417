"""What was said, what is open, time, practice: sentences with evidence. Pure; checked in dialogue/report/evidence.py."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dialogue.follow_up.wording import AUTHORED
from dialogue.report.evidence import Transcript
from dialogue.report_model import Overall, PointReport, QuestionReport, Sentence, Statement
from dialogue.state import State
from memory.records import Probe, Span

LONG_SHARE, SHORT_SHARE = 1.6, 0.35  # of the expected time
MOST = 3  # statements of a kind on the page that people read first
_THEY = (
    (r"\bThey\b", "You"), (r"\bthey\b", "you"), (r"\bTheir\b", "Your"), (r"\btheir own\b", "your own"),
    (r"\btheir\b", "your"), (r"\btheirs\b", "yours"), (r"\bthemselves\b", "yourself"), (r"\bthemself\b", "yourself"),
)  # fmt: skip


def try_next(probe: Probe | None, sentences: Sequence[Sentence]) -> Statement | None:
    """One thing to try on this question, tied to the fullest sentence of the answer."""
    spoken = fullest(sentences)
    if spoken is None or probe is None:
        return None
    return Statement(text=f"Next time, say this as well: {_lowered(probe.asks or probe.text)}.", evidence=[spoken])


def overall(questions: Sequence[QuestionReport], state: State, transcript: Transcript, agent_speech: float) -> Overall:
    """The page that people read first."""
    assert state.interview is not None
    practice = state.interview.mode == "practice"
    made = sorted(questions, key=lambda q: -sum(p.state == "said" for p in q.rubric.points))
    said = [_point(q, p, practice) for q in made for p in q.rubric.points if p.state == "said" and p.evidence]
    against = [
        _point(q, p, practice) for q in made for p in q.rubric.points if p.state == "contradicted" and p.evidence
    ]
    candidate_speech = sum(t.delivery.phonation_time for t in state.turns if t.delivery)
    total = candidate_speech + agent_speech
    worded = [t for t in state.turns if t.probe and t.engine and not t.again]
    by_model = [t for t in worded if t.engine != AUTHORED]
    refused = [t for t in worded if t.note]
    kept = {
        "said": transcript.keep(said),
        "contradicted": transcript.keep(against),
        "time_management": transcript.keep([_time(q) for q in questions]),
        "practice_plan": transcript.keep([q.try_next for q in questions])[:MOST],
    }
    return Overall(
        **kept,
        talk_ratio=round(candidate_speech / total, 3) if total > 0 and candidate_speech > 0 else None,
        interruptions_by_candidate=sum(turn.interruptions for turn in state.turns),
        rejected_statements=transcript.rejected,
        model_asked=len(by_model) + len(refused),
        model_used=len(by_model),
    )


def addressed(text: str, practice: bool) -> str:
    """A key point as a sentence to its reader: the candidate in practice, the hiring team in screening."""
    for pattern, word in _THEY if practice else ():
        text = re.sub(pattern, word, text)
    return text


def fullest(sentences: Sequence[Sentence]) -> Span | None:
    """The longest sentence that may be shown."""
    longest = max((s for s in sentences if not s.private), key=lambda s: len(s.text), default=None)
    return Span(quote=longest.text, t0=longest.t0, t1=longest.t1) if longest else None


def _point(q: QuestionReport, point: PointReport, practice: bool) -> Statement:
    assert point.evidence is not None
    text = addressed(point.says, practice)
    if point.state == "contradicted":
        text = f"these words speak against “{text.rstrip('.')}”."
    return Statement(text=f"{_short(q)}: {text}", evidence=[point.evidence])


def _time(q: QuestionReport) -> Statement | None:
    spoken = fullest([s for e in q.exchanges if e.intent in (None, "answer") for s in e.sentences])
    if not spoken or q.timing.time_spent <= 0:
        return None
    share = q.timing.time_spent / q.timing.expected
    spent, expected = round(q.timing.time_spent), round(q.timing.expected)
    if share > LONG_SHARE:
        return Statement(
            text=f'"{_short(q)}" took {spent} s where about {expected} s are usual.',
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
    return " ".join(words[:9]).rstrip(",;:") + (" …" if len(words) > 9 else "")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip("?.")
