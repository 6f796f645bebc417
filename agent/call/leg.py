"""One leg of a call: from the first tick until the candidate is gone, the farewell has been heard, or a stop signal."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.call.audio_bridge import AudioBridge, Caller
from agent.call.call import Call
from agent.call.journal import Journal
from agent.call.recording import RATE, Recorder
from agent.call.requests import Requests
from agent.call.speaking import Watcher
from agent.engines.loading import Engines
from agent.signals import Stopped, stop_signals
from agent.tasks import cancel_and_wait, first_of
from dialogue.manager.interviewer import Interviewer
from memory.events import Ended

BOOKKEEPING = 5.0  # s for a call to write its last events after its farewell was heard
CLOSING = 10.0  # s that the session may take to close
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CallPlan:
    """What a call needs besides its session: engines, the caller, and the watcher."""

    engines: Engines
    interviewer: Interviewer
    caller: Caller
    watcher: Watcher
    lease_seconds: float
    out_of_answers: Callable[[], bool] = lambda: False
    by_phone: bool = False
    requests: Requests | None = None  # given where they outlive the call, as in a room session
    clock: Callable[[], float] = time.monotonic


async def run_call(plan: CallPlan, journal: Journal, recorder: Recorder) -> None:
    """A call of one leg: until the farewell, the caller hangs up, or a stop signal (raises Stopped, all is stored)."""
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
        self._bridge = AudioBridge(plan.caller, recorder, plan.clock)
        self.call = Call(
            journal, plan.interviewer, plan.engines, offset=recorder.start / RATE, watcher=plan.watcher,
            out_of_answers=plan.out_of_answers, by_phone=plan.by_phone, requests=plan.requests,
        )  # fmt: skip
        self._bridge.on_held_up = self.call.tracker.held_up
        self.call.session.input.audio = self._bridge.input
        self.call.session.output.audio = self._bridge.output

    async def run(self, stopping: asyncio.Event, leasing: asyncio.Task[None]) -> None:
        """Until the farewell is over or the caller is gone. Raises Stopped on a stop, and whatever `leasing` raises."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.call.session.start(self.call.agent, record=False)
            talking = asyncio.create_task(self.call.run(self._bridge.output), name="talking")
            ticking = asyncio.create_task(self._bridge.run(), name="ticking")
            stopped = asyncio.create_task(stopping.wait(), name="stopping")
            tasks = [talking, ticking, stopped]
            done = await first_of(talking, ticking, stopped, leasing)
            for task in done - {stopped}:
                task.result()  # re-raises what went wrong
            if talking in done:
                return
            if ticking not in done:
                raise Stopped
            if self._journal.state.ended:  # the farewell was heard, and the caller hung up before the last bookkeeping
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
                # It waits for a slow disk, and the loop carries what else there is.
                await asyncio.to_thread(self._recorder.close)
