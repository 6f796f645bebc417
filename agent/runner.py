"""Running a voice call on the in-process line, from the first tick to the report folder."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.advising import advise
from agent.artefacts import write_report
from agent.call import Call
from agent.engines import Engines
from agent.history import earlier_reports
from agent.journal import Journal
from agent.line import Caller, Line
from agent.measuring import Measure, is_measured, measure_answer, measure_recorded
from agent.recorder import RATE, Recorder, Recording
from agent.requests import Requests
from agent.signals import Stopped, stop_signals
from agent.speaking import Watcher
from agent.tasks import cancel_and_wait, first_of
from dialogue.backends.base import LanguageModel
from dialogue.mind import Mind
from dialogue.state import fold
from memory.events import Ended, Measured
from memory.store import EventStore
from voice.stt.decoder import EngineError

BOOKKEEPING = 5.0  # s that a call whose farewell was heard has for its last events
CLOSING = 10.0  # s that the session may take to close
log = logging.getLogger(__name__)


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
    requests: Requests | None = None  # where they outlive the call: of a stay in a room
    clock: Callable[[], float] = time.monotonic


async def run_call(plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
    """A call of one leg: until the farewell, the caller's hanging up, or a stop signal (raises Stopped, everything stored)."""
    async with stop_signals() as stopping:
        leg = Leg(plan, journal, recorder)
        leasing = asyncio.create_task(journal.keep_lease(plan.lease_seconds), name="leasing")
        try:
            await leg.run(stopping, leasing)
        finally:
            await cancel_and_wait(leasing)
        state = journal.state
        if not state.ended:
            await journal.write(Ended(at=time.time(), t=recorder.seconds, reason="candidate_left"))


class Leg:
    """A stretch of a call without a cut: one recognition, one voice, one piece of the recording."""

    def __init__(self, plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
        self._journal = journal
        self._recorder = recorder
        self._line = Line(plan.caller, recorder, plan.clock)
        self.call = Call(
            journal, plan.mind, plan.engines, offset=recorder.start / RATE, watcher=plan.watcher,
            out_of_answers=plan.out_of_answers, by_phone=plan.by_phone, requests=plan.requests,
        )  # fmt: skip
        self._line.on_held_up = self.call.ear.held_up
        self.call.session.input.audio = self._line.input
        self.call.session.output.audio = self._line.output

    async def run(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None:
        """Until the farewell or the caller is gone. Raises Stopped when told to stop, and whatever `leasing` raises."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.call.session.start(self.call.agent, record=False)
            talking = asyncio.create_task(self.call.run(self._line.output), name="talking")
            ticking = asyncio.create_task(self._line.run(), name="ticking")
            stopped = asyncio.create_task(stopping.wait(), name="stopping")
            tasks = [talking, ticking, stopped]
            done = await first_of(talking, ticking, stopped, leasing)
            for task in done - {stopped}:
                task.result()  # raises what went wrong
            if talking in done:
                return
            if ticking not in done:
                raise Stopped
            if self._journal.state.ended:  # the farewell was heard and the caller was faster than its last bookkeeping
                await asyncio.wait({talking}, timeout=BOOKKEEPING)
            else:
                await cancel_and_wait(talking)
                await self.call.hung_up()
        finally:
            try:
                await cancel_and_wait(*tasks)
                async with asyncio.timeout(CLOSING):
                    await self.call.aclose()
            except TimeoutError:
                log.warning("the call did not close within %g s; it is left as it is", CLOSING)
            finally:
                self._recorder.close()


async def measure_missing(journal: Journal, recording: Recording, measure: Measure = measure_answer) -> None:
    """Measure the answers whose measuring a crash prevented, from the recording: only their part of it is read."""
    missing = [turn for turn in journal.state.turns if is_measured(turn) and turn.delivery is None]
    if not missing or not recording.length:
        return
    for turn in missing:
        try:
            delivery = await asyncio.to_thread(
                measure_recorded, recording.candidate, RATE, turn, journal.state.holes, measure
            )
        except EngineError:  # of the machine's models, which come back
            raise
        except Exception:  # an answer that cannot be measured has no measures; the others and the report do
            log.warning("answer %d could not be measured from the recording", turn.number, exc_info=True)
            continue
        if delivery is not None:
            await journal.write(Measured(at=turn.heard[-1].at, t=delivery.end, turn=turn.number, delivery=delivery))


async def write_up(
    store: EventStore, journal: Journal, folder: Path, measure: Measure = measure_answer, model: LanguageModel | None = None
) -> None:  # fmt: skip
    """What is left to do once a call has ended: measure what a crash left unmeasured, feedback, the report."""
    recording = Recording(folder)
    await measure_missing(journal, recording, measure)
    await advise(journal, model)
    await finish(store, journal.session, recording, folder / "report")


async def finish(
    store: EventStore, session: str, recording: Recording | None, folder: Path, sessions: Path | None = None
) -> Path:
    """Write the report of a session and say where it is. `recording`: none for a typed one.

    `sessions`: where earlier ones of the same person lie; by default `folder` is one of theirs.
    """
    if recording is not None and recording.ignored:
        log.warning("%.1f s that were recorded after another process had taken over are left out", recording.ignored)
    events = await store.read(session)
    interview = fold(events).interview
    sessions = sessions or folder.parent.parent
    earlier = await earlier_reports(store, sessions, interview) if interview else ()
    await asyncio.to_thread(write_report, events, recording, folder, earlier)
    return folder
