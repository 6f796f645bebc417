"""Records that outlive a call. All times are seconds on the session's own timeline (the recording's clock)."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

Mode = Literal["practice", "screen"]


class Record(BaseModel):
    """Immutable and strict: an unknown field is a mistake, not an extension."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(Record):
    """One spoken word. `start` and `end` in seconds on the session timeline."""

    text: str
    start: float
    end: float
    confidence: float | None = None


def typed_words(text: str) -> list[Word]:
    """The words of something typed, closed by a full stop if it has no mark: what is typed next is another sentence."""
    text = text.strip()
    return untimed(text if text.endswith((".", "?", "!", "…")) or not text else f"{text}.")


def untimed(text: str) -> list[Word]:
    """The words of a text without sound: all at 0 s."""
    return [Word(text=word, start=0.0, end=0.0) for word in text.split()]


class Interval(Record):
    """A stretch of time, in seconds on the session timeline."""

    start: float
    end: float


class FilledPause(Record):
    """A vocal hesitation ("um", "uh"), in seconds on the session timeline."""

    start: float
    end: float
    word: str


class Delivery(Record):
    """Timing and hesitation of one answer, measured from sound. Formulas and sources: docs/metrics.md."""

    start: float
    end: float
    response_delay: float | None = Field(description="s, end of the agent's audible sound to first sound; < 0: overlap")
    response_delay_reliable: bool = Field(
        default=True, description="false: the line's own delay is not known (a phone)"
    )
    transport_delay: float = Field(
        default=0.0, description="s that the line and its buffers took, there and back; taken out"
    )
    first_word_delay: float | None = Field(description="s, the same to the first word that is not a filler")
    speaking_time: float = Field(description="s, first to last speech, pauses included")
    phonation_time: float = Field(description="s of speech, silent pauses >= 250 ms removed")
    phonation_ratio: float | None = Field(default=None, description="phonation time / speaking time")
    silent_pauses: list[Interval]
    pauses_within_clause: int
    pauses_between_clauses: int
    pause_counts: dict[int, int] = Field(default_factory=dict, description="threshold in ms to silences that long")
    pause_counts_within_clause: dict[int, int] = Field(default_factory=dict)
    pause_median: float | None = Field(default=None, description="s, median on a log scale of the silent pauses")
    pause_log_sd: float | None = Field(default=None, description="standard deviation of ln(pause in s)")
    pause_rate: float = Field(description="silent pauses per minute of speaking time")
    longest_pause: float
    pause_share: float = Field(description="share of speaking time that is silent pause, 0..1")
    filled_pauses: list[FilledPause]
    filler_words: list[str]
    filler_rate: float = Field(description="filled pauses and filler words per minute of speaking time")
    speech_rate: float | None = Field(description="syllables per second of speaking time")
    articulation_rate: float | None = Field(description="syllables per second of phonation time")
    words_per_minute: float | None
    mean_length_of_run: float | None = Field(description="syllables between silent pauses")
    syllables: int = 0
    syllables_from: str = Field(
        default="words", description="words, or nuclei: peaks of the sound where there are none"
    )
    repetitions: list[str]
    restarts: list[str]
    cut_offs: list[str] = Field(default_factory=list, description="words broken off")
    lengthened: list[Word] = Field(default_factory=list, description="words with a sound held for 0.25 s or more")
    pitch_sd_semitones: float | None
    pitch_median_hz: float | None
    pitch_span_semitones: float | None = Field(default=None, description="5th to 95th percentile")
    pitch_final_slope: float | None = Field(default=None, description="semitones/s before pauses, median")
    loudness_dbfs: float | None = Field(description="median level of speech frames")
    loudness_iqr_db: float | None
    loudness_lufs: float | None = Field(default=None, description="integrated loudness of the speech, ITU-R BS.1770")
    breaths: list[Interval] = Field(default_factory=list, description="an estimate: noise suppression removes breaths")
    breath_group: float | None = Field(default=None, description="s of speech from breath to breath, mean; an estimate")
    interruptions: int = Field(default=0, description="times the candidate spoke over the agent in this turn")
    confidence: float = Field(description="0..1, how far the numbers may be trusted (noise, clipping, amount)")


class Span(Record):
    """The piece of an answer that a follow-up or a judgement points at; playable from t0 to t1."""

    quote: str
    t0: float | None = None
    t1: float | None = None


