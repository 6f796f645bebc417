"""Who in a room may ask for what, and how a request is handled when no call is running. Pure."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from agent.call.requests import Request
from agent.call.transcript import typed
from agent.rooms.roles import Person, may_command, role_of
from dialogue.state import State
from memory.events import AnyEvent, Ended, Noted, TookBack, Yielded

CANDIDATES = ("repeat", "pause", "go_on", "typed", "leave")  # what a candidate may ask for
PEOPLES = ("yield", "take_back", "leave", "cancel")  # what the panel and the organiser may ask for
LONGEST_TYPED = 4000  # characters
DTMF: dict[str, Literal["repeat", "pause", "go_on"]] = {"0": "repeat", "*": "pause", "#": "go_on"}


class Refused(Exception):
    """The message tells the requester what was wrong."""


class RoomRequest(BaseModel):
    """A request as sent by a participant or the server."""

    kind: Literal["repeat", "pause", "go_on", "typed", "yield", "take_back", "leave", "cancel", "delay"]
    text: str = ""
    seconds: float = Field(default=0.0, ge=0.0, le=5.0)  # for "delay": the delay on the page's side of the line
    to: Literal["notes", "panel"] = "panel"


def understand(payload: str, person: Person | None, named: str = "") -> Request | float | None:
    """A request, or the delay in s that a candidate's page reports; None for anybody else's report. Raises Refused.

    `person`: None for the server itself.
    """
    try:
        asked = RoomRequest.model_validate(json.loads(payload))
    except (ValueError, ValidationError, RecursionError):
        raise Refused(
            'not a request: send {"kind": ...} with repeat, pause, go_on, typed, yield, take_back, leave, cancel or delay'
        ) from None
    role = role_of(person, named) if person else "organiser"
    if asked.kind == "delay":
        return asked.seconds if role == "candidate" else None
    if role == "candidate" and asked.kind in CANDIDATES:
        if asked.kind == "typed":
            return typed_by_candidate(asked.text)
        return Request(asked.kind, "candidate")
    if may_command(person, named) and asked.kind in PEOPLES:
        return Request(asked.kind, role, to=asked.to)
    raise Refused(f"{role} may not ask for {asked.kind}")


def typed_by_candidate(text: str) -> Request:
    """Raises Refused if the text is blank."""
    if not text.strip():
        raise Refused("nothing was typed")
    return Request("typed", "candidate", text[:LONGEST_TYPED])


def without_a_call(request: Request, state: State, at: float, t: float) -> tuple[AnyEvent, ...] | None:
    """The events that a request leads to while no call is running, perhaps none; None if only a call can handle it.

    Asking for something to be said (repeat) or not to be said (pause) has no meaning then.
    """
    match request.kind:
        case "leave" | "cancel":
            return () if state.ended else (Ended(at=at, t=t, reason=request.reason),)
        case "yield":
            return () if state.yielded or state.ended else (Yielded(at=at, t=t, to=request.to, by=request.by),)
        case "take_back":
            return (TookBack(at=at, t=t, by=request.by),) if state.yielded else ()
        case "typed" if state.yielded:
            piece = typed(request.text, 0, at, t)
            return (Noted(at=at, t=t, text=piece.text, words=piece.words, end=t),)
        case "typed":
            turn = state.awaiting
            return (typed(request.text, turn.number, at, t),) if turn else () if state.ended else None
        case _:
            return ()


def was_handled(request: Request, before: State, after: State) -> bool:
    """Whether the log shows that a call, now over, had handled a request. `before`: the state when it was taken."""
    match request.kind:
        case "leave" | "cancel":
            return after.ended is not None
        case "yield":
            return after.yielded is not None
        case "take_back":
            return after.yielded is None
        case "typed":
            return _typed(after) > _typed(before)
        case _:
            return True  # about what to say or not: the moment has passed


def _typed(state: State) -> int:
    return sum(piece.typed for turn in state.turns for piece in turn.heard)
