"""The events of an interview. Their log is the source of truth; all other state is computed from it.

`at` is unix seconds, given by the caller; `t` is seconds on the session's timeline (the recording's clock).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from memory.records import Delivery, Interval, Interview, Reading, Record, Span, Word

Purpose = Literal[
    "greeting", "repeat", "rephrase", "nudge", "patience", "reply", "resume", "closing", "farewell", "notice"
]


class Event(Record):
    """Common to all: when it happened. Subclasses are told apart by `kind`."""

    at: float
    t: float = 0.0


class Created(Event):
    kind: Literal["created"] = "created"
    interview: Interview
    engines: dict[str, str] = Field(default_factory=dict)  # part (recogniser, voice, wording) to engine


class Consented(Event):
    """Nothing is recorded or spoken before this stands in the log."""

    kind: Literal["consented"] = "consented"
    by: str
    text_version: str
    scope: list[str]


class Started(Event):
    """An agent took the session up for the first time. Engines are known only now, where another process created it."""

    kind: Literal["started"] = "started"
    owner: str
    engines: dict[str, str] = Field(default_factory=dict)


class Said(Event):
    """The agent's own words that are not a question: greeting, acknowledgement, nudge, repeat, notice, farewell."""

    kind: Literal["said"] = "said"
    purpose: Purpose
    text: str


class Asked(Event):
    """A core question was put. `turn` counts questions and follow-ups alike, from 0.

    `instead`: id of the planned question whose place it took (practice: difficulty follows the person).
    """

    kind: Literal["asked"] = "asked"
    turn: int
    question: str
    text: str
    why: str
    instead: str = ""


class Followed(Event):
    """A follow-up was put: typed, aimed at a span, validated. `engine` names who worded it (a model with its adapter), `prompt`
    the version of the prompt it was given, `lead` what was said before it.

    `note`: why the words of a model were not used, where one was asked.
    """

    kind: Literal["followed"] = "followed"
    turn: int
    question: str
    probe: str
    gap: str
    span: Span | None
    text: str
    why: str
    engine: str
    prompt: str = ""
    lead: str = ""
    note: str = ""


class Spoken(Event):
    """An utterance as it sounded: `text` as sent to the voice, `t`..`end` first to last audible sample as played."""

    kind: Literal["spoken"] = "spoken"
    turn: int | None
    end: float
    text: str = ""
    interrupted: bool = False
    heard_share: float = 1.0
    transport: float | None = 0.0  # s of round trip on the line, buffers included; None: not known


class Heard(Event):
    """A final piece of the candidate's speech, stored the moment it is known: a crash loses no heard word."""

    kind: Literal["heard"] = "heard"
    turn: int
    text: str
    words: list[Word]
    end: float
    confidence: float | None = None
    typed: bool = False  # typed in the browser: there is no sound to measure
    # Since the previous piece: where our own process stalled, so that sound may be too late on the timeline.
    held_up: list[Interval] = Field(default_factory=list)


class Noted(Event):
    """What the candidate said while a person had the floor: kept as a note, answers none of our questions."""

    kind: Literal["noted"] = "noted"
    text: str
    words: list[Word]
    end: float


class Yielded(Event):
    """The floor went to people: `notes`, the agent only listens; `panel`, somebody else asks. `by`: who decided."""

    kind: Literal["yielded"] = "yielded"
    to: Literal["notes", "panel"]
    by: str


class TookBack(Event):
    """The agent has the floor again."""

    kind: Literal["took_back"] = "took_back"
    by: str


class Answered(Event):
    """The turn was committed: all pieces heard since the question are its answer.

    `intent`: "answer", or what the turn did instead; `wish`: what was asked for, also at the end of an answer.
    """

    kind: Literal["answered"] = "answered"
    turn: int
    intent: str = "answer"
    wish: str = ""


class Read(Event):
    """What the turn's answer says. Stored before `Answered`; read anew only where a crash lost it."""

    kind: Literal["read"] = "read"
    turn: int
    reading: Reading


class Measured(Event):
    """Timing and hesitation of a turn's answer; comes a moment after it, so that no reply waits for it."""

    kind: Literal["measured"] = "measured"
    turn: int
    delivery: Delivery


class Reopened(Event):
    """The candidate went on after the turn had been taken: the answer is open again."""

    kind: Literal["reopened"] = "reopened"
    turn: int


class Interrupted(Event):
    """Barge-in: the candidate spoke over the agent, who fell silent at `t`."""

    kind: Literal["interrupted"] = "interrupted"
    turn: int | None


class Resumed(Event):
    """The call goes on after a cut. `t` is where the recording has its hole, `gap` how long it was in real time.

    `cause`: another process took over, or the same one got its candidate back.
    """

    kind: Literal["resumed"] = "resumed"
    cause: Literal["takeover", "rejoin"] = "takeover"
    gap: float
    owner: str
    engines: dict[str, str] = Field(default_factory=dict)


class Skipped(Event):
    kind: Literal["skipped"] = "skipped"
    question: str
    reason: str


class Ended(Event):
    kind: Literal["ended"] = "ended"
    reason: Literal["completed", "candidate_left", "time", "human_requested", "silence", "cancelled", "asked_to_leave"]


class Advised(Event):
    """A language model's feedback on the answers to a question (practice only), past the gate; its level changes nothing.

    `note`: why there is none, where the model's words were not shown.
    """

    kind: Literal["advised"] = "advised"
    question: str
    quote: str = ""
    text: str = ""
    level: int | None = None
    engine: str
    prompt: str = ""
    note: str = ""


class Rated(Event):
    """What a person thinks: of the interview (`stars`, 1..5) or of one follow-up (`turn`, thumb `up` or down).

    `by`: candidate or operator. It can come after the end, and teaches nothing without consent to that.
    """

    kind: Literal["rated"] = "rated"
    by: Literal["candidate", "operator"]
    stars: int | None = Field(default=None, ge=1, le=5)
    turn: int | None = None
    up: bool | None = None


class Reworded(Event):
    """How a person would have asked a follow-up. The log of what was asked stays as it is."""

    kind: Literal["reworded"] = "reworded"
    by: Literal["candidate", "operator"]
    turn: int
    text: str


AnyEvent = Annotated[
    Created
    | Consented
    | Started
    | Said
    | Asked
    | Followed
    | Spoken
    | Heard
    | Noted
    | Yielded
    | TookBack
    | Read
    | Answered
    | Measured
    | Reopened
    | Interrupted
    | Resumed
    | Skipped
    | Ended
    | Advised
    | Rated
    | Reworded,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def encode(event: AnyEvent) -> str:
    """One line of JSON."""
    return _ADAPTER.dump_json(event).decode()


def decode(line: str | bytes) -> AnyEvent:
    """The event in one line of JSON. Raises pydantic.ValidationError on anything else."""
    return _ADAPTER.validate_json(line)
