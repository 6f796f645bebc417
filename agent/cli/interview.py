"""`viva interview` and `viva demo`: assemble the parts for one session and run it through to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from agent.call.leg import CallPlan, run_call
from agent.call.recorded_candidate import RecordedCandidate, load_answers
from agent.call.recording import Recording
from agent.call.recovery import Entry, take_up, take_up_typed
from agent.cli.live_view import LiveView
from agent.cli.text_mode import run_text
from agent.engines.loading import Engines, choose_llm, load_engines, load_model, open_store
from agent.engines.readers import interviewer_for, reader_for
from agent.errors import UserError
from agent.planning.planning import Wishes, past_of, planned
from agent.reporting.coaching import retry_of, show_comparison, write_comparison
from agent.reporting.feedback import advise
from agent.reporting.write_up import finish, measure_missing, read_missing
from agent.sessions import Begun, begin, check_disk, events_of, session_folder, take, taken
from agent.settings import Settings
from dialogue.backends.base import LanguageModel
from dialogue.manager.interviewer import Interviewer
from dialogue.state import State, fold
from memory.records import CandidateSource, Interview
from memory.store import EventStore
from prompts.loader import load_phrases
from simulation.candidate import SimulatedCandidate
from simulation.script import load_script, persona_path
from voice.audio import Audio

DEMO = Wishes(questions=("improved-process", "mistake", "slow-service"), candidate="Sam")


async def interview(settings: Settings, wishes: Wishes, source: CandidateSource, console: Console) -> Path:
    """Run a new session to its end. Returns the report folder."""
    answers = _answers(source, console)
    if answers:
        wishes = Wishes(**{**wishes.__dict__, "count": wishes.count or len(answers)})
    check_disk(settings)
    store, _ = await open_store(settings)
    try:
        history = await past_of(store, settings, wishes)
    finally:
        await store.close()
    return await _new(settings, planned(settings, wishes, source, history), source, answers, console, wishes.out)


async def retry(
    settings: Settings, session: str, question: str, source: CandidateSource, console: Console, out: Path | None = None, *,
    follow_up: bool = False,
) -> Path:  # fmt: skip
    """Run one question of an earlier practice again, as its own interview, with a comparison at the end."""
    store, _ = await open_store(settings)
    try:
        agreed = retry_of(fold(await events_of(store, session)), question, source, follow_up=follow_up)
    finally:
        await store.close()
    return await _new(settings, agreed, source, _answers(source, console), console, out)


async def _new(
    settings: Settings, agreed: Interview, source: CandidateSource, answers: list[Audio], console: Console, out: Path | None
) -> Path:  # fmt: skip
    check_disk(settings)
    _notice(console, agreed)
    engines = load_engines(settings) if source.kind != "typed" else None
    store, _ = await open_store(settings)
    try:
        with LiveView(
            console if source.kind != "typed" else Console(quiet=True), f"{agreed.title} · {agreed.id}"
        ) as view:
            begun = await begin(store, settings, agreed, _consent_by(source), view.on_event, _names(engines))
            return await _run(settings, store, begun, engines, answers, view, console, out)
    finally:
        await store.close()
        if engines:
            await engines.close()


async def interview_again(settings: Settings, session: str, out: Path | None, console: Console) -> Path:
    """Resume a stopped or crashed session where it stopped."""
    check_disk(settings)
    store, _ = await open_store(settings)
    engines: Engines | None = None
    try:
        state = fold(await events_of(store, session))
        assert state.interview is not None
        source = state.interview.source
        answers = _answers(source, console)
        engines = load_engines(settings) if source.kind != "typed" else None
        title = f"{state.interview.title} · {session} · resumed"
        with LiveView(console if source.kind != "typed" else Console(quiet=True), title) as view:
            begun = await take(store, settings, session, view.on_event)
            return await _run(settings, store, begun, engines, answers, view, console, out)
    finally:
        await store.close()
        if engines:
            await engines.close()


async def report_again(settings: Settings, session: str, out: Path | None) -> Path:
    """Rewrite the report of a session from its log and recording. Answers of an old log are read first."""
    store, _ = await open_store(settings)
    try:
        state = fold(await events_of(store, session))  # raises before anything is written
        if any(t.heard and t.reading is None and (t.answered or state.ended) for t in state.turns):
            async with taken(store, settings, session) as journal:
                await read_missing(journal, reader_for(settings, None))
        home = session_folder(settings, session)
        folder = await finish(store, session, Recording(home), out or home / "report", home.parent)
        interview = fold(await store.read(session)).interview
        assert interview is not None
        write_comparison(settings, interview, folder)  # the new report has replaced the old one and everything in it
        return folder
    finally:
        await store.close()


async def _run(
    settings: Settings, store: EventStore, begun: Begun, engines: Engines | None, answers: list[Audio], view: LiveView,
    console: Console, out: Path | None,
) -> Path:  # fmt: skip
    journal = begun.journal
    home = session_folder(settings, begun.id)
    home.mkdir(parents=True, exist_ok=True)
    try:
        if not journal.state.ended:
            if engines is None:
                model = load_model(settings, choose_llm(settings))
                wording = model.name if model else "the pack's authors"
                await take_up_typed(journal, Entry(begun.owner, {"follow-up wording": wording}, last=begun.last))
                await run_text(journal, _interviewer(settings, journal.state, model), console)
                await advise(journal, model)
            else:
                caller, out_of_answers = _caller(engines, journal.state, answers)
                interviewer = _interviewer(settings, journal.state, engines.model)
                call = CallPlan(engines, interviewer, caller, view.watcher, settings.lease_seconds, out_of_answers)
                entry = Entry(begun.owner, engines.names, last=begun.last)
                recorder = await take_up(journal, home, engines.decoder, entry)
                await run_call(call, journal, recorder)
                if recorder.missing:
                    reason = recorder.problem or "the disk failed for a while"
                    view.watcher.note(f"{recorder.missing:.0f} s are not in the recording ({reason})")
        await read_missing(journal, reader_for(settings, engines.model if engines else None))
        if engines is not None:
            await measure_missing(journal, Recording(home))
            await advise(journal, engines.model)
    except BaseException:
        view.__exit__()
        console.print(
            f"the session is kept; go on with: viva interview --resume {begun.id}",
            soft_wrap=True,
            highlight=False,
        )
        raise
    finally:
        await journal.release()
    folder = await finish(
        store, begun.id, None if engines is None else Recording(home), out or home / "report", home.parent
    )
    assert journal.state.interview is not None
    if found := write_comparison(settings, journal.state.interview, folder):
        show_comparison(found, console)
    return folder


def _answers(source: CandidateSource, console: Console) -> list[Audio]:
    def warn(line: str) -> None:
        console.print(f"warning: {line}", style="yellow", soft_wrap=True, markup=False, highlight=False)

    return load_answers([Path(f) for f in source.files], warn)


def _interviewer(settings: Settings, state: State, model: LanguageModel | None) -> Interviewer:
    assert state.interview is not None
    return interviewer_for(settings, state.interview, model)


def _names(engines: Engines | None) -> dict[str, str]:
    return engines.names if engines else {}


def _caller(engines: Engines, state: State, answers: list[Audio]) -> tuple[Any, Any]:
    assert state.interview is not None
    source = state.interview.source
    if source.kind == "recordings":
        given = sum(turn.answered and turn.intent != "repeat" for turn in state.turns)
        recorded = RecordedCandidate(answers, skip=given)
        return recorded, lambda: recorded.exhausted
    if source.kind == "simulated" and source.persona:
        script = load_script(persona_path(source.persona))
        script.remember(
            [turn.text for turn in state.turns if turn.answered], state.awaiting.text if state.awaiting else ""
        )
        return SimulatedCandidate(script, engines.decoder), lambda: False
    raise UserError(f"a session with a candidate of kind {source.kind!r} cannot be run here")


def _consent_by(source: CandidateSource) -> str:
    """Who consented. In an offline session, whoever started the command, having seen the notice."""
    return {
        "simulated": "simulated candidate",
        "recordings": "operator, for the recordings",
        "typed": "candidate",
    }.get(source.kind, source.kind)


def _notice(console: Console, agreed: Interview) -> None:
    console.print(load_phrases(agreed.language)["consent"]["text"], style="dim", soft_wrap=True)
    console.print(f"session {agreed.id}, {len(agreed.questions)} questions", style="dim", highlight=False)
