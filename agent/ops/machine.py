"""The last trial of this machine, kept in VIVA_HOME: written by the worker, read by `viva doctor`."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.engines.machine_load import Trial

FILE = "machine.json"


@dataclass(frozen=True)
class Kept:
    """`at`: unix s. `calls`: how many at once; 0: none. `why`: what was too slow, and what to do about it."""

    at: float
    trial: Trial
    calls: int
    why: str


def keep(home: Path, kept: Kept) -> None:
    """Written atomically; a home folder that cannot be written is reported elsewhere."""
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".{FILE}"
        draft.write_text(json.dumps(asdict(kept), indent=1), "utf-8")
        draft.replace(home / FILE)


def last_trial(home: Path) -> Kept | None:
    """None if there was none, or it cannot be read."""
    try:
        found = json.loads((home / FILE).read_text("utf-8"))
        return Kept(float(found["at"]), Trial(**found["trial"]), int(found["calls"]), str(found["why"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
