"""LiveKit's session only carries the sound of a call. In virtual time, with scripted engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from agent.call.audio_bridge import TICK, BridgeInput, BridgeOutput
from agent.call.call import Call
from agent.call.recording import RATE
from agent.engines.loading import Engines
from agent.sessions import begin, new_id
from agent.settings import load_settings
from dialogue.manager.interviewer import Interviewer
from dialogue.plan.plan import draw, questions_of
from memory.records import CandidateSource, Interview
from memory.sqlite_store import SqliteStore
from prompts.loader import load_pack
from simulation import virtual_time
from tests.agent.test_ear import Always, CountingVad
from tests.voice.scripted_sound import Inline, Reader
from voice.audio import Samples
from voice.vad import detector as vad
from voice.vad.detector import WINDOW_SECONDS


class Tone:
    """A voice that takes ten seconds for everything."""

    name, rate = "tone", RATE

    def say(self, clause: str) -> Samples:
        return np.full(10 * RATE, 0.1, np.float32)


async def a_call(home: Path) -> tuple[Call, BridgeInput, BridgeOutput, SqliteStore]:
    pack = load_pack("phone-screen")
    agreed = Interview(
        id=new_id(), mode="practice", title="test", pack="phone-screen", source=CandidateSource(kind="recordings"),
        questions=draw(questions_of(pack), minutes=60, probes=0, count=2), probe_budget=0, minutes=60,
    )  # fmt: skip
    store = SqliteStore(home / "sessions.db")
    begun = await begin(store, load_settings(), agreed, "test", lambda _: None)
    engines = Engines(
        Reader(), Tone(), Always(), None, [], stt_executor=Inline(), tts_executor=Inline(), metrics_executor=Inline()
    )
    call = Call(begun.journal, Interviewer(), engines)
    hears, says = BridgeInput(), BridgeOutput()
    call.session.input.audio, call.session.output.audio = hears, says
    await call.session.start(call.agent, record=False)
    return call, hears, says, store


async def ticks(seconds: float, level: float, hears: BridgeInput, says: BridgeOutput) -> None:
    """The candidate is silent (`level` 0) or speaks."""
    rng = np.random.default_rng(0)
    for _ in range(round(seconds * RATE / TICK)):
        says.take(TICK, 0.0)
        hears.push((level * rng.standard_normal(TICK)).astype(np.float32))
        await asyncio.sleep(TICK / RATE)


@pytest.mark.parametrize("allowed", [True, False])
def test_the_candidate_is_heard_whatever_the_agent_says(
    home: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    """Also while something is said that may not be interrupted; nobody but the speaker cuts it off; one detector listens."""
    monkeypatch.setattr(vad, "VAD", CountingVad)
    home.mkdir(parents=True)

    async def scenario() -> None:
        call, hears, says, store = await a_call(home)
        CountingVad.runs = 0
        heard = call.tracker.now
        handle = call.session.say("There was a cut.", allow_interruptions=allowed)
        await ticks(1.0, 0.0, hears, says)
        assert says.playing and not call.tracker.speaking
        await ticks(3.0, 0.1, hears, says)
        assert call.tracker.speaking and call.tracker.speech_seconds() == pytest.approx(3.0, abs=0.3)
        assert says.playing and not handle.interrupted
        assert call.session.vad is None
        assert CountingVad.runs == pytest.approx((call.tracker.now - heard) / WINDOW_SECONDS, abs=1)
        interrupting = call.session.interrupt(force=True)
        await ticks(0.5, 0.1, hears, says)
        await interrupting
        assert handle.interrupted and handle.done() and not says.playing
        again = call.session.say("Where were we?", allow_interruptions=allowed)
        await ticks(11.0, 0.1, hears, says)
        assert again.done() and not again.interrupted, "and the next sentence waits for no silence"
        await call.aclose()
        await call.tracker.aclose()
        await store.close()

    virtual_time.run(scenario())
