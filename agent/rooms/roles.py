"""Who is who in a room. Pure: decided by what the participants' tokens say, never by what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["candidate", "panel", "observer", "agent"]
ROLE = "viva.role"  # attribute in the tokens that we issue
SESSION = "viva.session"  # attribute of our agents: which interview they run
CANDIDATE = "candidate"  # identity of the candidate in the rooms that we create


@dataclass(frozen=True)
class Person:
    """What a token says. `kind`: standard, sip or agent. `order`: larger for those who joined later.

    `sid`: of this particular join; reloading the page keeps the identity but gives a new one.
    """

    identity: str
    kind: Literal["standard", "sip", "agent"] = "standard"
    attributes: Mapping[str, str] | None = None
    order: float = 0.0
    name: str = ""
    sid: str = ""


def role_of(person: Person, named: str = "") -> Role:
    """`named`: the candidate's identity, as given by whoever dispatched the agent to a room that is not ours.

    Without it, a token of ours says the role, and a caller by phone is the candidate. Anybody else is an observer.
    """
    if person.kind == "agent":
        return "agent"
    if named:
        if person.identity == named:
            return "candidate"
        given = (person.attributes or {}).get(ROLE, "")
        return "observer" if given == "observer" else "panel"
    match (person.attributes or {}).get(ROLE, ""):
        case "candidate" | "panel" | "observer" as role:
            return role
    return "candidate" if person.kind == "sip" else "observer"


def candidate_of(people: Iterable[Person], named: str = "") -> Person | None:
    """The one who answers: of several devices, the one that joined last."""
    candidates = [person for person in people if role_of(person, named) == "candidate"]
    # If two joined at the same time: the one listed last.
    return max(reversed(candidates), key=lambda person: person.order, default=None)


def may_command(person: Person | None, named: str = "") -> bool:
    """Whether `person` may silence the agent or send it away: the panel may, and the server itself (`person` None)."""
    return person is None or role_of(person, named) == "panel"
