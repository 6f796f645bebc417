"""`viva interview` and `viva demo`: put the parts together for one session and run it to its report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.advising import advise
from agent.coaching import retry_of, show_comparison, write_comparison
from agent.engines import Engines, choose_llm, load_engines, load_model, open_store
from agent.errors import UserError
from agent.live_view import LiveView
from agent.planning import Wishes, past_of, planned
from agent.recorder import RATE, Recorder
from agent.recordings import RecordedCandidate, load_answers
from agent.recovery import recover_speech
from agent.runner import CallPlan, finish, measure_missing, run_call
from agent.sessions import Begun, begin, check_disk, events_of, resume, session_folder
from agent.settings import Settings
from agent.text_mode import run_text
from dialogue.backends.base import LanguageModel
from dialogue.mind import Mind
from dialogue.state import State, fold
from memory.events import Started
from memory.records import CandidateSource, Interview
from memory.store import EventStore
from prompts.loader import load_phrases
from simulation.candidate import SimulatedCandidate
from simulation.script import load_script, persona_path
from voice.audio import Audio

DEMO = Wishes(questions=("improved-process", "mistake", "slow-service"), candidate="Sam")


async def interview(settings: Settings, wishes: Wishes, source: CandidateSource, console: Console) -> Path:
    """A new session, run to its end. Returns the report folder."""
    answers = load_answers([Path(f) for f in source.files])
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
    settings: Settings, session: str, question: str, source: CandidateSource, console: Console, *, follow_up: bool = False
) -> Path:  # fmt: skip
    """One question of an earlier practice again, as an interview of its own, with a comparison at its end."""
    store, _ = await open_store(settings)
    try:
        agreed = retry_of(fold(await events_of(store, session)), question, source, follow_up=follow_up)
    finally:
        await store.close()
    return await _new(settings, agreed, source, load_answers([Path(f) for f in source.files]), console, None)


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
    """Take a stopped or crashed session up where it stopped."""
    check_disk(settings)
    store, _ = await open_store(settings)
    engines: Engines | None = None
    try:
        state = fold(await events_of(store, session))
        assert state.interview is not None
        source = state.interview.source
        answers = load_answers([Path(f) for f in source.files])
        engines = load_engines(settings) if source.kind != "typed" else None
        raw = session_folder(settings, session) / "recording.raw"
        at = raw.stat().st_size / 4 / RATE if raw.is_file() else 0.0
        title = f"{state.interview.title} · {session} · resumed"
        with LiveView(console if source.kind != "typed" else Console(quiet=True), title) as view:
            begun = await resume(store, settings, session, at, view.on_event, _names(engines))
            return await _run(settings, store, begun, engines, answers, view, console, out)
    finally:
        await store.close()
        if engines:
            await engines.close()


async def report_again(settings: Settings, session: str, out: Path | None) -> Path:
    """Write the report of a session once more, from its log and recording."""
    store, _ = await open_store(settings)
    try:
        await events_of(store, session)  # told before anything is written
        raw = session_folder(settings, session) / "recording.raw"
        folder = out or session_folder(settings, session) / "report"
        return await finish(store, session, raw if raw.is_file() else None, folder)
    finally:
        await store.close()


async def _run(
    settings: Settings, store: EventStore, begun: Begun, engines: Engines | None, answers: list[Audio], view: LiveView,
    console: Console, out: Path | None,
) -> Path:  # fmt: skip
    journal = begun.journal
    home = session_folder(settings, begun.id)
    home.mkdir(parents=True, exist_ok=True)
    raw = None if engines is None else home / "recording.raw"
    try:
        if not journal.state.ended:
            if engines is None or raw is None:
                model = load_model(settings, choose_llm(settings))
                wording = model.name if model else "embedded phraser"
                await journal.write(Started(at=time.time(), owner=begun.owner, engines={"follow-up wording": wording}))
                await run_text(journal, _mind(settings, journal.state, model), console)
                await advise(journal, model)
            else:
                if begun.resumed:
                    await recover_speech(journal, raw, engines.decoder)
                caller, out_of_answers = _caller(engines, journal.state, answers)
                mind = _mind(settings, journal.state, engines.model)
                call = CallPlan(engines, mind, caller, view.watcher, settings.lease_seconds, out_of_answers)
                await run_call(call, journal, Recorder(raw))
        if raw is not None:
            await measure_missing(journal, raw)
            await advise(journal, engines.model if engines else None)
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
    folder = await finish(store, begun.id, raw, out or home / "report")
    assert journal.state.interview is not None
    if found := write_comparison(settings, journal.state.interview, folder):
        show_comparison(found, console)
    return folder


def _mind(settings: Settings, state: State, model: LanguageModel | None) -> Mind:
    assert state.interview is not None
    return Mind(model, settings.llm_deadline, state.interview.language)


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
    """Who agreed. In an offline session it is whoever started the command, having seen the notice."""
    return {
        "simulated": "simulated candidate",
        "recordings": "operator, for the recordings",
        "typed": "candidate",
    }.get(source.kind, source.kind)


def _notice(console: Console, agreed: Interview) -> None:
    console.print(load_phrases(agreed.language)["consent"]["text"], style="dim", soft_wrap=True)
    console.print(f"session {agreed.id}, {len(agreed.questions)} questions", style="dim", highlight=False)
