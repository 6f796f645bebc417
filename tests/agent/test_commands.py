"""The API's answer to a command, in virtual time: what really came of it, whatever agent is there to act on it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.service.models import Control
from agent.service.problems import Problem
from memory.events import AnyEvent, Resumed, TookBack, Yielded
from memory.store import Lease
from simulation import virtual_time
from tests.agent.watched import Installation, asked, ended, installation, now, started

CANCEL = Control(kind="cancel")


class Agent:
    """Holds the lease of session a and does what it is told `after` some seconds; None: never."""

    def __init__(self, deployment: Installation, after: float | None, lease: float = 1e9) -> None:
        self.deployment, self.after, self.ttl = deployment, after, lease
        self.lease: Lease | None = None
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, identity: str = "agent") -> None:
        self.lease = await self.deployment.store.acquire("a", identity, self.ttl)
        self.deployment.livekit.agents["a"] = {identity: "a"}
        self.deployment.livekit.on_command = self.handle

    async def handle(self, control: Control) -> None:
        if self.after is not None:
            self.tasks.append(asyncio.create_task(self._do(control, self.after)))

    async def _do(self, control: Control, after: float) -> None:
        await asyncio.sleep(after)
        event: AnyEvent
        match control.kind:
            case "yield":
                event = Yielded(at=now(), to=control.to, by="organiser")
            case "take_back":
                event = TookBack(at=now(), by="organiser")
            case "leave":
                event = ended("asked_to_leave")
            case _:
                event = ended("cancelled")
        assert self.lease is not None
        await self.deployment.append(self.lease, event)


def outcome(deployment: Installation, control: Control = CANCEL) -> asyncio.Task[None]:
    return asyncio.create_task(deployment.interviews.control("a", control))


async def problem(work: asyncio.Task[None], status: int, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        await work
    assert (caught.value.status, caught.value.kind) == (status, kind)


async def state_of(deployment: Installation) -> str | None:
    return (await deployment.interviews.known("a")).state.ended


@pytest.mark.parametrize("kind", ["cancel", "leave", "yield", "take_back"])
def test_ok_means_that_it_was_done(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            before = [Yielded(at=now(), to="notes", by="organiser")] if kind == "take_back" else []
            await deployment.interview("a", started(), asked(), *before)
            await Agent(deployment, after=1.5).come()
            began = asyncio.get_running_loop().time()
            await deployment.interviews.control("a", Control(kind=kind))  # type: ignore[arg-type]
            assert asyncio.get_running_loop().time() - began >= 1.5, "not before it was"
            state = (await deployment.interviews.known("a")).state
            done = {
                "cancel": state.ended == "cancelled", "leave": state.ended == "asked_to_leave",
                "yield": bool(state.yielded), "take_back": state.yielded is None,
            }  # fmt: skip
            assert done[kind]

    virtual_time.run(scenario())


def test_a_cancel_that_goes_to_a_dying_agent_is_carried_out_all_the_same(tmp_path: Path) -> None:
    """The agent is still seen in the room and its lease still runs, but nobody is there to heed anything."""

    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            await Agent(deployment, after=None, lease=4.0).come()
            await deployment.interviews.control("a", CANCEL)
            assert deployment.livekit.commands and await state_of(deployment) == "cancelled"
            assert asyncio.get_running_loop().time() < 8.0

    virtual_time.run(scenario())


def test_a_cancel_during_recovery_reaches_the_agent_that_took_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            await Agent(deployment, after=None, lease=2.9).come("dead")
            work = outcome(deployment)
            await asyncio.sleep(2.91)  # between two looks of the API
            successor = Agent(deployment, after=1.0)
            await successor.come("successor")
            assert successor.lease
            await deployment.append(successor.lease, Resumed(at=now(), gap=2.9, owner="successor"))
            await work
            assert await state_of(deployment) == "cancelled"
            assert [agents for agents, _ in deployment.livekit.commands][-1] == ["successor"]

    virtual_time.run(scenario())


@pytest.mark.parametrize("kind", ["cancel", "yield"])
def test_an_agent_that_does_nothing_is_no_ok(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            await Agent(deployment, after=None).come()
            await problem(outcome(deployment, Control(kind=kind)), 504, "not-done")  # type: ignore[arg-type]
            assert asyncio.get_running_loop().time() <= 8.0, "within a bounded time"
            assert len(deployment.livekit.commands) >= 3, "it was told more than once"

    virtual_time.run(scenario())


def test_a_message_that_was_lost_is_sent_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            agent = Agent(deployment, after=0.1)
            await agent.come()

            async def joins_late(_: Control) -> None:
                deployment.livekit.on_command = agent.handle

            deployment.livekit.on_command = joins_late
            await deployment.interviews.control("a", CANCEL)
            assert await state_of(deployment) == "cancelled"

    virtual_time.run(scenario())


def test_without_an_agent_a_cancel_is_done_here_and_nothing_else_can_be(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            for kind in ("yield", "take_back", "leave"):
                await problem(outcome(deployment, Control(kind=kind)), 409, "no-agent")  # type: ignore[arg-type]
            await deployment.interviews.control("a", CANCEL)
            assert await state_of(deployment) == "cancelled"
            await problem(outcome(deployment), 409, "over")

    virtual_time.run(scenario())


def test_an_interview_that_ends_by_itself_meanwhile_was_not_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked())
            agent = Agent(deployment, after=None)
            await agent.come()
            work = outcome(deployment)
            await asyncio.sleep(1.0)
            assert agent.lease
            await deployment.append(agent.lease, ended("completed"))
            await problem(work, 409, "over")

    virtual_time.run(scenario())
