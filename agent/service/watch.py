"""Keeps every open interview going: an agent where its candidate waits, an end where nobody comes back, a report after.

It looks at what is (the log, the lease, the room) and asks for what is missing. An agent too many does no harm: only
one can hold the session, and the others leave unheard.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from agent.runner import write_up
from agent.service.interviews import Interviews, Known
from agent.service.livekit import LiveKit
from agent.service.metrics import Metrics
from agent.service.problems import Problem
from agent.service.webhooks import Webhooks
from agent.sessions import taken
from agent.settings import Settings
from memory.store import EventStore, StoreError

LOOK = 0.5  # s between looks
AGAIN = 2.5  # s that an agent is given to come before another is asked for
NEWS = 86_400.0  # s after which an interview is no news for a webhook
log = logging.getLogger("agent.service")


class Watch:
    """`run` until cancelled."""

    def __init__(
        self, store: EventStore, settings: Settings, interviews: Interviews, livekit: LiveKit, webhooks: Webhooks,
        metrics: Metrics, wall: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._interviews = interviews
        self._livekit = livekit
        self._webhooks = webhooks
        self._metrics = metrics
        self._wall = wall
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._closed: set[str] = set()  # nothing is left to do for these
        self._away = False

    async def run(self) -> None:
        while True:
            try:
                await self.look()
                if self._away:
                    log.warning("store and LiveKit server are back")
                self._away = False
            except (StoreError, Problem, OSError) as error:
                if not self._away:
                    log.warning("the watch cannot look: %s", error)
                self._away = True
            except Exception:
                log.exception("the watch stumbled; it goes on")
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Once over everything that is open."""
        rooms = await self._livekit.rooms()
        counts: dict[str, int] = {}
        for session in await self._store.sessions():
            if session in self._closed:
                continue
            known = await self._interviews.known(session)
            if known.interview.source.kind != "room":
                self._closed.add(session)
                continue
            status = await self._interviews.status(known)
            counts[status] = counts.get(status, 0) + 1
            await self._attend(known, status, rooms)
        for status in ("invited", "consented", "live", "waiting", "ended", "cancelled"):
            self._metrics.interviews.labels(status).set(counts.get(status, 0))

    async def _attend(self, known: Known, status: str, rooms: dict[str, int]) -> None:
        session, state = known.interview.id, known.state
        pending = bool(state.farewell_pending)
        if state.consented and (not state.ended or pending) and rooms.get(known.room):
            await self._send_agent(known)
        idle = self._wall() - known.last
        held = await self._store.holder(session)
        if status == "waiting" and idle > self._settings.abandon_minutes * 60 and not held:
            view = await self._livekit.look(known.room, known.interview.source.identity)
            if not view.candidate:
                log.warning("an interview was left; it ends")
                await self._interviews.end(session, "candidate_left")
        await self._tell(known)
        if state.ended and not held and not (pending and rooms.get(known.room) and idle < AGAIN * 3):
            await self._finish(known)

    async def _send_agent(self, known: Known) -> None:
        session = known.interview.id
        if self._clock() - self._asked.get(session, -AGAIN) < AGAIN or await self._store.holder(session):
            return
        view = await self._livekit.look(known.room, known.interview.source.identity)
        if not view.candidate:
            return
        self._asked[session] = self._clock()
        log.warning("a candidate waits without an agent; one is sent")
        self._metrics.dispatches.inc()
        await self._livekit.dispatch(known.room, session)

    async def _tell(self, known: Known) -> None:
        if not self._webhooks.wanted or self._wall() - known.last > NEWS:
            return
        session, state = known.interview.id, known.state
        folder = self._interviews.folder(session)
        steps = [("started", state.started), ("ended", bool(state.ended)), ("report", self._has_report(session))]
        for kind, reached in steps:
            if not reached:
                return
            told = await self._webhooks.deliver(
                folder, session, kind, {"outcome": state.ended, "mode": known.interview.mode}
            )
            if told is not None:
                self._metrics.webhooks.labels("delivered" if told else "failed").inc()
            if told is False or (told is None and not (folder / f".told-{kind}").exists()):
                return  # in order: the next one waits

    async def _finish(self, known: Known) -> None:
        """The report of a call whose agent died before it could write it."""
        session = known.interview.id
        if not self._has_report(session) and known.state.turns:
            with contextlib.suppress(StoreError):
                async with taken(self._store, self._settings, session) as journal:
                    await write_up(self._store, journal, self._interviews.folder(session))
                    self._metrics.reports.inc()
        told = not self._webhooks.wanted or (self._interviews.folder(session) / ".told-report").exists()
        if (self._has_report(session) or not known.state.turns) and (told or self._wall() - known.last > NEWS):
            self._closed.add(session)

    def _has_report(self, session: str) -> bool:
        return (self._interviews.folder(session) / "report" / "report.json").is_file()
