"""What the dialogue manager hands to the call: events to store, then words to say."""

from __future__ import annotations

from dataclasses import dataclass

from memory.events import AnyEvent, Purpose, Said


@dataclass(frozen=True)
class Reply:
    """What to store and then say. `events` are in order; `text` sounds only after they are stored.

    `floor`: whether the candidate is expected to speak next. `ends`: the call is over after it.
    """

    events: tuple[AnyEvent, ...]
    text: str
    floor: bool = True
    ends: bool = False
    note: str = ""  # for the operator's log: why a model's words were not used


def remark(purpose: Purpose, text: str, at: float, t: float) -> Reply:
    """A reply that only speaks: it asks nothing and ends nothing."""
    return Reply((Said(at=at, t=t, purpose=purpose, text=text),), text)


def joined(*parts: str) -> str:
    """The parts that are not empty, as one utterance."""
    return " ".join(part for part in parts if part)
