"""What a dispatch says, and the door to the job: light, because the worker imports it before there is a call."""

from __future__ import annotations

from typing import Literal

from livekit.agents import JobContext
from pydantic import BaseModel, ConfigDict, ValidationError


class JobMetadata(BaseModel):
    """`silent`: begin by listening, as a note-taker or beside people who ask."""

    model_config = ConfigDict(extra="ignore")

    session: str
    silent: Literal["", "notes", "panel"] = ""


def read_metadata(metadata: str) -> JobMetadata:
    """Raises ValueError with one line for a dispatch that is not ours."""
    try:
        return JobMetadata.model_validate_json(metadata)
    except ValidationError as error:
        raise ValueError('the dispatch carries no session; send metadata {"session": ID}') from error


async def run_job(ctx: JobContext) -> None:
    """LiveKit's entry point, in a process of its own."""
    from agent.rooms.job import run

    await run(ctx)
