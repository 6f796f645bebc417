"""Running a voice call on the in-process line, from the first tick to the report folder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.advising import advise
from agent.artefacts import write_report
from agent.call import Call
from agent.engines import Engines
from agent.history import earlier_reports
from agent.journal import Journal
from agent.line import Caller, Line
from agent.measuring import Measure, measure_answer, measure_recorded
from agent.recorder import RATE, Recorder, read_raw
from agent.signals import Stopped, stop_signals
from agent.speaking import Watcher
from dialogue.backends.base import LanguageModel
from dialogue.mind import Mind
from dialogue.state import fold
from memory.events import Ended, Measured
from memory.store import EventStore


@dataclass(frozen=True)
class CallPlan:
    """What a call needs besides its session: engines, the other end, and who watches."""

    engines: Engines
    mind: Mind
    caller: Caller
    watcher: Watcher
    lease_seconds: float
    out_of_answers: Callable[[], bool] = lambda: False
    by_phone: bool = False


async def run_call(plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
    """A call of one leg: until the farewell, the caller's hanging up, or a stop signal (raises Stopped, everything stored)."""
    async with stop_signals() as stopping:
        leasing = asyncio.create_task(journal.keep_lease(plan.lease_seconds), name="leasing")
        leg = Leg(plan, journal, recorder)
        try:
            await leg.run(stopping, leasing)
        finally:
            leasing.cancel()
            await asyncio.gather(leasing, return_exceptions=True)
        state = journal.state
        if not state.ended:
            await journal.write(Ended(at=time.time(), t=recorder.seconds, reason="candidate_left"))


class Leg:
    """A stretch of a call without a cut: one recognition, one voice, one piece of the recording."""

    def __init__(self, plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder
        self._line = Line(plan.caller, recorder)
        self.call = Call(
            journal, plan.mind, plan.engines, offset=recorder.start / RATE, watcher=plan.watcher,
            out_of_answers=plan.out_of_answers, by_phone=plan.by_phone,
        )  # fmt: skip
        self._line.on_held_up = self.call.ear.held_up
        self.call.session.input.audio = self._line.input
        self.call.session.output.audio = self._line.output

    async def run(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None:
        """Until the farewell or the caller is gone. Raises Stopped when told to stop, and whatever `leasing` raises."""
        await self.call.session.start(self.call.agent, record=False)
        talking = asyncio.create_task(self.call.run(self._line.output), name="talking")
        ticking = asyncio.create_task(self._line.run(), name="ticking")
        stopped = asyncio.create_task(stopping.wait(), name="stopping")
        tasks = {talking, ticking, stopped}
        try:
            done, _ = await asyncio.wait({*tasks, leasing}, return_when=asyncio.FIRST_COMPLETED)
            if talking in done or leasing in done:
                for task in done:
                    task.result()  # raises what went wrong
            elif ticking in done:
                ticking.result()
                if not self._journal.state.ended:
                    talking.cancel()
                    await asyncio.gather(talking, return_exceptions=True)
                    await self.call.hung_up()
                else:  # the farewell was heard and the caller was faster than its last bookkeeping
                    await asyncio.wait({talking}, timeout=5.0)
            else:
                raise Stopped
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.call.aclose()
            self._recorder.close()


async def measure_missing(journal: Journal, raw: Path, measure: Measure = measure_answer) -> None:
    """Measure the answers whose measuring a crash prevented, from the recording."""
    missing = [t for t in journal.state.turns if t.answered and t.delivery is None and t.words and t.intent == "answer"]
    if not missing:
        return
    candidate, _ = read_raw(raw)
    for turn in missing:
        delivery = await asyncio.to_thread(measure_recorded, candidate, RATE, turn, journal.state.holes, measure)
        if delivery is not None:
            await journal.write(Measured(at=turn.heard[-1].at, t=delivery.end, turn=turn.number, delivery=delivery))


async def write_up(
    store: EventStore, journal: Journal, folder: Path, measure: Measure = measure_answer, model: LanguageModel | None = None
) -> None:  # fmt: skip
    """What is left to do once a call has ended: measure what a crash left unmeasured, feedback, the report."""
    raw = folder / "recording.raw"
    await measure_missing(journal, raw, measure)
    await advise(journal, model)
    await finish(store, journal.session, raw if raw.is_file() else None, folder / "report")


async def finish(store: EventStore, session: str, raw: Path | None, folder: Path) -> Path:
    """Write the report of a session and say where it is."""
    events = await store.read(session)
    interview = fold(events).interview
    sessions = (raw or folder).parent.parent  # the recording's, where the report goes elsewhere
    earlier = await earlier_reports(store, sessions, interview) if interview else ()
    await asyncio.to_thread(write_report, events, raw, folder, earlier)
    return folder
