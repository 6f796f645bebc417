"""CPU and memory of one call, and of each further one in the same process: models load once, calls share them.

    python -m bench.footprint [--calls 3]

Each call is a whole interview with the simulated candidate, which has its own recogniser: agent and candidate are
measured together, so a real call costs less. The floor is given too: models loaded, nobody talking.
Writes docs/results/footprint.md.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from agent.call.leg import CallPlan, run_call
from agent.call.recording import Recorder
from agent.call.speaking import Watcher
from agent.engines.loading import Engines, load_engines
from agent.sessions import begin, new_id
from agent.settings import load_settings
from bench.machine import machine
from dialogue.manager.interviewer import Interviewer
from dialogue.plan.plan import draw, questions_of
from memory.records import CandidateSource, Interview
from memory.sqlite_store import SqliteStore
from prompts.loader import load_pack
from simulation.candidate import SimulatedCandidate
from simulation.script import load_script, persona_path

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


@dataclass(frozen=True)
class Cost:
    """`cores`: mean share of one core in use. `memory`: MB resident at the end."""

    calls: int
    cores: float
    memory: float
    seconds: float


async def one_call(engines: Engines, store: SqliteStore, folder: Path) -> None:
    questions = draw(questions_of(load_pack("phone-screen")), minutes=5, probes=1, ids=["improved-process"])
    agreed = Interview(
        id=new_id(), mode="practice", title="bench", pack="phone-screen", source=CandidateSource(kind="simulated", persona="sam"),
        questions=questions, probe_budget=1, minutes=5,
    )  # fmt: skip
    begun = await begin(store, load_settings(), agreed, "bench", lambda _: None)
    caller = await asyncio.to_thread(SimulatedCandidate, load_script(persona_path("sam")), engines.decoder)
    await run_call(
        CallPlan(engines, Interviewer(), caller, Watcher(), 30.0), begun.journal, Recorder(folder / agreed.id)
    )


async def measured(engines: Engines, calls: int) -> Cost:
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as name:
        store = SqliteStore(Path(name) / "s.db")
        began, used = time.monotonic(), sum(process.cpu_times()[:2])
        await asyncio.gather(*(one_call(engines, store, Path(name)) for _ in range(calls)))
        seconds = time.monotonic() - began
        cores = (sum(process.cpu_times()[:2]) - used) / seconds
        await store.close()
    return Cost(calls, cores, process.memory_info().rss / 2**20, seconds)


async def main(most: int) -> None:
    console = Console()
    engines = load_engines(load_settings(stt="moonshine", tts="espeak", llm="embedded"))
    floor = psutil.Process().memory_info().rss / 2**20
    costs: list[Cost] = []
    for calls in range(1, most + 1):
        with console.status(f"{calls} at once"):
            costs.append(await measured(engines, calls))
    rows = [("0 (models loaded)", "0.00", "–", f"{floor:.0f} MB", "–")]
    for i, cost in enumerate(costs):
        more = f"{cost.memory - (costs[i - 1].memory if i else floor):+.0f} MB"
        rows.append(
            (str(cost.calls), f"{cost.cores:.2f}", f"{cost.cores / cost.calls:.2f}", f"{cost.memory:.0f} MB", more)
        )
    table = Table(title="Calls at once")
    head = ("calls", "cores in use", "cores per call", "memory", "for the last one")
    for column in head:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = [
        "# Footprint", "", f"`python -m bench.footprint`, {time.strftime('%Y-%m-%d')}, {machine()}.", "",
        "One interview with the simulated candidate, agent and candidate (who has a recogniser of his own) in one process;",
        "Moonshine tiny-en, espeak-ng, Silero, v1-mini. Mean over the call; memory at its end.", "",
        "| " + " | ".join(head) + " |", "|---|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows), "",
    ]  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "footprint.md").write_text("\n".join(lines), "utf-8")
    await engines.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3, help="at most this many at once")
    asyncio.run(main(parser.parse_args().calls))
