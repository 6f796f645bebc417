"""Commands to the agent of a running interview, answered only with what came of them.

A command is a message to a process that may be dying, recovering or not there yet. So it is repeated until the log
shows its effect; if no agent is left to act on it, a cancel is carried out here; and if neither happens in time, the
answer says so instead of "ok".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from agent.service import models
from agent.service.known import Known
from agent.service.livekit import RoomView
from agent.service.problems import Problem
from dialogue.state import State
from memory.store import LeaseHeld

POLL = 0.2  # s between reads of the log
SAY_AGAIN = 2.0  # s; a message to an agent that has just joined may be lost
BEYOND_LEASE = 3.0  # s an agent gets on top of the lease of one that may have died with the message


class Peer(Protocol):
    """What is needed of the LiveKit server."""

    async def look(self, room: str, named: str = "") -> RoomView: ...

    async def command(self, room: str, agents: list[str], session: str, control: models.Control) -> None: ...


class Installation(Protocol):
    """What is needed of `Interviews`."""

    async def known(self, session: str) -> Known: ...

    async def holder(self, session: str) -> str | None: ...

    async def end(self, session: str, reason: Literal["cancelled", "candidate_left"]) -> None: ...


def shows(state: State, control: models.Control) -> bool:
    """Whether the log shows the effect of the command."""
    match control.kind:
        case "cancel":
            return state.ended == "cancelled"
        case "leave":
            return state.ended == "asked_to_leave"
        case "yield":
            return state.yielded is not None and state.yielded.to == control.to
        case "take_back":
            return state.yielded is None


async def carry_out(
    installation: Installation, livekit: Peer, session: str, control: models.Control, lease_seconds: float,
    clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:  # fmt: skip
    """Return once the log shows the effect. Raises Problem: 409 if it cannot be done, 504 if nothing came of it."""
    deadline = clock() + lease_seconds + BEYOND_LEASE
    told_at = float("-inf")
    while True:
        known = await installation.known(session)
        if known.state.ended and not shows(known.state, control):
            raise Problem(409, "over", "this interview is over")
        if (known.state.ended or told_at > float("-inf")) and shows(known.state, control):
            return
        held = bool(await installation.holder(session))
        if not held and control.kind == "cancel":
            try:
                await installation.end(session, "cancelled")
            except LeaseHeld:
                held = True  # an agent was faster: send it the command
            else:
                continue
        if not held and (told_at == float("-inf") or clock() >= deadline):
            raise Problem(409, "no-agent", "no agent is in the room just now")
        if held and clock() - told_at >= SAY_AGAIN:
            view = await livekit.look(known.room, known.interview.source.identity)
            agents = [identity for identity, runs in view.agents.items() if runs == session]
            if agents:
                await livekit.command(known.room, agents, session, control)
                told_at = clock()
        if clock() >= deadline:
            raise Problem(504, "not-done", f"the agent has not done it yet ({control.kind}); try again in a moment")
        await sleep(POLL)
