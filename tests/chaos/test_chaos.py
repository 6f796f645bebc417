"""Failures on real servers and processes: the interview resumes where it stopped, says so, loses no committed answer.

Each failure hits several interviews at once; VIVA_CHAOS sets the number of rounds (default 1). The counts are printed
at the end; docs/results/recovery.md records a run of more rounds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from simulation.room import TICK, RoomPeer
from tests.chaos.tally import count
from tests.e2e.deployment import REPORTS, ROOT, SLOW, Deployment, reciter, together, until
from voice.audio import Samples

ROUNDS = int(os.environ.get("VIVA_CHAOS", "1"))
AT_ONCE = 3
AWAY = 12.0  # s without Redis: longer than a lease and than the rest of an answer, so that it is noticed
CLOSED = float(os.environ.get("VIVA_CHAOS_LAPTOP", "30"))  # s
pytestmark = [pytest.mark.voice, pytest.mark.parametrize("round_", range(ROUNDS))]
QUESTIONS = ("improved-process", "slow-service")


@dataclass
class Scene:
    """An interview, its candidate, and what its log held when the failure came."""

    deployment: Deployment
    session: str
    link: str
    peer: RoomPeer
    before: list[dict[str, Any]] = field(default_factory=list)
    broken_at: float = 0.0  # when the failure came, or the candidate back
    kept_from: int = 0  # 20 ms pieces of the peer's sound before the failure
    questions: Sequence[str] = QUESTIONS
    sound: Samples = field(default_factory=lambda: np.zeros(0, np.float32))  # what was heard since the failure

    @property
    def talker(self) -> Any:
        return self.peer._talker

    def broken(self) -> None:
        """Mark the failure as happening now; the candidate finishes the sentence."""
        self.broken_at, self.talker.going_on = time.monotonic(), False

    def state(self, kind: str) -> list[dict[str, Any]]:
        return self.deployment.kinds(self.session, kind)

    async def reach(self, moment: str) -> None:
        """Wait for the middle of the first question, the second answer or the farewell."""
        phase = lambda name: self.peer.attribute("viva.phase") == name  # noqa: E731
        if moment == "question":
            await until(lambda: phase("speaking"), 60, "the greeting", self.deployment)
            await asyncio.sleep(5)
        elif moment == "beginning":
            return
        elif moment == "answer":
            await until(
                lambda: self.talker.said == 2 and self.talker.speaking, 60, "the second answer", self.deployment
            )
            await asyncio.sleep(2.5)
        else:
            await until(lambda: self.state("ended"), 90, "the end", self.deployment)
            await until(lambda: phase("speaking"), 60, "the farewell", self.deployment)
            await asyncio.sleep(1.5)
        self.kept_from = len(self.peer._kept)
        self.before = await asyncio.to_thread(self.deployment.events, self.session)

    async def come_back(self, *, take_over: bool = True) -> None:
        """Join the room again, by the link."""
        self.broken_at, self.kept_from = time.monotonic(), 0
        self.peer = await self.deployment.join(self.session, self.link, reciter(*([SLOW] * 12)), take_over=take_over)

    async def in_the_answer(self, number: int) -> None:
        """Wait for the middle of the answer to question `number`; keep talking, as other scenes may take longer."""

        def answering() -> bool:
            return (
                len(self.state("asked")) == number
                and self.peer.attribute("viva.phase") == "listening"
                and self.talker.speaking
            )

        await until(answering, 60, f"answer {number}", self.deployment)
        self.talker.going_on = True
        await asyncio.sleep(2.0)
        self.kept_from = len(self.peer._kept)
        self.before = await asyncio.to_thread(self.deployment.events, self.session)

    async def voice_again(self, name: str, seconds: float = 60.0) -> None:
        """Wait until the agent is heard again after the failure, and count the seconds it took."""
        start = len(self.peer._kept)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            await asyncio.sleep(0.05)
            new = self.peer._kept[start:]
            audible = len(new) > 10 and float(np.abs(np.concatenate(new[-10:])).max()) > 0.02
            if audible and self.peer.attribute("viva.phase") == "speaking":
                count(name, time.monotonic() - self.broken_at)
                return
        count(name, None)
        raise AssertionError(f"no voice within {seconds} s\n{self.deployment.logs()}")

    async def finish(self) -> None:
        """Run to the end of the interview. The guarantees are checked later, when no call is running: see `check`."""
        await until(lambda: self.state("ended"), 120, "the end", self.deployment)
        # By the lease and not by this peer's view of the room, which a restarted server may leave stale.
        await until(
            lambda: not self.deployment.call("GET", f"/interviews/{self.session}")["agent_there"],
            60,
            "the agent's leaving",
            self.deployment,
        )
        self.sound = self.peer.heard[self.kept_from * TICK :]
        await self.peer.leave()

    def check(self, *, cut: bool = True) -> None:
        """Check the guarantees by log, report and recogniser. The recogniser takes a core: no call may be running."""
        after = self.deployment.events(self.session)
        assert after[: len(self.before)] == self.before, "the log only grows"
        put: list[dict[str, Any]] = []
        for event in after:
            if event["kind"] == "reopened":  # the candidate went on: what was asked meanwhile does not stand
                put = [e for e in put if e["turn"] <= event["turn"]]
            elif event["kind"] == "asked" and event["why"] != "asked again":
                put.append(event)
        asked = [e["question"] for e in put]
        assert asked == list(self.questions)[: len(asked)], f"nothing is asked twice or left out: {asked}"
        committed = [e["text"] for e in self.before if e["kind"] == "heard"]
        report = self.deployment.report(self.session)
        text = " ".join(s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"])
        assert all(piece in text for piece in committed), "no answer is lost"
        spoken = " ".join(
            e["text"] for e in after[len(self.before) :] if e["kind"] == "spoken" and not e["interrupted"]
        )
        assert ("cut off" if cut else "Goodbye") in spoken, f"it says so: {spoken}"
        share = self.deployment.understood(spoken, self.sound)
        assert share > 0.35, f"and is heard: {share:.0%} of {spoken!r} in {self.deployment.ears(self.sound)!r}"
        if cut:
            resumes = [e for e in after if e["kind"] == "resumed"]
            assert resumes and len(report["holes"]) == len(resumes)
            for exchange in (e for q in report["questions"] for e in q["exchanges"] if e["delivery"]):
                for hole in report["holes"]:
                    d = exchange["delivery"]
                    assert not d["start"] + 0.05 < hole["at"] < d["end"] - 0.05, "nothing is measured across a hole"


async def begin(deployment: Deployment, moment: str, questions: Sequence[str] = QUESTIONS) -> Scene:
    session, link = await asyncio.to_thread(lambda: deployment.invite(candidate="Sam", questions=list(questions)))
    # More answers than questions: whoever is cut off says it again.
    peer = await deployment.join(session, link, reciter(REPORTS, *([SLOW] * 12)))
    scene = Scene(deployment, session, link, peer, questions=questions)
    await scene.reach(moment)
    return scene


async def test_kill_the_job_in_a_question_an_answer_and_the_farewell(deployment: Deployment, round_: int) -> None:
    async def one(moment: str) -> Scene:
        scene = await begin(deployment, moment)
        job = await asyncio.to_thread(deployment.job, scene.session)
        scene.broken_at = time.monotonic()
        job.kill()
        await until(lambda: len(set(scene.peer.agents)) > 1, 60, "a new agent", deployment)
        await scene.voice_again(f"kill -9 of the job in the {moment}")
        await scene.finish()
        assert len(set(scene.peer.agents)) == 2, "one agent died, one came"
        return scene

    for scene in await together(one("question"), one("answer"), one("farewell")):
        scene.check()


async def test_the_worker_dies_and_then_the_livekit_server(deployment: Deployment, round_: int) -> None:
    """Several interviews at once, each hit twice."""
    questions = [*QUESTIONS, "mistake"]
    scenes: list[Scene] = await together(*(begin(deployment, "beginning", questions) for _ in range(AT_ONCE)))

    async def hit(name: str, child: str) -> None:
        for scene in scenes:
            assert not await asyncio.to_thread(scene.state, "ended"), "over before the failure came"
        for scene in scenes:
            scene.broken()
        deployment.child(child).kill()

        async def one(scene: Scene) -> None:
            known = len([e for e in scene.before if e["kind"] == "resumed"])
            back = lambda: len(scene.state("resumed")) > known  # noqa: E731
            await until(lambda: scene.peer.disconnected.is_set() or back(), 60, "a way back in", deployment)
            if scene.peer.disconnected.is_set():  # the SDK gave up: in again by the link, as the page does
                broken = scene.broken_at
                await scene.come_back()
                scene.broken_at = broken
                await until(back, 60, "a way back in by the link", deployment)
            await scene.voice_again(name)

        await together(*map(one, scenes))

    await together(*(scene.in_the_answer(2) for scene in scenes))
    await hit("kill -9 of the worker and its models", "agent dev")
    await together(*(scene.in_the_answer(3) for scene in scenes))
    await hit("kill -9 of the LiveKit server", "livekit")
    await together(*(scene.finish() for scene in scenes))
    for scene in scenes:
        scene.check()
        assert len(scene.state("resumed")) >= 2


async def test_redis_is_away_and_then_dies(deployment: Deployment, round_: int) -> None:
    questions = [*QUESTIONS, "mistake"]
    scenes: list[Scene] = await together(*(begin(deployment, "beginning", questions) for _ in range(AT_ONCE)))
    await together(*(scene.in_the_answer(2) for scene in scenes))
    redis = deployment.child("redis-server")
    # Away for longer than a lease before it dies: what cannot be stored is not said meanwhile.
    redis.send_signal(signal.SIGSTOP)
    for scene in scenes:
        scene.broken()
    await asyncio.sleep(AWAY)
    redis.kill()

    async def one(scene: Scene) -> None:
        await scene.voice_again(f"Redis away for {AWAY:.0f} s, then kill -9")
        await scene.finish()

    await together(*map(one, scenes))
    for scene in scenes:
        scene.check(cut=False)
        spoken = " ".join(e["text"] for e in scene.state("spoken"))
        # The same agent goes on, or, where its lease had run out meanwhile, another: either says so.
        assert "interruption on our side" in spoken or "cut off" in spoken, spoken


async def test_the_candidate_goes_and_comes_back(deployment: Deployment, round_: int) -> None:
    """A dropped call, another device, and a laptop that is closed: no goodbye, no packets."""

    async def dropped() -> Scene:
        scene = await begin(deployment, "answer")
        await scene.peer.leave()
        await asyncio.sleep(6)
        return await again(scene, "candidate gone for 6 s", take_over=False)

    async def another_device() -> Scene:
        scene = await begin(deployment, "answer")
        first = scene.peer
        await again(scene, "went on on another device", take_over=True)
        assert first.disconnected.is_set(), "the first device is out"
        await first.leave()
        return scene

    async def closed_laptop() -> Scene:
        session, link = await asyncio.to_thread(lambda: deployment.invite(candidate="Sam", questions=list(QUESTIONS)))
        await asyncio.to_thread(deployment.call, "POST", f"/interviews/{session}/consent", link)
        access = await asyncio.to_thread(deployment.call, "POST", f"/interviews/{session}/join", link)
        laptop = subprocess.Popen([sys.executable, "-c", LAPTOP, access["url"], access["token"]], cwd=ROOT)
        try:
            await until(lambda: deployment.kinds(session, "heard"), 60, "the first answer", deployment)
            laptop.send_signal(signal.SIGSTOP)
            before = deployment.events(session)
            await asyncio.sleep(CLOSED)
        finally:
            laptop.kill()
        scene = Scene(deployment, session, link, RoomPeer(reciter()), before)
        return await again(scene, f"laptop closed for {CLOSED:.0f} s", take_over=True)

    for scene in await together(dropped(), another_device(), closed_laptop()):
        scene.check()


async def again(scene: Scene, name: str, *, take_over: bool) -> Scene:
    """The candidate returns, from this device or another."""
    await scene.come_back(take_over=take_over)
    await scene.voice_again(name)
    await scene.finish()
    return scene


LAPTOP = """
import asyncio, sys
from simulation.room import TICK, RoomPeer
from tests.e2e.deployment import REPORTS, reciter

async def main():
    await RoomPeer(reciter(REPORTS)).join(sys.argv[1], sys.argv[2])
    await asyncio.sleep(600)

asyncio.run(main())
"""
