"""Beginning, resuming and ending sessions: ids, folders, consent, leases. The order of steps matters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.call.journal import Journal
from agent.errors import UserError
from agent.settings import Settings
from dialogue.state import fold
from memory.events import AnyEvent, Consented, Created
from memory.records import Interview
from memory.store import EventStore, Lease, LeaseHeld, UnknownSession
from prompts.loader import load_phrases


def new_id() -> str:
    """Sortable by time, random enough not to collide."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def owner() -> str:
    """Names this process as the holder of a lease."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def session_folder(settings: Settings, session: str) -> Path:
    """Where a session's recording and report are stored."""
    return settings.home / "sessions" / session


def check_disk(settings: Settings) -> None:
    """Raises UserError if the home folder is not writable or nearly full: better known before a call than during it."""
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"cannot write to {home} ({error.strerror}); set VIVA_HOME to a folder you can write"
        ) from error
    free = shutil.disk_usage(home).free // 2**20
    if free < settings.min_free_mb:
        raise UserError(
            f"only {free} MB free at {home}, {settings.min_free_mb} are wanted; free some, or set VIVA_HOME"
        )


@dataclass
class Begun:
    """A session that this process may write to."""

    id: str
    journal: Journal
    owner: str = ""
    last: float = 0.0  # unix s of the newest event when the session was taken


async def create(
    store: EventStore, settings: Settings, interview: Interview, engines: dict[str, str] | None = None
) -> None:
    """Store what was agreed. Nobody holds the session afterwards."""
    lease = await store.acquire(interview.id, owner(), settings.lease_seconds)
    await store.append(lease, [Created(at=time.time(), interview=interview, engines=engines or {})], 0)
    await store.release(lease)


def consent_of(language: str, by: str) -> Consented:
    """The event of consent to the consent text of a language."""
    version = load_phrases(language)["consent"]["version"]
    return Consented(at=time.time(), by=by, text_version=version, scope=["recording", "transcript", "analysis"])


async def begin(
    store: EventStore,
    settings: Settings,
    interview: Interview,
    consent_by: str,
    on_event: Callable[[AnyEvent], None],
    engines: dict[str, str] | None = None,
) -> Begun:
    """Create the session and store the consent: nothing is recorded or spoken before both are in the log."""
    await create(store, settings, interview, engines)
    begun = await take(store, settings, interview.id, on_event)
    await begun.journal.write(consent_of(interview.language, consent_by))
    return begun


async def events_of(store: EventStore, session: str) -> list[AnyEvent]:
    """The log of a session. Raises UnknownSession, naming the newest sessions that exist."""
    events = await store.read(session)
    if not events:
        known = await store.sessions()
        raise UnknownSession(f"there is no session {session!r}; known: {', '.join(known[-5:]) or 'none'}")
    return events


async def take(
    store: EventStore,
    settings: Settings,
    session: str,
    on_event: Callable[[AnyEvent], None],
    *,
    ttl: float | None = None,
    patience: float = 0.0,
) -> Begun:
    """Become the session's only writer. Waits for a dead process's lease to run out.

    Raises UnknownSession, or LeaseHeld if its holder is still alive.
    """
    await events_of(store, session)
    me = owner()
    lease = await _wait_for_lease(store, session, me, ttl or settings.lease_seconds)
    # Read only now: anything the dead process wrote before its lease ran out counts too.
    events = await store.read(session)
    journal = Journal(store, lease, fold(events), on_event, length=len(events), patience=patience)
    return Begun(session, journal, owner=me, last=events[-1].at)


@contextlib.asynccontextmanager
async def taken(store: EventStore, settings: Settings, session: str) -> AsyncIterator[Journal]:
    """Hold the session's journal briefly; it is released whatever happens. Raises as `take` does."""
    begun = await take(store, settings, session, lambda _: None)
    try:
        yield begun.journal
    finally:
        await begun.journal.release()


async def _wait_for_lease(store: EventStore, session: str, me: str, ttl: float) -> Lease:
    deadline = time.monotonic() + ttl + 2.0
    while True:
        with contextlib.suppress(LeaseHeld):
            return await store.acquire(session, me, ttl)
        if time.monotonic() > deadline:
            return await store.acquire(session, me, ttl)  # the error says who holds it
        await asyncio.sleep(0.25)
