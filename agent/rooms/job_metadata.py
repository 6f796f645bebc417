"""What a dispatch says about the job: which interview it is and how to begin."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class JobMetadata(BaseModel):
    """`silent`: begin by listening, as a note-taker or beside people who ask."""

    model_config = ConfigDict(extra="ignore")

    session: str
    silent: Literal["", "notes", "panel"] = ""


def read_metadata(metadata: str) -> JobMetadata:
    """Raises ValueError with a one-line message for a dispatch that is not ours."""
    try:
        return JobMetadata.model_validate_json(metadata)
    except ValidationError as error:
        raise ValueError('the dispatch carries no session; send metadata {"session": ID}') from error
