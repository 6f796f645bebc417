"""The report, from the events alone. Pure: the same log gives the same report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dialogue.analysis.delivery import summarise, weighted_mean
from dialogue.analysis.language import closes_sentence, find_phrase
from dialogue.manager.requests import ASIDES
from dialogue.report.advice import addressed, fullest, overall, try_next
from dialogue.report.asked import asked_by_the_candidate
from dialogue.report.evidence import Transcript
from dialogue.report.exercises import exercise_for
from dialogue.report.private import without_private_words
from dialogue.report_model import (
    Exchange,
    Fluency,
    Hole,
    PointReport,
    QuestionReport,
    Report,
    Rubric,
    Sentence,
    Statement,
    Timing,
)
from dialogue.state import State, Turn
from dialogue.understanding.wall import LOGISTICS
from dialogue.understanding.whole import points_so_far, public_words, still_open
from memory.events import Advised
from memory.records import Delivery, PlannedQuestion, PrivateSaid, Span, Word

LIMITS = [
    "Words come from a speech recogniser and may be wrong; play a sentence before you rely on it.",
    "What is shown for a key point was surely said; what is not shown may still have been said in other words. A person rates.",
    "Timing and hesitation describe how something was said. They enter no judgement, and say nothing about feelings.",
    "Sentences about private matters stand in the transcript, marked, and are used nowhere else.",
]
SCREEN_LIMIT = "A person decides. This report ranks nobody and must not be the only basis of a decision."
_IN_OLD_LOGS = {"robot", "human", "leave", "language", "question_back", "go_on"}
REQUESTS = (
    ASIDES | {"time", "person", "silence", "skip", "later", "already"} | _IN_OLD_LOGS
)  # intents that answer nothing


def build_report(
    state: State,
    *,
    started: float,
    duration: float,
    agent_speech: float,
    recording: str | None,
) -> Report:
    """`started`: unix s. `duration`, `agent_speech`: s of the call, and of the agent's audible speech in it."""
    assert state.interview is not None
    transcript = Transcript([w for t in state.turns for w in public_words(t.words_or_text, t.reading)])
    questions = [_question(state, q, transcript) for q in state.discussed]
    return Report(
        session=state.interview.id,
        title=state.interview.title,
        mode=state.interview.mode,
        candidate=state.interview.candidate,
        created_at=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        duration=round(duration, 3),
        recording=recording,
        outcome=state.ended or "interrupted",
        engines=dict(state.engines),
        holes=[Hole(at=round(t, 3), gap=round(gap, 3)) for t, gap in state.holes],
        questions=questions,
        overall=overall(questions, state, transcript, agent_speech),
        delivery=summarise(
            [(t.number, t.delivery) for t in state.turns if t.delivery], practice=state.interview.mode == "practice"
        ),
        questions_of_the_candidate=asked_by_the_candidate(state),
        logistics=[s for q in questions for e in q.exchanges for s in e.sentences if s.private == LOGISTICS],
        left_out=sum(s.private not in ("", LOGISTICS) for q in questions for e in q.exchanges for s in e.sentences),
        limits=[*LIMITS, *([SCREEN_LIMIT] if state.interview.mode == "screen" else [])],
    )


def _question(state: State, question: PlannedQuestion, transcript: Transcript) -> QuestionReport:
    turns = [t for t in state.of_question(question.id) if t.answered or t.heard]
    answers = [t for t in turns if t.intent not in REQUESTS]
    words = [w for turn in answers for w in public_words(turn.words_or_text, turn.reading)]
    measured = [t.delivery for t in answers if t.delivery]
    first = next((d for d in measured if d.response_delay is not None), None)
    spent = sum(d.speaking_time for d in measured)
    exchanges = [_exchange(t, transcript) for t in turns]
    told = [s for e in exchanges if e.intent not in REQUESTS for s in e.sentences]
    put = {t.text for t in state.of_question(question.id)}  # also what got no answer: they had told it, or left it
    open_probes = [p for p in still_open(question, answers) if p.text not in put]
    practice = state.interview is not None and state.interview.mode == "practice"
    advice = transcript.keep([try_next(open_probes[0] if open_probes else None, told)]) if practice else []
    advised = state.advice.get(question.id)
    feedback = transcript.keep([_feedback(advised, words)]) if advised and advised.text else []
    report = QuestionReport(
        id=question.id,
        competency=question.competency,
        kind=question.kind,
        difficulty=question.difficulty,
        text=question.text,
        exchanges=exchanges,
        rubric=_rubric(question, answers, practice),
        open_probes=[p.text for p in open_probes[:2]],
        fluency=_fluency(measured),
        timing=Timing(
            delay_before_answering=first.response_delay if first else None,
            delay_reliable=first.response_delay_reliable if first else True,
            time_spent=round(spent, 2),
            expected=question.seconds,
        ),
        try_next=advice[0] if advice else None,
        feedback=feedback[0] if feedback else None,
        feedback_by=advised.engine if advised and feedback else "",
        skipped=dict(state.skipped).get(question.id),
    )
    evidence = fullest(told)
    if not practice or evidence is None:
        return report
    exercise = Statement(text=exercise_for(open_probes[0] if open_probes else None), evidence=[evidence])
    kept = transcript.keep([exercise])
    return report.model_copy(update={"exercise": kept[0] if kept else None})


