"""The request and response bodies of the HTTP API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from memory.records import Mode, Span

Status = Literal["invited", "consented", "live", "waiting", "ended", "cancelled", "unreadable"]
Text = Field(default="", max_length=40_000)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewInterview(Body):
    """An interview to be held."""

    candidate: str = Field(default="Candidate", min_length=1, max_length=80, pattern=r"^[^\x00-\x1f<>{}]+$")
    pack: str = Field(
        default="phone-screen", description="name of a question pack, see /api/v1/packs; auto: by role, domain and job"
    )
    role: str = Field(default="", max_length=120)
    level: Literal["", "junior", "mid", "senior"] = ""
    returning: bool = Field(
        default=False,
        description="practice: the candidate has practised here under this very name; weak spots come back",
    )
    domain: str = Field(default="", max_length=40, description="a subfield, for pack auto")
    difficulty: int | None = Field(default=None, ge=1, le=5)
    mode: Mode | None = Field(default=None, description="practice or screen; default: VIVA_MODE")
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    minutes: float = Field(default=10.0, ge=1.0, le=120.0)
    questions: list[str] = Field(default=[], max_length=40, description="ids, in this order; empty: planned by length")
    probes: int | None = Field(default=None, ge=0, le=5, description="follow-ups per question, at most")
    seed: int = Field(default=0, ge=0, le=2**31)
    resume: str = Text
    resume_pdf: Base64Bytes | None = Field(
        default=None, max_length=8_000_000, description="instead of `resume`: PDF, DOCX or text"
    )
    job: str = Text
    job_pdf: Base64Bytes | None = Field(
        default=None, max_length=8_000_000, description="instead of `job`: PDF, DOCX or text"
    )
    about: str = Field(default="", max_length=39_000, description="what the interviewer may tell of the job if asked")
    room: str = Field(
        default="", max_length=120, pattern=r"^[\w.@-]*$", description="an existing LiveKit room; empty: one of our own"
    )
    identity: str = Field(default="", max_length=120, description="the candidate's identity in that room")


class Talk(Body):
    """A talk with the coach so far, ending with the person's words. Nothing of it is stored."""

    messages: list[CoachMessage] = Field(min_length=1, max_length=200)


class CoachMessage(Body):
    who: Literal["you", "coach"]
    text: str = Field(min_length=1, max_length=4000)


class CoachReply(BaseModel):
    text: str
    question: str = Field(description="id of the question it is about, or empty")
    evidence: list[Span]


class Retry(Body):
    question: str = Field(min_length=1, max_length=120, description="id of a question that was asked")
    follow_up: bool = Field(default=False, description="from its last follow-up instead of the question itself")


class Created(BaseModel):
    id: str
    link: str = Field(description="for the candidate; opens the page, nothing else is needed")
    expires: float = Field(description="unix s")


class Summary(BaseModel):
    """An interview in a list."""

    id: str
    title: str
    candidate: str
    mode: Mode | None = Field(description="null where the interview's log cannot be read")
    status: Status
    outcome: str | None
    created: float = Field(description="unix s; 0: not known")
    questions: int
    asked: int
    has_report: bool


class Details(Summary):
    role: str
    level: str
    language: str
    minutes: float
    room: str
    consented: bool
    agent_there: bool
    floor: Literal["agent", "notes", "panel"]
    engines: dict[str, str]
    current_question: str
    holes: int
    trouble: str = Field(
        default="", description="what is not going well just now, in a sentence for people; empty: nothing"
    )


class Invitation(BaseModel):
    """What the candidate's page shows before anything happens."""

    id: str
    title: str
    candidate: str
    mode: Mode
    questions: int
    minutes: float
    consent_text: str
    consented: bool
    status: Status
    outcome: str | None
    may_read_report: bool
    has_report: bool
    stars: int | None = Field(
        default=None, description="what the candidate answered to the question after the interview"
    )


class Consent(Body):
    by: str = Field(default="", max_length=200, description="operators only: who consented, and how")


class Opinion(Body):
    """The one question after the interview, and what an operator thinks of single follow-ups."""

    stars: int | None = Field(default=None, ge=1, le=5, description="the questions were: 1 poor to 5 very good")
    may_teach: bool | None = Field(
        default=None, description="candidates only: the words may, without personal data, improve the questions"
    )
    up: list[int] = Field(default_factory=list, max_length=200, description="turns of good follow-ups")
    down: list[int] = Field(default_factory=list, max_length=200, description="turns of poor ones")
    reworded: dict[int, Annotated[str, Field(min_length=3, max_length=300)]] = Field(
        default_factory=dict, max_length=200, description="turn to a better wording"
    )


class FollowUpOpinion(BaseModel):
    turn: int
    up: bool | None = Field(description="what was thought of it last; null: nothing yet")
    reworded: str = Field(description="the better wording given last; empty: none")


class Opinions(BaseModel):
    """What was thought of an interview so far."""

    stars: int | None
    may_teach: bool = Field(description="whether the candidate agreed that the words improve the questions")
    follow_ups: list[FollowUpOpinion]


class Join(Body):
    take_over: bool = Field(default=False, description="go on here, though the interview is open on another device")


class PersonIn(Body):
    role: Literal["panel", "observer"]
    name: str = Field(default="Guest", min_length=1, max_length=80)


class RoomAccess(BaseModel):
    url: str
    token: str
    room: str
    identity: str


class Dispatch(Body):
    silent: Literal["", "notes", "panel"] = Field(default="", description="begin by listening only")


class Control(Body):
    kind: Literal["yield", "take_back", "leave", "cancel"]
    to: Literal["notes", "panel"] = "panel"


class Done(BaseModel):
    ok: bool = True


class EventOut(BaseModel):
    position: int
    event: dict[str, Any]
