"""How many calls at once this machine carries: until the 90th percentile of the reply's delay has grown by a third.

    python -m bench.capacity [--most 6] [--replies 9]

The real thing: `viva up` with a LiveKit server, Redis, a worker, one process a call; candidates in rooms who recite, in this
process. All of it, candidates included, is on the machine that is measured, so a worker alone carries more. The reply's delay
is taken from the log: from the end of the last word of an answer to the first audible sound of what is said next. Memory of a
call is the proportional set size of its process (Linux). Writes docs/results/capacity.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from bench.machine import machine
from tests.e2e.deployment import MISTAKE, REPORTS, SLOW, Deployment, reciter

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
QUESTIONS = ("improved-process", "slow-service", "mistake")
GROWN = 4 / 3  # of the first p90, from which on the machine is full
LONGEST = 240.0  # s for a round


@dataclass
class Round:
    """`calls` at once: delays of the replies, s; MB of each call's process; cores in use."""

    calls: int
    delays: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    cores: float = 0.0
    unfinished: int = 0

    @property
    def p90(self) -> float:
        return (
            sorted(self.delays)[min(len(self.delays) - 1, int(0.9 * len(self.delays)))] if self.delays else float("inf")
        )


def delays_of(events: list[dict[str, Any]]) -> list[float]:
    """From the end of the last word of each answer to the beginning of the agent's next sound."""
    found: list[float] = []
    last: float | None = None
    for event in events:
        match event["kind"]:
            case "heard":
                last = event["end"]
            case "spoken" if last is not None:
                found.append(event["t"] - last)
                last = None
            case "reopened" | "resumed":
                last = None
    return found


async def one_call(deployment: Deployment, seen: Round) -> None:
    session, link = await asyncio.to_thread(lambda: deployment.invite(questions=list(QUESTIONS)))
    peer = await deployment.join(session, link, reciter(REPORTS, SLOW, MISTAKE))
    try:
        deadline, weighed = time.monotonic() + LONGEST, False
        while time.monotonic() < deadline:
            await asyncio.sleep(2.0)
            events = await asyncio.to_thread(deployment.events, session)
            kinds = [event["kind"] for event in events]
            if kinds.count("asked") == len(QUESTIONS) and not weighed:
                weighed = True
                owner = next(event["owner"] for event in events if event["kind"] == "started")
                with contextlib.suppress(psutil.Error, AttributeError):  # not on every system
                    seen.memory.append(psutil.Process(int(owner.split(":")[1])).memory_full_info().pss / 2**20)
            if "ended" in kinds:
                break
        else:
            seen.unfinished += 1
        await asyncio.sleep(3.0)  # the farewell
        seen.delays += delays_of(await asyncio.to_thread(deployment.events, session))
    finally:
        await peer.leave()


async def measured(deployment: Deployment, calls: int, replies: int) -> Round:
    seen = Round(calls)
    began, used = time.monotonic(), sum(psutil.cpu_times()[:3])
    for _ in range(max(1, -(-replies // (calls * len(QUESTIONS))))):
        await asyncio.gather(*(one_call(deployment, seen) for _ in range(calls)))
    seen.cores = (sum(psutil.cpu_times()[:3]) - used) / (time.monotonic() - began)
    return seen


def main(most: int, replies: int) -> None:
    console = Console()
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as name:
        deployment = Deployment.start(Path(name), VIVA_WORKER_LOAD_LIMIT="1.0", VIVA_WAIT_SECONDS="20")
        try:
            for calls in range(1, most + 1):
                with console.status(f"{calls} at once"):
                    rounds.append(asyncio.run(measured(deployment, calls, replies)))
                last = rounds[-1]
                console.print(f"{calls}: p90 {last.p90:.2f} s of {len(last.delays)} replies, {last.cores:.2f} cores")
                if last.unfinished or last.p90 > GROWN * rounds[0].p90:
                    break
                time.sleep(5.0)
        finally:
            deployment.stop()
    carried = [r.calls for r in rounds if not r.unfinished and r.p90 <= GROWN * rounds[0].p90]
    full = f"{max(carried)} at once" + ("" if len(carried) < len(rounds) else " or more")
    head = ("calls at once", "replies", "median delay", "p90", "cores in use", "memory of a call", "unfinished")
    rows = [
        (str(r.calls), str(len(r.delays)), f"{statistics.median(r.delays):.2f} s" if r.delays else "–", f"{r.p90:.2f} s",
         f"{r.cores:.2f}", f"{statistics.mean(r.memory):.0f} MB" if r.memory else "–", str(r.unfinished)) for r in rounds
    ]  # fmt: skip
    lines = [
        "# Capacity", "", f"`python -m bench.capacity --most {most} --replies {replies}`, {time.strftime('%Y-%m-%d')}, {machine()}.", "",
        f"Calls that this machine carries before the p90 of the reply's delay has grown by a third: **{full}**. LiveKit server,",
        "Redis, worker, model host and the reciting candidates all run on it.", "",
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows), "",
        "Delay: from the end of the last word of an answer to the first audible sound of the reply, from the log. n is small: a",
        "p90 of so few is nearly their largest. Memory: proportional set size of the call's own process; what calls share",
        "with the process they are forked from is divided among them, and the models are in the model host.", "",
    ]  # fmt: skip
    console.print("\n".join(lines))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "capacity.md").write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=6, help="calls at once, at most")
    parser.add_argument("--replies", type=int, default=9, help="replies of a round, at least")
    given = parser.parse_args()
    main(given.most, given.replies)
