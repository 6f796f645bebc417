"""LiveKit's entry point to a job. Light, because the worker imports it; the rest is loaded in the calls' processes."""

from __future__ import annotations

from livekit.agents import JobContext


async def run_job(ctx: JobContext) -> None:
    """Runs in a process of its own."""
    from agent.rooms.job import run

    await run(ctx)
