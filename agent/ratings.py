"""What people think of an interview, into its log: stars, thumbs, better wordings; and consent that it may teach the model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.errors import UserError
from agent.sessions import consent_of, taken
from agent.settings import Settings
from dialogue.state import State
from memory.consent import IMPROVE
from memory.events import AnyEvent, Rated, Reworded
from memory.store import EventStore


@dataclass(frozen=True)
class Opinion:
    """`stars`: 1..5 for the interview; `thumbs`: turn to up or down; `reworded`: turn to a better wording.

    `may_teach`: the candidate agrees that the words, without personal data, improve the questions; None: not asked.
    """

    stars: int | None = None
    thumbs: dict[int, bool] = field(default_factory=dict)
    reworded: dict[int, str] = field(default_factory=dict)
    may_teach: bool | None = None


async def rate(
    store: EventStore, settings: Settings, session: str, by: Literal["candidate", "operator"], opinion: Opinion
) -> None:  # fmt: skip
    """Store an opinion. Raises UnknownSession, LeaseHeld while the call runs, UserError for what fits no follow-up."""
    async with taken(store, settings, session) as journal:
        await journal.write(*_events(journal.state, by, opinion))


def _events(state: State, by: Literal["candidate", "operator"], opinion: Opinion) -> Sequence[AnyEvent]:
    if not state.ended:
        raise UserError("the interview is not over yet; rate it afterwards")
    followed = {t.number for t in state.follow_ups}
    for turn in (*opinion.thumbs, *opinion.reworded):
        if turn not in followed:
            known = ", ".join(map(str, sorted(followed))) or "none"
            raise UserError(f"turn {turn} is no follow-up of this interview; its follow-ups are {known}")
    now = time.time()
    events: list[AnyEvent] = []
    if opinion.may_teach is not None and by == "candidate":
        assert state.interview is not None
        consent = consent_of(state.interview.language, by)
        # The newest consent counts, so that agreeing can be taken back.
        scope = [s for s in consent.scope if s != IMPROVE] + ([IMPROVE] if opinion.may_teach else [])
        events.append(consent.model_copy(update={"scope": scope}))
    if opinion.stars is not None:
        events.append(Rated(at=now, by=by, stars=opinion.stars))
    events += [Rated(at=now, by=by, turn=turn, up=up) for turn, up in opinion.thumbs.items()]
    events += [
        Reworded(at=now, by=by, turn=turn, text=" ".join(text.split())) for turn, text in opinion.reworded.items()
    ]
    return events