def _rubric(question: PlannedQuestion, answers: Sequence[Turn], practice: bool) -> Rubric:
    points = [
        PointReport(
            name=seen.name,
            says=addressed(point.statement, practice),
            state=seen.state,
            evidence=_span(seen.passage),
        )
        for point, seen in zip(question.key_points, points_so_far(question, answers), strict=True)
    ]
    readers = dict.fromkeys(t.reading.reader for t in answers if t.reading)
    return Rubric(anchors=question.anchors, points=points, reader=", ".join(readers))


def _span(passage: Span | None) -> Span | None:
    return None if passage is None else Span(quote=passage.quote, t0=passage.t0, t1=passage.t1)


def _feedback(advised: Advised, words: Sequence[Word]) -> Statement:
    """The model's feedback, its quote with the times at which it was said."""
    at = find_phrase([w.text for w in words], advised.quote)
    span = Span(quote=advised.quote)
    if at and words[at[0]].end > words[at[0]].start:
        span = Span(quote=advised.quote, t0=words[at[0]].start, t1=words[at[1] - 1].end)
    return Statement(text=advised.text, evidence=[span])


def _exchange(turn: Turn, transcript: Transcript) -> Exchange:
    aimed = turn.span if turn.span and transcript.holds(turn.span) else None  # an old log may aim at something private
    words, reading = turn.words_or_text, turn.reading
    delivery = without_private_words(turn.delivery, words, reading) if turn.delivery else None
    return Exchange(
        turn=turn.number,
        kind="core" if turn.probe is None else "follow_up",
        probe=turn.probe,
        text=turn.text,
        why=turn.why,
        worded_by=turn.engine,
        aimed_at=aimed,
        asked_at=turn.asked_at,
        sentences=sentences_of(words, reading.private if reading else ()),
        intent=turn.intent,
        delivery=delivery,
        interruptions=turn.interruptions,
        recognition_confidence=_confidence([turn]),
    )


def sentences_of(words: Sequence[Word], private: Sequence[PrivateSaid] = ()) -> list[Sentence]:
    """Timed words as sentences, closed by punctuation, after 30 words, or where something private begins or ends."""
    kinds = {i: p.kind for p in private for i in range(p.passage.first, p.passage.after)}
    found: list[Sentence] = []
    part: list[Word] = []
    for i, word in enumerate(words):
        part.append(word)
        last = i == len(words) - 1
        kind = kinds.get(i, "")
        if closes_sentence(word.text) or len(part) >= 30 or last or kinds.get(i + 1, "") != kind:
            timed = part[-1].end > part[0].start  # typed words have no sound
            text = " ".join(w.text for w in part)
            span = (part[0].start, part[-1].end) if timed else (None, None)
            found.append(Sentence(text=text, t0=span[0], t1=span[1], private=kind))
            part = []
    return found


def _confidence(turns: Sequence[Turn]) -> float | None:
    known = [piece.confidence for turn in turns for piece in turn.heard if piece.confidence is not None]
    return sum(known) / len(known) if known else None


def _fluency(measured: Sequence[Delivery]) -> Fluency | None:
    speaking = sum(d.speaking_time for d in measured)
    if not measured or speaking <= 0.0:
        return None

    def mean(values: Sequence[tuple[float | None, float]]) -> float | None:
        found = weighted_mean(values)
        return None if found is None else round(found, 2)

    confidence = min(d.confidence for d in measured)
    return Fluency(
        words_per_minute=mean([(d.words_per_minute, d.speaking_time) for d in measured]),
        articulation_rate=mean([(d.articulation_rate, d.phonation_time) for d in measured]),
        pauses_per_minute=round(60.0 * sum(len(d.silent_pauses) for d in measured) / speaking, 2),
        fillers_per_minute=round(
            60.0 * sum(len(d.filled_pauses) + len(d.filler_words) for d in measured) / speaking, 2
        ),
        longest_pause=round(max(d.longest_pause for d in measured), 2),
        confidence=confidence,
        note="from the sound of all answers to this question, weighted by their length",
    )
