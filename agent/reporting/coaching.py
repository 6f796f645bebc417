"""`viva coach` and `viva retry`: talk about a report, and try one question again. Practice only."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from agent.engines.loading import open_store
from agent.errors import UserError
from agent.reporting.history import history_of
from agent.reporting.report_files import write_json
from agent.sessions import events_of, new_id, session_folder
from agent.settings import Settings
from dialogue.plan.history import Past
from dialogue.report.coach import Advice, Message, advise, greeting
from dialogue.report.compare import Comparison, compare
from dialogue.report_model import QuestionReport, Report
from dialogue.state import State, fold
from memory.records import CandidateSource, Interview

LONGEST_TALK = 200  # messages read


def load_report(settings: Settings, session: str) -> Report:
    """A session's report. Raises UserError if there is none, or if it is a screening's."""
    path = session_folder(settings, session) / "report" / "report.json"
    try:
        report = Report.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(
            f"there is no report of {session!r} yet; it is made when the interview has ended (viva report {session})"
        ) from error
    except ValueError as error:
        raise UserError(f"{path} is of another version; write it again with: viva report {session}") from error
    if report.mode != "practice":
        raise UserError("the coach is for practice; a screening's report is read by people who decide")
    return report


def answer(settings: Settings, session: str, talk: list[Message], history: Sequence[Past]) -> Advice:
    """The coach's next words. `history`: this person's own, which they may be told."""
    return advise(load_report(settings, session), talk[-LONGEST_TALK:], history)


def run_coach(settings: Settings, session: str, console: Console) -> None:
    """A conversation in the terminal, until an empty line or the end of the input."""
    report = load_report(settings, session)
    history = asyncio.run(_history(settings, session))
    console.print(greeting(report), style="magenta", highlight=False)
    talk: list[Message] = []
    while True:
        console.print("> ", end="")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line.strip():
            return
        talk.append(Message("you", line.strip()))
        advice = advise(report, talk, history)
        talk.append(Message("coach", advice.text))
        console.print(advice.text, style="magenta", markup=False, highlight=False)
        for span in advice.evidence[:4]:
            at = f" ({span.t0:.1f} s)" if span.t0 is not None else ""
            console.print(f"   “{span.quote}”{at}", style="dim", markup=False, highlight=False)


async def _history(settings: Settings, session: str) -> list[Past]:
    store, _ = await open_store(settings)
    try:
        interview = fold(await events_of(store, session)).interview
        return await history_of(store, settings, interview) if interview else []
    finally:
        await store.close()


def retry_of(state: State, question: str, source: CandidateSource, *, follow_up: bool = False) -> Interview:
    """One question of an earlier practice again; `follow_up`: from its last probe instead of the question itself."""
    assert state.interview is not None
    earlier = state.interview
    if earlier.mode != "practice":
        raise UserError("only a practice can be tried again; a screening is the same for all")
    asked = [q for q in state.asked_questions if q.id == question]
    if not asked:
        known = ", ".join(q.id for q in state.asked_questions) or "none"
        raise UserError(f"{question!r} was not asked in this interview; asked were: {known}")
    planned = asked[0]
    probes = [t for t in state.of_question(question) if t.probe]
    if follow_up and probes:
        planned = planned.model_copy(update={"text": probes[-1].text})
    return earlier.model_copy(
        update={
            "id": new_id(),
            "questions": [planned],
            "reserve": [],
            "retry_of": earlier.id,
            "source": source,
            "seed": earlier.seed + 1,
        }
    )


def comparison_of(settings: Settings, report: Report, earlier_session: str) -> Comparison | None:
    """The retried answer beside the earlier one, or None if either is missing."""
    try:
        earlier = load_report(settings, earlier_session)
    except UserError:
        return None
    pairs = [(_find(earlier, q.id), q) for q in report.questions]
    return next(
        (compare(first, second, earlier_session) for first, second in pairs if first and second.exchanges), None
    )


def write_comparison(settings: Settings, interview: Interview, folder: Path) -> Comparison | None:
    """Write comparison.json beside the report of a retry."""
    if not interview.retry_of:
        return None
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    found = comparison_of(settings, report, interview.retry_of)
    if found:
        write_json(folder / "comparison.json", found.model_dump(mode="json"))
    return found


def show_comparison(found: Comparison, console: Console) -> None:
    console.print(found.summary, style="bold", highlight=False)
    for change in found.changes:
        mark = {True: "+", False: "-", None: "="}[change.better]
        console.print(f"  {mark} {change.what}: {change.before} → {change.after}", markup=False, highlight=False)


def _find(report: Report, question: str) -> QuestionReport | None:
    return next((q for q in report.questions if q.id == question), None)
