"""LiveKit's way into a job: light, because the worker imports it and the calls' processes load the rest."""

from __future__ import annotations

from livekit.agents import JobContext


async def run_job(ctx: JobContext) -> None:
    """In a process of its own."""
    from agent.rooms.job import run

    await run(ctx)
