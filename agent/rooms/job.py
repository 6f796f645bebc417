"""A dispatched job: one interview in one room. Runs in a process of its own; the models are in the model host.

The session is taken before the room is entered, so a second agent dispatched by mistake is never heard or seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

from livekit import api
from livekit.agents import AutoSubscribe, JobContext

from agent.engines.loading import Engines, choose_llm, load_model, open_store
from agent.engines.model_client import MODEL_SOCKET, remote_engines
from agent.engines.readers import interviewer_for
from agent.loop_watch import watched_if_asked
from agent.reporting.write_up import write_up
from agent.rooms.job_metadata import JobMetadata, read_metadata
from agent.rooms.publisher import RoomPublisher
from agent.rooms.room_session import LEAVING, RoomSession, Stay
from agent.rooms.stop import end_within, ends_with_its_lease, told_to_stop
from agent.rooms.warm import start_threads
from agent.sessions import Begun, session_folder, take
from agent.settings import Settings, load_settings
from agent.signals import Stopped
from dialogue.backends.base import LanguageModel
from memory.store import LeaseHeld, LeaseLost, UnknownSession
from vivavoce.errors import VivavoceError

GOING = 20.0  # s from the end of a call until its process is gone
WRITING = 600.0  # s that a report may take; the API writes a missing one
BESIDE = 5  # niceness while writing a report: running calls come first
log = logging.getLogger("agent.rooms")


async def run(ctx: JobContext) -> None:
    """One job, from its metadata to its report."""
    settings = load_settings()
    try:
        metadata = read_metadata(ctx.job.metadata)
        with watched_if_asked():
            async with told_to_stop() as stopping:
                await _interview(ctx, settings, metadata, stopping)
    except LeaseHeld:
        log.info("another agent runs this interview; nothing to do")
    except (ValueError, VivavoceError) as error:
        log.error("%s", " ".join(str(error).split()))
    finally:
        ctx.shutdown("done")
        end_within(GOING, "the call is over")


async def _interview(ctx: JobContext, settings: Settings, metadata: JobMetadata, stopping: asyncio.Event) -> None:
    store, _ = await open_store(settings)
    publisher = RoomPublisher(metadata.session)
    engines = await asyncio.to_thread(remote_engines, os.environ[MODEL_SOCKET], _language_model(settings))
    try:
        await start_threads(engines)
        begun = await take(
            store, settings, metadata.session, lambda _: publisher.follow(begun.journal.state),
            ttl=settings.room_lease_seconds, patience=settings.store_patience,
        )  # fmt: skip
        state = begun.journal.state
        assert state.interview is not None
        try:
            if not state.consented:
                raise UnknownSession("the candidate has not consented yet: nothing is heard or said before")
            if not state.ended or state.farewell_pending:
                async with ends_with_its_lease(
                    lambda: store.holder(begun.id), begun.owner, settings.room_lease_seconds
                ):
                    await _stay(ctx, settings, metadata, begun, engines, publisher, stopping)
            if begun.journal.state.ended:
                end_within(WRITING, "the interview is over and its report is written")
                with contextlib.suppress(OSError):
                    os.nice(BESIDE)  # other calls go on meanwhile
                await write_up(store, begun.journal, session_folder(settings, begun.id), engines.measure, engines.model)
        finally:
            await begun.journal.release()
    finally:
        await engines.close()
        await store.close()


async def _stay(
    ctx: JobContext, settings: Settings, metadata: JobMetadata, begun: Begun, engines: Engines, publisher: RoomPublisher,
    stopping: asyncio.Event,
) -> None:  # fmt: skip
    state = begun.journal.state
    assert state.interview is not None
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    folder = session_folder(settings, begun.id)
    folder.mkdir(parents=True, exist_ok=True)
    stay = Stay(
        begun.journal, interviewer_for(settings, state.interview, engines.model), engines,
        folder, begun.owner, settings.wait_seconds, settings.room_lease_seconds,
        state.interview.source.identity, metadata.silent,
    )  # fmt: skip

    async def remove(identity: str) -> None:
        await ctx.api.room.remove_participant(api.RoomParticipantIdentity(room=ctx.room.name, identity=identity))

    publisher.follow(state)
    try:
        outcome = await RoomSession(ctx.room, publisher, stay, remove).run(stopping)
        log.info("left the room: %s", outcome)
    except LeaseLost:
        log.warning("another agent has taken this interview over; leaving")
        raise
    except Stopped:
        log.info("told to stop; the session is kept")
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ctx.room.disconnect(), LEAVING)


def _language_model(settings: Settings) -> LanguageModel | None:
    """A model on a server is called from here; an in-process one runs in the model host, shared by all calls."""
    choice = choose_llm(settings)
    return load_model(settings, choice) if choice.engine == "openai" else None
