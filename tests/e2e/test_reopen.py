"""An answer that continues just after the agent took the turn: the agent yields, and the answer stays in one piece."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from agent.call.audio_bridge import AudioBridge
from agent.call.call import Call
from agent.call.recording import RATE, Recorder
from agent.engines.loading import load_engines
from agent.sessions import begin
from agent.settings import load_settings
from bench.answers import Answer, Answerer
from dialogue.manager.interviewer import Interviewer
from memory.sqlite_store import SqliteStore
from simulation.script import ScriptLine
from simulation.speech import PersonaVoice
from tests.dialogue.helpers import agreed
from voice.turn.endpointing import Patience

pytestmark = pytest.mark.voice
HASTY = Patience(finished=0.6, unsure=0.6, open_clause=0.6, thin_answer=0.0, habit_closed=0.6)


async def test_going_on_reopens_the_answer(tmp_path: Path, home: Path) -> None:
    settings = load_settings(stt="moonshine", tts="espeak", llm="embedded")
    engines = load_engines(settings)
    store = SqliteStore(tmp_path / "s.db")
    begun = await begin(store, settings, agreed(["mistake", "slow-service"], probes=0), "test", lambda _: None)
    said = (
        "Two years ago I deleted a customer table by accident.",
        1.5,
        "I told my manager at once, and we repaired it.",
    )
    clip = PersonaVoice("rms", RATE).line(ScriptLine(said))
    # The silence after it keeps the caller on the line while the agent takes its time.
    silence = np.zeros(40 * RATE, np.float32)
    caller = Answerer([Answer("cut", clip, len(clip) / RATE), Answer("silence", silence, 40.0)], RATE, reaction=0.6)
    bridge = AudioBridge(caller, Recorder(tmp_path))
    call = Call(begun.journal, Interviewer(), engines, patience=HASTY)
    call.session.input.audio, call.session.output.audio = bridge.input, bridge.output
    await call.session.start(call.agent, record=False)
    tasks = [asyncio.create_task(call.run(bridge.output)), asyncio.create_task(bridge.run())]
    try:
        async with asyncio.timeout(90):
            while (
                not any(e.kind == "asked" and e.turn == 1 and e.at for e in await store.read(begun.id))
                or len(begun.journal.state.turns[0].answer.split()) < 14
            ):
                assert not tasks[0].done(), tasks[0].exception()
                await asyncio.sleep(0.2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await call.aclose()
        events = await store.read(begun.id)
    assert "reopened" in [e.kind for e in events], "the hasty agent took the turn and gave it back"
    answer = begun.journal.state.turns[0].answer.lower()
    assert "customer table" in answer and "manager" in answer, "one answer from both parts"
    assert np.any([e.kind == "spoken" and e.interrupted for e in events])
    await store.close()
    await engines.close()
