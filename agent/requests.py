"""What people ask of a running call by a button, a key or a command, rather than by speaking."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

Kind = Literal["repeat", "pause", "go_on", "typed", "yield", "take_back", "leave", "cancel"]
PERSONS = frozenset({"yield", "take_back", "leave", "cancel"})  # heeded at once, even while the agent speaks


@dataclass(frozen=True)
class Request:
    """`by`: who asked, for the log. `text`: what was typed. `to`: who has the floor after a `yield`."""

    kind: Kind
    by: str = ""
    text: str = ""
    to: Literal["notes", "panel"] = "panel"


class Requests:
    """In order of arrival. The call takes them when it can heed them."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()

    def put(self, request: Request) -> None:
        self._waiting.append(request)

    @property
    def urgent(self) -> bool:
        """Whether a person wants the agent to stop speaking."""
        return any(request.kind in PERSONS for request in self._waiting)

    def take(self) -> Request | None:
        return self._waiting.popleft() if self._waiting else None
