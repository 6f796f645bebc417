"""Break it, on real servers and real processes: it goes on where it stopped, says so, loses no committed answer.

Each failure VIVA_CHAOS times (default 2). The counts are printed at the end; docs/results/recovery.md keeps a run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from simulation.room import RoomPeer
from tests.chaos.tally import count
from tests.e2e.house import MISTAKE, REPORTS, SLOW, House, reciter, until

RUNS = int(os.environ.get("VIVA_CHAOS", "2"))
pytestmark = [pytest.mark.voice, pytest.mark.parametrize("run", range(RUNS))]
QUESTIONS = ["improved-process", "slow-service", "mistake"]


@dataclass
class Scene:
    """An interview, the candidate in it, and what its log held when the failure came."""

    house: House
    session: str
    link: str
    peer: RoomPeer
    before: list[dict[str, Any]] = field(default_factory=list)
    broken_at: float = 0.0

    @property
    def talker(self) -> Any:
        return self.peer._talker

    def state(self, kind: str) -> list[dict[str, Any]]:
        return self.house.kinds(self.session, kind)

    async def reach(self, moment: str) -> None:
        """In the middle of the first question, of the second answer, or of the farewell."""
        phase = lambda name: self.peer.attribute("viva.phase") == name  # noqa: E731
        if moment == "question":
            await until(lambda: phase("speaking"), 30, "the greeting", self.house)
            await asyncio.sleep(5)
        elif moment == "answer":
            await until(lambda: self.talker.said == 2 and self.talker.speaking, 60, "the second answer", self.house)
            await asyncio.sleep(2.5)
        else:
            await until(lambda: self.state("ended"), 90, "the end", self.house)
            await until(lambda: phase("speaking"), 10, "the farewell", self.house)
            await asyncio.sleep(1.5)
        self.before = await asyncio.to_thread(self.house.events, self.session)

    async def voice_again(self, seconds: float = 40.0) -> float:
        """Until the agent sounds again after the failure: the seconds it took."""
        start = len(self.peer._kept)
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            await asyncio.sleep(0.05)
            new = self.peer._kept[start:]
            if self.resumed() and len(new) > 10 and float(np.abs(np.concatenate(new[-10:])).max()) > 0.02:
                return time.monotonic() - self.broken_at
        raise AssertionError(f"no voice within {seconds} s\n{self.house.logs()}")

    def resumed(self) -> bool:
        return self.peer.attribute("viva.phase") == "speaking"

    async def finish(self) -> None:
        await until(
            lambda: self.peer.attribute("viva.phase") == "ended" or self.peer.agent is None, 120, "the end", self.house
        )
        await until(lambda: self.state("ended"), 60, "the end in the log", self.house)
        heard = self.house.ears(self.peer.heard)
        await self.peer.leave()
        self.check(heard)

    def check(self, heard: str, *, cut: bool = True) -> None:
        """The promises, from the log, the report and the ear."""
        after = self.house.events(self.session)
        assert after[: len(self.before)] == self.before, "the log only grows"
        asked = [e["question"] for e in after if e["kind"] == "asked" and e["why"] != "asked again"]
        assert asked == QUESTIONS[: len(asked)], f"nothing is asked twice or left out: {asked}"
        committed = [e["text"] for e in self.before if e["kind"] == "heard"]
        report = self.house.report(self.session)
        text = " ".join(s["text"] for q in report["questions"] for e in q["exchanges"] for s in e["sentences"])
        assert all(piece in text for piece in committed), "no answer is lost"
        if cut:
            assert "cut off" in heard, f"it says so: {heard}"
            resumes = [e for e in after if e["kind"] == "resumed"]
            assert resumes and len(report["holes"]) == len(resumes)
            for exchange in (e for q in report["questions"] for e in q["exchanges"] if e["delivery"]):
                for hole in report["holes"]:
                    d = exchange["delivery"]
                    assert not d["start"] + 0.05 < hole["at"] < d["end"] - 0.05, "nothing is measured across a hole"


async def begin(house: House, moment: str) -> Scene:
    session, link = house.invite(candidate="Sam", questions=QUESTIONS)
    # More answers than questions: whoever is cut off says it again.
    peer = await house.join(session, link, reciter(REPORTS, SLOW, MISTAKE, MISTAKE, MISTAKE, MISTAKE))
    scene = Scene(house, session, link, peer)
    await scene.reach(moment)
    scene.broken_at = time.monotonic()
    return scene


async def recovers(name: str, scene: Scene) -> None:
    try:
        count(name, await scene.voice_again())
    except AssertionError:
        count(name, None)
        raise
    await scene.finish()


@pytest.mark.parametrize("moment", ["question", "answer", "farewell"])
async def test_kill_the_job(house: House, moment: str, run: int) -> None:
    scene = await begin(house, moment)
    job = house.job(scene.session)
    job.kill()
    await until(lambda: not job.is_running() or job.status() == "zombie", 5, "its death")
    await until(
        lambda: scene.peer.attribute("viva.phase") == "waiting" or len(scene.peer.agents) > 1, 30, "a new agent", house
    )
    await recovers(f"kill -9 of the job in the {moment}", scene)
    assert len(set(scene.peer.agents)) == 2, "one agent died, one came"


async def test_kill_the_worker(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    house.child("agent", "start").kill()
    await until(lambda: len(scene.peer.agents) > 1, 40, "a new agent", house)
    await recovers("kill -9 of the worker", scene)


async def test_kill_the_model_host(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    house.processes("agent.model_host")[0].kill()
    await until(lambda: len(scene.state("answered")) >= 2, 60, "the answer is taken", house)
    count("kill -9 of the models' process", time.monotonic() - scene.broken_at)
    await until(lambda: scene.state("ended"), 90, "the end", house)
    await scene.peer.leave()
    scene.check("", cut=False)
    assert "database" in " ".join(e["text"] for e in scene.state("heard")).lower(), "the answer was heard to its end"


async def test_restart_redis(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    redis = house.child("redis-server")
    # Down for longer than a lease: stopped first, so that it is away and not only quick to return.
    redis.send_signal(signal.SIGSTOP)
    await asyncio.sleep(6.0)
    redis.kill()
    await until(lambda: len(scene.state("answered")) >= 2, 60, "the answer is taken", house)
    count("Redis away for 6 s, then kill -9", time.monotonic() - scene.broken_at)
    await until(lambda: scene.state("ended"), 90, "the end", house)
    await asyncio.sleep(3)
    heard = house.ears(scene.peer.heard)
    await scene.peer.leave()
    scene.check(heard, cut=False)
    assert "interruption on our side" in heard or "cut off" in heard, heard


async def test_restart_livekit(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    house.child("livekit").kill()
    await until(lambda: len(scene.state("resumed")) >= 1, 60, "a way back in", house)
    await recovers("kill -9 of the LiveKit server", scene)


async def test_drop_and_rejoin(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    await scene.peer.leave()
    await asyncio.sleep(6)
    await again(scene, "candidate gone for 6 s", take_over=False)


async def test_go_on_on_another_device(house: House, run: int) -> None:
    scene = await begin(house, "answer")
    first = scene.peer
    await again(scene, "another device", take_over=True)
    assert first.disconnected.is_set(), "the first device is out"
    await first.leave()


async def test_close_the_laptop(house: House, run: int) -> None:
    """No goodbye, no packets: the process stands still, as a sleeping laptop does. 40 s here; the docs tell of longer ones."""
    scene = await begin(house, "question")
    await scene.peer.leave()
    access = house.call("POST", f"/interviews/{scene.session}/join", scene.link)
    script = (
        "import asyncio, sys\nfrom simulation.room import RoomPeer\nfrom tests.e2e.house import REPORTS, reciter\n"
        "async def main():\n    peer = RoomPeer(reciter(REPORTS)); await peer.join(sys.argv[1], sys.argv[2])\n"
        "    await asyncio.sleep(300)\nasyncio.run(main())"
    )
    laptop = subprocess.Popen([sys.executable, "-c", script, access["url"], access["token"]])
    try:
        await until(lambda: scene.state("heard"), 60, "the first answer", house)
        laptop.send_signal(signal.SIGSTOP)
        scene.before = house.events(scene.session)
        await until(
            lambda: house.call("GET", f"/interviews/{scene.session}")["status"] in ("waiting", "live"), 5, "a state"
        )
        await asyncio.sleep(40)
    finally:
        laptop.kill()
    scene.broken_at = time.monotonic()
    await again(scene, "laptop closed for 40 s", take_over=True)


async def again(scene: Scene, name: str, *, take_over: bool) -> None:
    """The candidate comes back, from this device or another."""
    scene.broken_at = time.monotonic()
    scene.peer = await scene.house.join(
        scene.session, scene.link, reciter(SLOW, MISTAKE, MISTAKE, MISTAKE, MISTAKE), take_over=take_over
    )
    await recovers(name, scene)
