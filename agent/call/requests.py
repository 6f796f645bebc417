"""What people ask of a running call by a button, a key or a command, rather than by speaking."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["repeat", "pause", "go_on", "typed", "yield", "take_back", "leave", "cancel"]
PERSONS = frozenset({"yield", "take_back", "leave", "cancel"})  # acted on at once, even while the agent speaks
MOST = 50  # requests that may wait; no human asks faster than that


@dataclass(frozen=True)
class Request:
    """`by`: who asked, for the log. `text`: what was typed. `to`: who has the floor after a `yield`."""

    kind: Kind
    by: str = ""
    text: str = ""
    to: Literal["notes", "panel"] = "panel"

    @property
    def reason(self) -> Literal["candidate_left", "cancelled", "asked_to_leave"]:
        """Of a `leave` or `cancel`: why the interview ends, for the log."""
        if self.by == "candidate":
            return "candidate_left"
        return "cancelled" if self.kind == "cancel" else "asked_to_leave"


class Requests:
    """In order of arrival, taken by whatever can act on them: a call or, between two legs, the room session.
    They outlive a leg: what it did not take, the next one does.

    `in_hand`: the one taken last. `on_take` is called for each.
    """

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()
        self.in_hand: Request | None = None
        self.on_take: Callable[[Request], None] = lambda request: None

    def put(self, request: Request) -> bool:
        """Returns whether there was room for it. For the kinds in PERSONS there always is."""
        if request.kind in PERSONS:
            if request not in self._waiting:  # a second click is the same request
                self._waiting.append(request)
        elif len(self._waiting) < MOST:
            self._waiting.append(request)
        else:
            return False
        return True

    @property
    def urgent(self) -> bool:
        """Whether a person wants the agent to stop speaking."""
        return any(request.kind in PERSONS for request in self._waiting)

    def take(self) -> Request | None:
        """The next one. Taking it means that the previous one has been dealt with."""
        self.in_hand = self._waiting.popleft() if self._waiting else None
        if self.in_hand is not None:
            self.on_take(self.in_hand)
        return self.in_hand

    def put_back(self, *requests: Request) -> None:
        """Put back ahead of all others, in this order."""
        self.in_hand = None
        self._waiting.extendleft(reversed(requests))
