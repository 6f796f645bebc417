"""What a report is. Its JSON Schema (prompts/schemas/report.schema.json) is generated from this; a test compares them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from memory.records import Delivery, Record, Span


class Statement(Record):
    """One sentence of judgement or advice. Without evidence that stands in the transcript, code rejects it."""

    text: str
    evidence: list[Span] = Field(min_length=1)


class Sentence(Record):
    """One sentence of an answer, playable.

    `private`: why it is left out of everything but the transcript ("health", "family"), or "logistics"; empty for the rest.
    """

    text: str
    t0: float | None
    t1: float | None
    private: str = ""


class Exchange(Record):
    """A question or follow-up and what was said to it."""

    turn: int
    kind: Literal["core", "follow_up"]
    probe: str | None
    text: str
    why: str
    worded_by: str | None
    aimed_at: Span | None
    asked_at: float
    sentences: list[Sentence]
    intent: str | None
    delivery: Delivery | None
    interruptions: int
    recognition_confidence: float | None


class PointReport(Record):
    """A key point and what was said to it. `state` as the reader has it; `evidence` where it was said or contradicted."""

    name: str
    says: str
    state: Literal["said", "contradicted", "not_found", "unsure"]
    evidence: Span | None = None


class Rubric(Record):
    """What was said to each key point, for a person who rates by the anchors. No level stands here: no judge has earned one."""

    anchors: dict[int, str]
    points: list[PointReport]
    reader: str = Field(description="who read the answers; empty: nobody could")


class Asked(Record):
    """Something the candidate asked about the job. `reply`: what was said to it."""

    text: str
    t0: float | None
    t1: float | None
    turn: int
    reply: str


class Timing(Record):
    """Seconds. `expected`: what a full answer to this question usually needs."""

    delay_before_answering: float | None
    delay_reliable: bool = Field(default=True, description="false: the line's own delay is in it, and not known")
    time_spent: float
    expected: float


class Fluency(Record):
    """Stated inputs only; no score, no inner state."""

    words_per_minute: float | None
    articulation_rate: float | None
    pauses_per_minute: float
    fillers_per_minute: float
    longest_pause: float
    confidence: float
    note: str


class QuestionReport(Record):
    id: str
    competency: str
    kind: str
    difficulty: int
    text: str
    exchanges: list[Exchange]
    rubric: Rubric
    open_probes: list[str] = Field(default_factory=list, description="follow-ups that are still worth asking")
    fluency: Fluency | None
    timing: Timing
    try_next: Statement | None
    exercise: Statement | None = Field(default=None, description="practice: for what is most worth adding")
    feedback: Statement | None = Field(default=None, description="practice: in a language model's words, past the gate")
    feedback_by: str = Field(default="", description="which model and adapter that was")
    skipped: str | None


class Overall(Record):
    said: list[Statement] = Field(description="key points that were surely made")
    contradicted: list[Statement] = Field(description="statements that do not fit a key point")
    time_management: list[Statement]
    practice_plan: list[Statement]
    talk_ratio: float | None = Field(description="candidate's speech / all speech")
    interruptions_by_candidate: int
    rejected_statements: int = Field(description="sentences that code rejected for want of evidence")
    model_asked: int = Field(default=0, description="follow-ups that a language model was asked to word")
    model_used: int = Field(default=0, description="of these, those whose words passed the gate and were spoken")


class MeasuredAnswer(Record):
    """`change`: from the baseline; None in the warm-up itself and where either is not known."""

    turn: int
    value: float | None
    change: float | None


class Measure(Record):
    """One measure of delivery over the interview. `per_minute`: how it changes along the interview, its median slope."""

    name: str
    label: str
    unit: str
    baseline: float | None
    answers: list[MeasuredAnswer]
    per_minute: float | None


class SteadinessPart(Record):
    """`value` 0..1: how close the later answers stay to the `baseline`."""

    name: str
    value: float
    baseline: float


class Steadiness(Record):
    """Practice only. 0..100, the mean of its parts; our own definition, unvalidated, no statement about a feeling."""

    value: int
    parts: list[SteadinessPart]
    answers: int


class DeliverySummary(Record):
    """Delivery against the person's own first answers (turns in `warm_up`)."""

    warm_up: list[int]
    warm_up_seconds: float
    measures: list[Measure]
    steadiness: Steadiness | None
    note: str


class Hole(Record):
    """The recording has a hole at `at`: the call was down for `gap` s of real time."""

    at: float
    gap: float


class Report(Record):
    schema_version: Literal["2"] = "2"
    session: str
    title: str
    mode: Literal["practice", "screen"]
    candidate: str
    created_at: str
    duration: float
    recording: str | None
    outcome: str
    engines: dict[str, str]
    holes: list[Hole]
    questions: list[QuestionReport]
    overall: Overall
    delivery: DeliverySummary | None = None
    questions_of_the_candidate: list[Asked] = Field(default_factory=list)
    logistics: list[Sentence] = Field(default_factory=list, description="for the process, apart from judgement")
    left_out: int = Field(default=0, description="sentences of a private kind: marked in the transcript, used nowhere")
    limits: list[str]
