"""Keeps every open interview going: an agent while its candidate waits, an end if nobody comes back, a report after.

It looks at the current state (the log, the lease, the room) and requests what is missing. A surplus agent does no harm:
only one can hold the session, and the others leave without a word.

Every interview is handled independently: one that is unreadable or slow keeps no other waiting. Work that is slow by
nature (a report, another system's response) runs in the background.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent.call.journal import Journal
from agent.reporting.write_up import write_up
from agent.service.backoff import Backoff
from agent.service.chores import Chores
from agent.service.interviews import Interviews
from agent.service.known import Known, Unreadable
from agent.service.livekit import LiveKit
from agent.service.metrics import Metrics
from agent.service.problems import Problem, fault_of
from agent.service.sending import AGAIN, Reason, Sending
from agent.service.webhooks import Webhooks
from agent.sessions import taken
from agent.settings import Settings
from memory.store import EventStore, LeaseHeld, StoreUnavailable

LOOK = 0.5  # s between looks
PATIENCE = 1.0  # s a look waits for the slowest interview, which then continues alongside the next look
AT_ONCE = 16  # interviews handled at once
REPORTS = 2  # reports written at once: each takes a core
WEBHOOKS = 8  # receivers waited for at once
NEWS = 86_400.0  # s after which an interview is too old to tell a webhook about
REPORT_GRACE = 3 * AGAIN  # s during which an agent may still come and say a farewell that was cut off
STATUSES = ("invited", "consented", "live", "waiting", "ended", "cancelled", "unreadable")
REASONS: tuple[Reason, ...] = ("no_worker", "not_taken")
WriteUp = Callable[[EventStore, Journal, Path], Awaitable[None]]
log = logging.getLogger("agent.service")


class Watch:
    """`run` until cancelled. `wall`: unix s; `clock`: monotonic s; `write_up`: writes the report of an ended call."""

    def __init__(
        self, store: EventStore, settings: Settings, interviews: Interviews, livekit: LiveKit, webhooks: Webhooks,
        metrics: Metrics, sending: Sending, wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic, write_up: WriteUp = write_up,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._interviews = interviews
        self._livekit = livekit
        self._webhooks = webhooks
        self._metrics = metrics
        self._sending = sending
        self._wall = wall
        self._clock = clock
        self._write_up = write_up
        self._closed: set[str] = set()  # nothing left to do for these
        self._statuses: dict[str, str] = {}  # of the open ones, as last seen
        self._unwell = Backoff(1.0, 300.0)  # interviews that cannot be handled
        self._unwritten = Backoff(5.0, 600.0)  # reports that cannot be written
        self._attending = Chores("attending to")
        self._writing = Chores("report of", REPORTS)
        self._telling = Chores("webhooks of", WEBHOOKS)
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        self._away: set[str] = set()  # what this look could not reach
        self._told_away: set[str] = set()

    async def run(self) -> None:
        """Look again and again. When this is cancelled, the work it started is cancelled and waited for."""
        try:
            while True:
                try:
                    await self.look()
                except Exception as error:
                    log.error("the watch stumbled and goes on: %s", fault_of(error))
                await asyncio.sleep(LOOK)
        finally:
            await self.close()

    async def close(self) -> None:
        """Cancel the background work and wait for it to end."""
        for chores in (self._attending, self._telling, self._writing):
            await chores.close()

    def trouble(self, session: str) -> str:
        """What is wrong with an interview just now, in a sentence for people; empty if nothing is."""
        if why := self._sending.why(session):
            return f"The candidate waits without an agent: {why}"
        if why := self._unwritten.reason(session):
            return f"The report cannot be written ({why}); it is tried again."
        return ""

    # -- looking ---------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Handle every open interview once. Returns when done, or after PATIENCE with the rest still under way."""
        self._away = set()
        rooms = await self._rooms()
        try:
            names = await self._interviews.sessions()
        except StoreUnavailable:
            self._away.add("session store")
        else:
            self._forget_all_but(set(names))
            for name in names:
                if name not in self._closed and self._unwell.due(name, self._clock()):
                    self._attending.start(name, functools.partial(self._attend, name, rooms))
            await self._attending.settle(PATIENCE)
        self._say_who_is_away()
        self._count()

    async def _rooms(self) -> dict[str, int] | None:
        """People in each room; None if the LiveKit server cannot say. Reports and webhooks do not need it."""
        try:
            return await self._livekit.rooms()
        except Problem:
            self._away.add("LiveKit server")
            return None

    async def _attend(self, session: str, rooms: dict[str, int] | None) -> None:
        """Handle one interview. No error of its own escapes."""
        async with self._turnstile:
            try:
                await self._look_after(session, rooms)
            except StoreUnavailable:
                self._away.add("session store")
            except LeaseHeld:
                pass  # another process is handling it
            except Unreadable:  # already logged
                self._statuses[session] = "unreadable"
                self._unwell.failed(session, self._clock())
            except Exception as error:
                self._not_well(session, error)
            else:
                if self._unwell.succeeded(session):
                    log.warning("interview %s can be attended to again", session)

    def _not_well(self, session: str, error: Exception) -> None:
        if isinstance(error, Problem) and error.kind == "livekit-away":
            self._away.add("LiveKit server")
            return
        if not self._unwell.count(session):
            fault = fault_of(error)
            log.error("interview %s cannot be attended to (%s); the others are not affected", session, fault)
        self._unwell.failed(session, self._clock())

    async def _look_after(self, session: str, rooms: dict[str, int] | None) -> None:
        known = await self._interviews.known(session)
        if known.interview.source.kind != "room":
            self._close(session)
            return
        self._statuses[session] = status = await self._interviews.status(known)
        state = known.state
        pending = bool(state.farewell_pending)
        if rooms is not None and state.consented and (not state.ended or pending):
            await self._see_to_an_agent(known, people=rooms.get(known.room, 0))
        idle = self._wall() - known.last
        held = bool(await self._store.holder(session))
        if rooms is not None and status == "waiting" and not held and idle > self._settings.abandon_minutes * 60:
            view = await self._livekit.look(known.room, known.interview.source.identity)
            if not view.candidate:
                log.warning("interview %s was left; it ends", session)
                await self._interviews.end(session, "candidate_left")
        self._see_to_webhooks(known)
        farewell_may_come = pending and idle < REPORT_GRACE and (rooms is None or bool(rooms.get(known.room)))
        if state.ended and not held and not farewell_may_come:
            self._see_to_the_report(known)

    # -- an agent --------------------------------------------------------------------------------------------------

    async def _see_to_an_agent(self, known: Known, people: int) -> None:
        session = known.interview.id
        if await self._store.holder(session):
            if self._sending.attended(session):
                log.warning("interview %s has an agent now", session)
            return
        self._sending.unattended(session)
        view = await self._livekit.look(known.room, known.interview.source.identity) if people else None
        if view is None or not view.candidate:
            self._sending.left(session)
            return
        if not self._sending.due(session):
            return
        if count := self._sending.count(session):
            if self._sending.in_vain(session, await self._reason(known)):
                log.warning("interview %s: asked for an agent %d times: %s", session, count, self._sending.why(session))
        else:
            log.warning("interview %s: a candidate waits without an agent; one is sent", session)
        self._metrics.dispatches.inc()
        await self._interviews.send_agent(known)

    async def _reason(self, known: Known) -> Reason:
        """Why the last agent did not come."""
        dispatch = self._sending.last(known.interview.id)
        try:
            taken = bool(dispatch) and await self._livekit.taken_by_a_worker(known.room, dispatch)
        except Problem as problem:
            if problem.status != 404:
                raise
            taken = False  # a restarted server does not know the dispatch
        return "not_taken" if taken else "no_worker"

    # -- webhooks --------------------------------------------------------------------------------------------------

    def _see_to_webhooks(self, known: Known) -> None:
        session = known.interview.id
        if self._untold(known) and self._webhooks.due(session):
            self._telling.start(session, functools.partial(self._tell, known))

    def _untold(self, known: Known) -> list[str]:
        """What the webhook still has to be told, in order."""
        if not self._webhooks.wanted or self._wall() - known.last > NEWS:
            return []
        session, state = known.interview.id, known.state
        folder = self._interviews.folder(session)
        steps = [("started", state.started), ("ended", bool(state.ended)), ("report", self._has_report(session))]
        return [kind for kind, reached in steps if reached and not self._webhooks.told(folder, session, kind)]

    async def _tell(self, known: Known) -> None:
        session = known.interview.id
        data = {"outcome": known.state.ended, "mode": known.interview.mode}
        for kind in self._untold(known):
            told = await self._webhooks.deliver(self._interviews.folder(session), session, kind, data)
            if told is not None:
                self._metrics.webhooks.labels("delivered" if told else "failed").inc()
            if not told:
                return  # order matters: the next one waits

    # -- the report ------------------------------------------------------------------------------------------------

    def _see_to_the_report(self, known: Known) -> None:
        """Write the report of a call whose agent died before it could."""
        session = known.interview.id
        if known.state.turns and not self._has_report(session):
            if self._unwritten.due(session, self._clock()):
                self._writing.start(session, functools.partial(self._write, session))
        elif not self._untold(known):
            self._close(session)

    async def _write(self, session: str) -> None:
        try:
            async with taken(self._store, self._settings, session) as journal:
                await self._write_up(self._store, journal, self._interviews.folder(session))
        except (LeaseHeld, StoreUnavailable) as error:
            self._unwritten.failed(session, self._clock(), fault_of(error))
        except Exception as error:
            fault, before = fault_of(error), self._unwritten.reason(session)
            self._metrics.reports_failed.inc()
            wait = self._unwritten.failed(session, self._clock(), fault)
            if fault != before:
                log.error("the report of %s cannot be written (%s); again in %.0f s", session, fault, wait)
        else:
            self._metrics.reports.inc()
            if self._unwritten.succeeded(session):
                log.warning("the report of %s is written now", session)

    def _has_report(self, session: str) -> bool:
        return (self._interviews.folder(session) / "report" / "report.json").is_file()

    # -- bookkeeping -----------------------------------------------------------------------------------------------

    def _close(self, session: str) -> None:
        """Nothing is left to do for this session."""
        self._closed.add(session)
        self._statuses.pop(session, None)

    def _forget_all_but(self, names: set[str]) -> None:
        self._closed &= names
        self._statuses = {name: status for name, status in self._statuses.items() if name in names}
        for memory in (self._unwell, self._unwritten, self._sending, self._webhooks):
            memory.keep_only(names)

    def _count(self) -> None:
        seen = list(self._statuses.values())
        for status in STATUSES:
            self._metrics.interviews.labels(status).set(seen.count(status))
        waiting = [self._sending.reason(name) for name in self._statuses if self._sending.why(name)]
        for reason in REASONS:
            self._metrics.waiting.labels(reason).set(waiting.count(reason))

    def _say_who_is_away(self) -> None:
        for what in sorted(self._away - self._told_away):
            log.warning("the watch cannot reach the %s; it goes on trying", what)
        for what in sorted(self._told_away - self._away):
            log.warning("the %s is back", what)
        self._told_away = set(self._away)
