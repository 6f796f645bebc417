"""The report, from the events alone. Pure: the same log gives the same report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dialogue.analysis.delivery import summarise, weighted_mean
from dialogue.analysis.language import closes_sentence, find_phrase
from dialogue.analysis.qualities import qualities
from dialogue.analysis.scoring import score
from dialogue.manager.requests import ASIDES
from dialogue.report.advice import overall, try_next
from dialogue.report.evidence import Transcript
from dialogue.report.exercises import exercise_for
from dialogue.report_model import Exchange, Fluency, Hole, QuestionReport, Report, Sentence, Statement, Timing
from dialogue.state import State, Turn
from memory.events import Advised
from memory.records import Delivery, PlannedQuestion, Span, Word

LIMITS = [
    "Words come from a speech recogniser and may be wrong; play a sentence before you rely on it.",
    "The level says how much of the rubric was heard in this answer. It is not a measure of the person.",
    "Timing and hesitation describe how something was said. They never enter the level, and say nothing about feelings.",
]
SCREEN_LIMIT = "A person decides. This report ranks nobody and must not be the only basis of a decision."
REQUESTS = ASIDES | {"time", "human", "leave", "silence"}


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
    transcript = Transcript([w for turn in state.turns for w in turn.words_or_text])
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
        limits=[*LIMITS, *([SCREEN_LIMIT] if state.interview.mode == "screen" else [])],
    )


def _question(state: State, question: PlannedQuestion, transcript: Transcript) -> QuestionReport:
    turns = [t for t in state.of_question(question.id) if t.answered or t.heard]
    answers = [t for t in turns if t.intent not in REQUESTS]
    words = [w for turn in answers for w in turn.words_or_text]
    confidence = _confidence(answers)
    rubric = score(words, question, confidence)
    measured = [t.delivery for t in answers if t.delivery]
    first = next((d for d in measured if d.response_delay is not None), None)
    spent = sum(d.speaking_time for d in measured)
    advice = transcript.keep([try_next(question, rubric, answers)])
    advised = state.advice.get(question.id)
    feedback = transcript.keep([_feedback(advised, words)]) if advised and advised.text else []
    report = QuestionReport(
        id=question.id,
        competency=question.competency,
        kind=question.kind,
        difficulty=question.difficulty,
        text=question.text,
        exchanges=[_exchange(t) for t in turns],
        rubric=rubric,
        qualities=qualities(words, question) if rubric.enough_evidence else [],
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
    if state.interview is None or state.interview.mode != "practice" or advice == []:
        return report
    exercise = transcript.keep([Statement(text=exercise_for(report), evidence=advice[0].evidence)])
    return report.model_copy(update={"exercise": exercise[0] if exercise else None})


def _feedback(advised: Advised, words: Sequence[Word]) -> Statement:
    """The model's feedback, its quote with the times at which it was said."""
    at = find_phrase([w.text for w in words], advised.quote)
    span = Span(quote=advised.quote)
    if at and words[at[0]].end > words[at[0]].start:
        span = Span(quote=advised.quote, t0=words[at[0]].start, t1=words[at[1] - 1].end)
    return Statement(text=advised.text, evidence=[span])


def _exchange(turn: Turn) -> Exchange:
    return Exchange(
        turn=turn.number,
        kind="core" if turn.probe is None else "follow_up",
        probe=turn.probe,
        text=turn.text,
        why=turn.why,
        worded_by=turn.engine,
        aimed_at=turn.span,
        asked_at=turn.asked_at,
        sentences=sentences_of(turn.words_or_text),
        intent=turn.intent,
        delivery=turn.delivery,
        interruptions=turn.interruptions,
        recognition_confidence=_confidence([turn]),
    )


def sentences_of(words: Sequence[Word]) -> list[Sentence]:
    """Timed words as sentences, closed by the recogniser's punctuation or after 30 words."""
    found: list[Sentence] = []
    part: list[Word] = []
    for i, word in enumerate(words):
        part.append(word)
        if closes_sentence(word.text) or len(part) >= 30 or i == len(words) - 1:
            timed = part[-1].end > part[0].start  # typed words have no sound
            text = " ".join(w.text for w in part)
            found.append(Sentence(text=text, t0=part[0].start if timed else None, t1=part[-1].end if timed else None))
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
