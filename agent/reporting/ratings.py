"""Opinions of an interview, stored in its log: stars, thumbs, better wordings; and consent to improving the model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.errors import UserError
from agent.sessions import consent_of, events_of, taken
from agent.settings import Settings
from dialogue.state import State, fold
from memory.consent import IMPROVE
from memory.events import AnyEvent, Consented, Ended, Rated, Reworded
from memory.store import EventStore

MOST_CHANGES = 200  # events a candidate's opinions may add to one log


class TooManyOpinions(UserError):
    """The candidate has changed it so often that it is no longer an opinion."""


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
    """Store what is new in an opinion; repeating it adds nothing.

    Raises UnknownSession, LeaseHeld while the call runs, UserError for what fits no follow-up, TooManyOpinions.
    """
    events = await events_of(store, session)
    if not _news(events, by, opinion):
        return
    async with taken(store, settings, session) as journal:
        await journal.write(*_news(await events_of(store, session), by, opinion))


def _news(
    events: Sequence[AnyEvent], by: Literal["candidate", "operator"], opinion: Opinion
) -> Sequence[AnyEvent]:  # fmt: skip
    """The events that would change the log's latest word on each point."""
    state = fold(events)
    news = [event for event in _events(state, by, opinion) if not _said(event, state, events)]
    given = sum(isinstance(e, Rated | Reworded | Consented) and e.by == by for e in events)
    if by == "candidate" and news and given + len(news) > MOST_CHANGES:
        raise TooManyOpinions("you have changed your opinion very often; it stays as it is now")
    return news


def _said(event: AnyEvent, state: State, events: Sequence[AnyEvent]) -> bool:
    """Whether the log's latest word on it already says this."""
    if isinstance(event, Rated) and event.stars is not None:
        before = [e.stars for e in events if isinstance(e, Rated) and e.by == event.by and e.stars is not None]
        return before[-1:] == [event.stars]
    if isinstance(event, Consented):  # declining when asked is an answer too: it is stored once
        end = next(i for i, e in enumerate(events) if isinstance(e, Ended))
        asked = [IMPROVE in e.scope for e in events[end:] if isinstance(e, Consented)]
        return asked[-1:] == [IMPROVE in event.scope]
    turn = next((t for t in state.turns if isinstance(event, Rated | Reworded) and t.number == event.turn), None)
    if isinstance(event, Reworded):
        return turn is not None and turn.reworded == event.text
    return isinstance(event, Rated) and turn is not None and turn.thumb == event.up


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
