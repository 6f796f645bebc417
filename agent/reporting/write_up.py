"""The work after a call: measure what a crash left unmeasured, feedback, the report."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from agent.call.journal import Journal
from agent.call.recording import RATE, Recording
from agent.engines.measuring import Measure, is_measured, measure_answer, measure_recorded
from agent.reporting.feedback import advise
from agent.reporting.history import earlier_reports
from agent.reporting.report_files import write_report
from dialogue.backends.base import LanguageModel
from dialogue.state import fold
from dialogue.understanding.embedded import EmbeddedReader
from dialogue.understanding.reader import Answer, Reader
from memory.events import Measured, Read
from memory.store import EventStore
from voice.errors import EngineError

log = logging.getLogger(__name__)


async def measure_missing(journal: Journal, recording: Recording, measure: Measure = measure_answer) -> None:
    """Measure, from the recording, the answers a crash left unmeasured. Only their part of it is read."""
    missing = [turn for turn in journal.state.turns if is_measured(turn) and turn.delivery is None]
    if not missing or not recording.length:
        return
    for turn in missing:
        try:
            delivery = await asyncio.to_thread(
                measure_recorded, recording.candidate, RATE, turn, journal.state.holes, measure
            )
        except EngineError:  # the models are unavailable for now
            raise
        except Exception:  # an answer that cannot be measured goes without; the others and the report do not suffer
            log.warning("answer %d could not be measured from the recording", turn.number, exc_info=True)
            continue
        if delivery is not None:
            await journal.write(Measured(at=turn.heard[-1].at, t=delivery.end, turn=turn.number, delivery=delivery))


async def read_missing(journal: Journal, reader: Reader) -> None:
    """Read the answers that were heard but not read: cut by a crash, or stored before answers were understood."""
    state = journal.state
    for turn in [t for t in state.turns if t.heard and t.reading is None]:
        put = turn.text if turn.probe is not None else ""
        reading = await reader.read(Answer(state.planned(turn.question), turn.words_or_text, put))
        await journal.write(Read(at=turn.heard[-1].at, t=turn.heard[-1].end, turn=turn.number, reading=reading))


async def write_up(
    store: EventStore, journal: Journal, folder: Path, measure: Measure = measure_answer, model: LanguageModel | None = None
) -> None:  # fmt: skip
    """Do the work after a call: read and measure what a crash left undone, feedback, the report."""
    recording = Recording(folder)
    await read_missing(journal, EmbeddedReader())
    await measure_missing(journal, recording, measure)
    await advise(journal, model)
    await finish(store, journal.session, recording, folder / "report")


async def finish(
    store: EventStore, session: str, recording: Recording | None, folder: Path, sessions: Path | None = None
) -> Path:
    """Write the report of a session and return its folder. `recording`: None for a typed one.

    `sessions`: the folder of all sessions, searched for the person's earlier ones; by default the one `folder` is in.
    """
    if recording is not None and recording.ignored:
        log.warning("%.1f s that were recorded after another process had taken over are left out", recording.ignored)
    events = await store.read(session)
    interview = fold(events).interview
    sessions = sessions or folder.parent.parent
    earlier = await earlier_reports(store, sessions, interview) if interview else ()
    await asyncio.to_thread(write_report, events, recording, folder, earlier)
    return folder
