"""Running a voice call on the in-process line, from the first tick to the report folder."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.artefacts import write_report
from agent.call import Call, Watcher
from agent.engines import Engines
from agent.journal import Journal
from agent.line import Caller, Line
from agent.measuring import measure_recorded
from agent.recorder import RATE, Recorder, read_raw
from dialogue.mind import Mind
from memory.events import Measured
from memory.store import EventStore


class Stopped(Exception):
    """Ctrl-C or a signal: the session is kept and can be resumed."""


@dataclass(frozen=True)
class CallPlan:
    """What a call needs besides its session: engines, the other end, and who watches."""

    engines: Engines
    mind: Mind
    caller: Caller
    watcher: Watcher
    lease_seconds: float
    out_of_answers: Callable[[], bool] = lambda: False


async def run_call(plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
    """Until the farewell, the caller's hanging up, or a stop signal (raises Stopped, everything stored)."""
    line = Line(plan.caller, recorder)
    call = Call(
        journal, plan.mind, plan.engines, offset=recorder.start / RATE, watcher=plan.watcher, out_of_answers=plan.out_of_answers
    )  # fmt: skip
    call.session.input.audio = line.input
    call.session.output.audio = line.output
    async with stop_signals() as stopping:
        await call.session.start(call.agent, record=False)
        talking = asyncio.create_task(call.run(line.output), name="talking")
        ticking = asyncio.create_task(line.run(), name="ticking")
        leasing = asyncio.create_task(journal.keep_lease(plan.lease_seconds), name="leasing")
        stopped = asyncio.create_task(stopping.wait(), name="stopping")
        tasks = {talking, ticking, leasing, stopped}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if talking in done or leasing in done:
                for task in done:
                    task.result()  # raises what went wrong
            elif ticking in done:
                ticking.result()
                if not journal.state.ended:
                    talking.cancel()
                    await call.hung_up()
                else:  # the farewell was heard and the caller was faster than its last bookkeeping
                    await asyncio.wait({talking}, timeout=5.0)
            else:
                raise Stopped
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await call.aclose()
            recorder.close()


@contextlib.asynccontextmanager
async def stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a call ends in order."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(name, stopping.set)
    try:
        yield stopping
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.remove_signal_handler(name)


async def measure_missing(journal: Journal, raw: Path) -> None:
    """Measure the answers whose measuring a crash prevented, from the recording."""
    missing = [t for t in journal.state.turns if t.answered and t.delivery is None and t.words and t.intent == "answer"]
    if not missing:
        return
    candidate, _ = read_raw(raw)
    for turn in missing:
        delivery = await asyncio.to_thread(measure_recorded, candidate, RATE, turn, journal.state.holes)
        if delivery is not None:
            await journal.write(Measured(at=turn.heard[-1].at, t=delivery.end, turn=turn.number, delivery=delivery))


async def finish(store: EventStore, session: str, raw: Path | None, folder: Path) -> Path:
    """Write the report of a session and say where it is."""
    events = await store.read(session)
    await asyncio.to_thread(write_report, events, raw, folder)
    return folder
