"""Real connections that drop and recover: one voice, in the right place, every time.

The scenes that can be scripted are in tests/agent/test_stay.py; here the real server and the real SDK play them.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from simulation.room import RoomPeer
from tests.chaos.test_chaos import Scene, begin
from tests.e2e.deployment import ROOT, Deployment, reciter, until

pytestmark = pytest.mark.voice
QUESTIONS = ("improved-process",)
RELOADS, EVERY = 5, 2.0  # s
STOOD_STILL = 20.0  # s
WAITED = 20.0  # s for which the house's agents wait for a candidate before they leave
LAPTOP = """
import asyncio, sys
from simulation.room import RoomPeer
from tests.e2e.deployment import REPORTS, SLOW, reciter

async def main():
    talker = reciter(REPORTS, *([SLOW] * 12))
    peer = RoomPeer(talker)
    await peer.join(sys.argv[1], sys.argv[2])
    said = 0
    while True:
        await asyncio.sleep(0.1)
        if talker.said > said:
            said = talker.said
            print("answers", flush=True)

asyncio.run(main())
"""


@contextlib.contextmanager
def laptop(access: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """A candidate in a separate process, which prints a line at the start of each answer."""
    process = subprocess.Popen(
        [sys.executable, "-c", LAPTOP, access["url"], access["token"]], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def in_the_right_place(scene: Scene, *causes: str) -> None:
    """Asserts from the log: resumed for one of these causes, and each question once."""
    events = scene.deployment.events(scene.session)
    began = [e for e in events if e["kind"] == "started"]
    resumed = [e for e in events if e["kind"] == "resumed"]
    assert len(began) == 1 and resumed and {e["cause"] for e in resumed} <= set(causes), resumed
    asked = [e["question"] for e in events if e["kind"] == "asked"]
    assert asked == list(QUESTIONS), asked
    assert any("cut off" in e["text"] for e in events if e["kind"] == "spoken")
    assert scene.deployment.report(scene.session)["outcome"] == "completed"


async def a_page_that_is_loaded_again_and_again(deployment: Deployment) -> None:
    scene = await begin(deployment, "beginning", QUESTIONS)
    await scene.in_the_answer(1)
    for _ in range(RELOADS):
        await scene.peer.leave()
        await scene.come_back()
        await asyncio.sleep(EVERY)
    await scene.voice_again(f"page loaded {RELOADS} times")
    await scene.finish()
    assert len(set(scene.peer.agents)) == 1
    await asyncio.to_thread(in_the_right_place, scene, "rejoin")


async def a_link_that_is_away(deployment: Deployment, seconds: float) -> None:
    """The network goes in the middle of an answer: no goodbye and no packets, as when Wi-Fi drops."""
    session, link = await asyncio.to_thread(lambda: deployment.invite(candidate="Sam", questions=list(QUESTIONS)))
    await asyncio.to_thread(deployment.call, "POST", f"/interviews/{session}/consent", link)
    access = await asyncio.to_thread(deployment.call, "POST", f"/interviews/{session}/join", link)
    with laptop(access) as candidate:
        assert candidate.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(candidate.stdout.readline), 90)
        assert line == "answers\n", deployment.logs()
        await asyncio.sleep(1.5)  # of five
        candidate.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        assert not deployment.kinds(session, "answered"), "silence was no answer"
        candidate.send_signal(signal.SIGCONT)
        await until(lambda: deployment.kinds(session, "resumed"), 30, "a way back in", deployment)
        await until(lambda: deployment.kinds(session, "ended"), 90, "the end", deployment)
        await until(
            lambda: not deployment.call("GET", f"/interviews/{session}")["agent_there"], 60, "its leaving", deployment
        )
    # After WAITED another agent comes, unless the first noticed late that they were away: either is one voice.
    causes = ("rejoin", "takeover") if seconds > WAITED else ("rejoin",)
    await asyncio.to_thread(in_the_right_place, Scene(deployment, session, link, RoomPeer(reciter())), *causes)


async def test_pages_that_are_loaded_again_and_links_that_are_away(deployment: Deployment) -> None:
    await asyncio.gather(
        a_page_that_is_loaded_again_and_again(deployment),
        a_link_that_is_away(deployment, 5.0),
        a_link_that_is_away(deployment, 25.0),
    )


async def test_a_livekit_server_that_stands_still(deployment: Deployment) -> None:
    scene = await begin(deployment, "beginning", QUESTIONS)
    await scene.in_the_answer(1)
    server = deployment.child("livekit")
    server.send_signal(signal.SIGSTOP)
    scene.broken()
    await asyncio.sleep(STOOD_STILL)
    assert not scene.state("answered"), "silence was no answer"
    server.send_signal(signal.SIGCONT)
    back = lambda: scene.state("resumed")  # noqa: E731
    await until(lambda: scene.peer.disconnected.is_set() or back(), 60, "a way back in", deployment)
    if scene.peer.disconnected.is_set():  # the SDK gave up: in again by the link, as the page does
        await scene.come_back()
        await until(back, 60, "a way back in by the link", deployment)
    await scene.voice_again(f"LiveKit server stopped for {STOOD_STILL:.0f} s")
    await scene.finish()
    await asyncio.to_thread(in_the_right_place, scene, "rejoin")