class Passage(Span):
    """A span with its place: the indices of its words in the answer of its turn, `first` up to `after`."""

    first: int
    after: int


class ActSaid(Record):
    """What the candidate does with a piece of an utterance: answer, repeat, skip ... (docs/understanding.md)."""

    act: str
    passage: Passage


class PrivateSaid(Record):
    """What is nobody's business (`kind`: health, family ...), or logistics, which are kept apart from judgement."""

    kind: str
    passage: Passage


class PointRead(Record):
    """A key point in an answer. `passage`: the words that say or contradict it."""

    name: str
    state: Literal["said", "contradicted", "not_found", "unsure"]
    passage: Passage | None = None


class ProbeRead(Record):
    """A probe after an answer. `worth`: 0..1, how surely it would be a good thing to ask now."""

    text: str
    state: Literal["open", "answered", "beside", "unsure"]
    worth: float = 0.0


class Reading(Record):
    """What one turn's answer says: made once, and what policy, report and coach go by.

    Indices are of the turn's words. `reader` names who read it.
    """

    reader: str
    acts: list[ActSaid] = Field(default_factory=list)
    private: list[PrivateSaid] = Field(default_factory=list)
    points: list[PointRead] = Field(default_factory=list)
    probes: list[ProbeRead] = Field(default_factory=list)
    numbers: list[Passage] = Field(default_factory=list)
    names: list[Passage] = Field(default_factory=list)


class PlannedQuestion(Record):
    """A question as it was when the interview was planned: later edits of the pack change nothing in a running one."""

    id: str
    competency: str
    kind: Literal["behavioural", "technical", "motivation", "situational"]
    text: str
    short: str
    level: Literal["junior", "mid", "senior"] = "mid"
    difficulty: int = Field(ge=1, le=5)
    seconds: int = Field(gt=0, description="time a full answer needs")
    patience: float = Field(gt=0, description="s of thinking that this question deserves before a nudge")
    key_points: list[KeyPoint]
    anchors: dict[int, str]
    probes: list[Probe]


class KeyPoint(Record):
    """Something that a good answer holds. `says`: a sentence that is true of an answer which makes the point."""

    name: str
    says: str = ""
    terms: list[str] = Field(
        default_factory=list,
        validation_alias=AliasChoices("terms", "any_of"),  # the name in old logs
        description="words of the field that go with it: they match a job with a pack, and judge no answer",
    )

    @property
    def statement(self) -> str:
        """The point as a sentence; in old logs there is only its name."""
        return self.says or f"They speak of {self.name}."


class Probe(Record):
    """A follow-up by the question's author. `asks`: what it wants to know. `answered_by`: answers that already give it."""

    type: str
    text: str
    asks: str = ""
    answered_by: list[str] = Field(default_factory=list)


PlannedQuestion.model_rebuild()


class CandidateSource(Record):
    """Who answers: a person typing, recordings, a simulated candidate, or somebody in a room. A resume finds the same.

    `room`: name of the LiveKit room. `identity`: the candidate's in it, where the room is not ours; empty: by token.
    """

    kind: Literal["simulated", "recordings", "typed", "room"]
    persona: str | None = None
    files: list[str] = []
    room: str = ""
    identity: str = ""


class Interview(Record):
    """What was agreed before the first word. Never changed after."""

    id: str
    mode: Mode
    title: str
    pack: str
    language: str = "en"
    candidate: str = "Candidate"
    source: CandidateSource
    questions: list[PlannedQuestion]
    reserve: list[PlannedQuestion] = Field(
        default_factory=list,
        description="practice: questions that may take the place of a planned one of their competency",
    )
    hints: list[str] = Field(default_factory=list, description="names and terms that the recogniser should expect")
    returning: bool = Field(
        default=False, description="practice: earlier sessions under this name are the same person's"
    )
    retry_of: str = Field(default="", description="practice: the session whose question is tried again")
    probe_budget: int = Field(ge=0, description="follow-ups per core question, at most; equal for all in screen mode")
    minutes: float
    seed: int = 0
    role: str = ""
    level: str = ""
    resume: str = Field(default="", description="text of the candidate's resume, if it was given")
    job: str = Field(default="", description="text of the job's description, if it was given")
    about: str = Field(
        default="", description="what the operator lets candidates know of the job: spoken when they ask"
    )
    glossary: dict[str, str] = Field(default_factory=dict, description="terms of the questions and what they mean")
