"""A service installation for tests in virtual time: a real SQLite store, a scripted LiveKit server, one clock."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from agent.call.journal import Journal
from agent.service.interviews import Interviews
from agent.service.livekit import RoomView
from agent.service.metrics import Metrics
from agent.service.models import Control
from agent.service.practice import Practice
from agent.service.problems import Problem
from agent.service.sending import Sending
from agent.service.tokens import Links
from agent.service.watch import Watch
from agent.service.webhooks import Webhooks
from agent.settings import Settings, load_settings
from memory.events import AnyEvent, Asked, Consented, Created, Ended, Spoken, Started
from memory.records import CandidateSource
from memory.sqlite_store import SqliteStore
from memory.store import EventStore, Lease, StoreUnavailable
from tests.dialogue.helpers import agreed

START = 1_800_000_000.0  # unix s at which a scenario begins


def now() -> float:
    """Unix s, in virtual time."""
    return START + asyncio.get_running_loop().time()


@dataclass
class ScriptedLiveKit:
    """Rooms as the test sets them up. `taken`: whether a worker takes dispatched jobs."""

    people: dict[str, set[str]] = field(default_factory=dict)  # room to identities
    agents: dict[str, dict[str, str]] = field(default_factory=dict)  # room to identity and the session it runs
    taken: bool = True
    away: bool = False
    broken: dict[str, Exception] = field(default_factory=dict)  # room to what a look at it raises
    slow: dict[str, float] = field(default_factory=dict)  # room to s that a look at it takes
    sent: list[tuple[float, str]] = field(default_factory=list)
    commands: list[tuple[list[str], Control]] = field(default_factory=list)
    on_dispatch: Callable[[str], Awaitable[None]] | None = None
    on_command: Callable[[Control], Awaitable[None]] | None = None

    def sent_to(self, session: str) -> list[float]:
        """When agents were sent to it, s from the start."""
        return [at for at, name in self.sent if name == session]

    async def rooms(self) -> dict[str, int]:
        if self.away:
            raise Problem(503, "livekit-away", "the LiveKit server cannot be reached")
        names = {*self.people, *self.agents}
        found = {name: len(self.people.get(name, ())) + len(self.agents.get(name, ())) for name in names}
        return {name: count for name, count in found.items() if count}

    async def look(self, room: str, named: str = "") -> RoomView:
        await asyncio.sleep(self.slow.get(room, 0.0))
        if room in self.broken:
            raise self.broken[room]
        people = self.people.get(room, set())
        return RoomView("candidate" if "candidate" in people else "", self.agents.get(room, {}), len(people))

    async def open(self, room: str) -> None:
        pass

    async def dispatch(self, room: str, session: str, silent: str = "") -> str:
        self.sent.append((asyncio.get_running_loop().time(), session))
        if self.on_dispatch:
            await self.on_dispatch(session)
        return f"dispatch-{len(self.sent)}"

    async def taken_by_a_worker(self, room: str, dispatch: str) -> bool:
        return self.taken

    async def command(self, room: str, agents: list[str], session: str, control: Control) -> None:
        self.commands.append((agents, control))
        if self.on_command:
            await self.on_command(control)


class BreakableStore(SqliteStore):
    """`away`: as if its disk were gone. `reads`: counts reads of each log."""

    away = False

    def __init__(self, path: Path) -> None:
        loop = asyncio.get_running_loop()  # asked for the time in a thread of the store's own
        super().__init__(path, lambda: START + loop.time())
        self.path = path
        self.reads: list[str] = []

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        self.reads.append(session)
        return await super().read(session, after)

    async def _run(self, work: Callable[[], Any]) -> Any:
        if self.away:
            raise StoreUnavailable("cannot use redis://:a-password@host")
        return await super()._run(work)

    def damage(self, session: str, body: str = '{"kind": "heard", "text": "my secret story"}') -> str:
        """Overwrite the last event of a log. Returns its former body."""
        with sqlite3.connect(self.path) as db:
            where = "session = ? AND position = (SELECT MAX(position) FROM event WHERE session = ?)"
            (was,) = db.execute(f"SELECT body FROM event WHERE {where}", (session, session)).fetchone()
            db.execute(f"UPDATE event SET body = ? WHERE {where}", (body, session, session))
        return str(was)


@dataclass
class Installation:
    """What `installation` puts together."""

    settings: Settings
    store: BreakableStore
    livekit: ScriptedLiveKit
    interviews: Interviews
    practice: Practice
    watch: Watch
    metrics: Metrics
    sending: Sending
    webhooks: Webhooks
    written: list[str] = field(default_factory=list)
    write: Callable[[str], Awaitable[None]] | None = None  # what writing a report does, beside the file
    told: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Awaitable[int]] | None = None  # the receiver's status

    async def interview(self, name: str, *events: AnyEvent, kind: str = "room", **changes: Any) -> str:
        """Store an interview with consent, followed by `events`."""
        plan = agreed(["mistake"]).model_copy(
            update={"id": name, "source": CandidateSource(kind=kind), "candidate": "Sam", **changes}
        )
        consent = Consented(at=now(), by="candidate", text_version="1", scope=["recording"])
        await self.add(name, Created(at=now(), interview=plan), consent, *events)
        return name

    async def add(self, name: str, *events: AnyEvent) -> None:
        lease = await self.store.acquire(name, "test", 5.0)
        await self.append(lease, *events)
        await self.store.release(lease)

    async def append(self, lease: Lease, *events: AnyEvent) -> None:
        await self.store.append(lease, events, len(await self.store.read(lease.session)))

    def arrive(self, *sessions: str) -> None:
        """Put the candidates in their rooms."""
        for session in sessions:
            self.livekit.people[session] = {"candidate"}

    def leave(self, session: str) -> None:
        del self.livekit.people[session]

    async def watch_for(self, seconds: float) -> None:
        """Run the watch for that long, then end it."""
        running = asyncio.create_task(self.watch.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def _write_up(self, store: EventStore, journal: Journal, folder: Path) -> None:
        self.written.append(journal.session)
        if self.write:
            await self.write(journal.session)
        (folder / "report").mkdir(parents=True, exist_ok=True)
        (folder / "report" / "report.json").write_text("{}")


def started() -> Started:
    return Started(at=now(), owner="test")


def asked() -> Asked:
    return Asked(at=now(), turn=0, question="mistake", text="?", why="plan")


def ended(reason: str = "completed") -> Ended:
    return Ended(at=now(), reason=reason)  # type: ignore[arg-type]


def spoken() -> Spoken:
    return Spoken(at=now(), turn=None, end=1.0)


@asynccontextmanager
async def installation(home: Path, **settings: Any) -> AsyncIterator[Installation]:
    """All the parts, with webhooks going only to `told`."""
    loop = asyncio.get_running_loop()
    made = load_settings(home=home, memory="sqlite", livekit_api_key="key", livekit_api_secret="s" * 32, **settings)
    store, livekit, metrics = BreakableStore(home / "sessions.db"), ScriptedLiveKit(), Metrics()
    sending = Sending(loop.time)
    links = Links("k" * 32, 1.0, now)
    interviews = Interviews(store, made, livekit, links, "http://test", sending, now, loop.time)  # type: ignore[arg-type]
    hooks = Webhooks(made.webhook_url, "secret", now)

    async def receive(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        status = await deployment.answer(body) if deployment.answer else 200
        deployment.told.append({**body, "at": loop.time(), "status": status})
        return httpx.Response(status)

    await hooks._client.aclose()
    hooks._client = httpx.AsyncClient(transport=httpx.MockTransport(receive))

    async def write_up(store: EventStore, journal: Journal, folder: Path) -> None:
        await deployment._write_up(store, journal, folder)

    watch = Watch(
        store, made, interviews, livekit, hooks, metrics, sending, now, loop.time, write_up  # type: ignore[arg-type]
    )  # fmt: skip
    deployment = Installation(
        made, store, livekit, interviews, Practice(store, made, interviews), watch, metrics, sending, hooks
    )
    try:
        yield deployment
    finally:
        await watch.close()
        await hooks.close()
        await store.close()
