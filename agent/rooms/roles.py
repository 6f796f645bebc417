"""Who is who in a room. Pure: decided from what the participants' tokens say, never from what they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["candidate", "panel", "observer", "agent"]
ROLE = "viva.role"  # attribute in the tokens that we mint
SESSION = "viva.session"  # attribute of our agents: which interview they run
CANDIDATE = "candidate"  # identity of the candidate in the rooms that we make


@dataclass(frozen=True)
class Person:
    """What a token says. `kind`: standard, sip or agent. `order`: larger for who joined later.

    `sid`: of this joining; whoever loads the page again keeps the identity and gets another one.
    """

    identity: str
    kind: Literal["standard", "sip", "agent"] = "standard"
    attributes: Mapping[str, str] | None = None
    order: float = 0.0
    name: str = ""
    sid: str = ""


def role_of(person: Person, named: str = "") -> Role:
    """`named`: the candidate's identity, where the room is not ours and whoever sent the agent told us.

    Without one, a token of ours says the role, and a caller by phone is the candidate. Anybody else only looks on.
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
    """The one who answers: of several devices, the one that came last."""
    candidates = [person for person in people if role_of(person, named) == "candidate"]
    # Two that joined at the same time: the one that is listed last.
    return max(reversed(candidates), key=lambda person: person.order, default=None)


def may_command(person: Person | None, named: str = "") -> bool:
    """Who may silence the agent or send it away: people of the panel, or the server itself (nobody in the room)."""
    return person is None or role_of(person, named) == "panel"
