"""A whole call in virtual time: the real Call, Leg and AgentSession, between a scripted caller and scripted engines.

    async def scenario(scene: Scene) -> None:
        await scene.asked(0)                  # the first question has sounded
        await scene.says("I fixed it.")       # the caller speaks; returns when the last word is out
        await scene.until("answered", turn=0)
        scene.leaves()

    virtual_time.run(Scene(tmp_path).play(scenario))

Only the ends are scripted: what the caller says (synthetic speech, so the detectors work as in a real call), which
words the decoder finds in it, and how long the agent's voice takes. Nothing sleeps; an interview takes a second or two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agent.call.journal import Journal
from agent.call.leg import CallPlan, Leg
from agent.call.recording import RATE, Recorder
from agent.call.requests import Request
from agent.call.speaking import Watcher
from agent.engines.loading import Engines
from agent.engines.measuring import Answer, measure_answer
from dialogue.manager.interviewer import Interviewer
from dialogue.state import State, fold
from memory.events import AnyEvent, Consented, Created, Started
from memory.records import Delivery
from memory.sqlite_store import SqliteStore
from memory.store import Lease, StoreUnavailable
from simulation.speech import PersonaVoice, RoomTone
from tests.dialogue.helpers import agreed
from voice.audio import SPEECH_RATE, Samples
from voice.tts.voice import PhraseCache
from voice.words import TimedWord

TONE = 0.1  # amplitude of the agent's voice
WORD = 0.3  # s that a word of the agent takes
_SPEECH: dict[str, Samples] = {}


def speech(text: str) -> Samples:
    """The caller's voice, synthesised once per text."""
    if text not in _SPEECH:
        _SPEECH[text] = PersonaVoice("slt", RATE).say(text)
    return _SPEECH[text]


class ScriptedCaller:
    """Says what it is told to, and knows when it said which word."""

    def __init__(self) -> None:
        self._tone = RoomTone()
        self._queue: list[tuple[str, Samples]] = []
        self._position = 0
        self._current: Samples = np.zeros(0, np.float32)
        self._loud: list[tuple[float, float]] = []  # (start, end) of what was said, s
        self.words: list[TimedWord] = []
        self.heard: list[Samples] = []
        self.gone = False
        self.transport: float | None = 0.0
        self.quiet = asyncio.Event()

    @property
    def now(self) -> float:
        return self._position / RATE

    def say(self, text: str, words: str | None = None) -> None:
        """`words`: what the decoder should find in it, if different."""
        sound = speech(text)
        found = (text if words is None else words).split()
        start, step = self.now + len(self._current) / RATE, len(sound) / RATE / max(1, len(found))
        self.words += [TimedWord(w, start + i * step, start + (i + 1) * step) for i, w in enumerate(found)]
        self._current = np.concatenate([self._current, sound])
        self.quiet.clear()

    def speak(self, count: int) -> Samples:
        said, self._current = self._current[:count], self._current[count:]
        out = self._tone.next(count)
        out[: len(said)] += said
        if len(said):
            self._loud.append((self.now, self.now + len(said) / RATE))
        self._position += count
        if not len(self._current):
            self.quiet.set()
        return out

    def hear(self, samples: Samples) -> None:
        self.heard.append(samples)

    def last_said(self) -> float:
        return self._loud[-1][1] if self._loud else 0.0


class ScriptedDecoder:
    """Finds the words the caller said in the window. `fails`, `fails_timed`: how many next (timed) decodes raise."""

    name = "scripted"
    max_window = 28.0

    def __init__(self, caller: ScriptedCaller) -> None:
        self._caller = caller
        self.fails = 0
        self.fails_timed = 0
        self.deaf: Callable[[], bool] = lambda: False
        self.decodes = 0

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        self.decodes += 1
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the scripted decoder fails")
        if timed and self.fails_timed:
            self.fails_timed -= 1
            raise RuntimeError("the scripted decoder fails")
        loud = np.flatnonzero(np.abs(samples) > 0.02)
        if self.deaf() or not len(loud):
            return []
        # The last loud sample of the window is the last that the caller made: that places the window in time.
        start = self._caller.last_said() - loud[-1] / SPEECH_RATE
        end = start + len(samples) / SPEECH_RATE + 0.05
        return [w.shifted(-start) for w in self._caller.words if w.start >= start - 0.1 and w.end <= end]


class ScriptedVoice:
    """A tone per word. `fails`: how many of the next clauses raise."""

    name = "scripted"
    rate = RATE

    def __init__(self) -> None:
        self.fails = 0
        self.said: list[str] = []

    def say(self, clause: str) -> Samples:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the scripted voice fails")
        self.said.append(clause)
        t = np.arange(round(WORD * len(clause.split()) * RATE)) / RATE
        return (TONE * np.sin(2 * np.pi * 220 * t)).astype(np.float32)


class Ending:
    """An end-of-turn model that gives every silence the same probability."""

    def __init__(self, probability: float = 0.9) -> None:
        self.value = probability

    def probability(self, samples: Samples) -> float:
        return self.value


class Store(SqliteStore):
    """SQLite that can be made unavailable."""

    away = False

    async def append(self, lease: Lease, events: Sequence[AnyEvent], after: int, batch: str = "") -> int:
        if self.away:
            raise StoreUnavailable("the scripted store is away")
        return await super().append(lease, events, after, batch)


@dataclass
class Scene:
    """One leg of a call. `interviewer`, `voice`, `decoder` and `store` may be set up before it plays."""

    folder: Path
    interviewer: Any = field(default_factory=Interviewer)
    ids: Sequence[str] = ("mistake", "slow-service")
    probes: int = 0
    mode: str = "practice"
    patience: float = 5.0
    measured: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.voice = ScriptedVoice()
        self.ending = Ending()
        self.phases: list[str] = []
        self.captions: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.error: BaseException | None = None

    # -- what the test says ------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.journal.state

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.kind == kind]

    async def until(self, kind: str, count: int = 1, **values: object) -> Any:
        """Wait for the `count`th event of a kind with these values."""

        def found() -> list[Any]:
            return [e for e in self.of(kind) if all(getattr(e, k) == v for k, v in values.items())]

        await self.when(lambda: len(found()) >= count)
        return found()[count - 1]

    async def when(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, checking every 20 ms."""
        async with asyncio.timeout(600):
            while not condition():
                await asyncio.sleep(0.02)

    async def asked(self, turn: int) -> Any:
        """Wait until a question has been spoken."""
        return await self.until("spoken", turn=turn)

    async def says(self, text: str, words: str | None = None) -> None:
        self.caller.say(text, words)
        await self.caller.quiet.wait()

    def presses(self, kind: Any, text: str = "") -> None:
        self.leg.call.ask(Request(kind, "candidate", text))

    def leaves(self) -> None:
        self.caller.gone = True

    # -- how it is played --------------------------------------------------------------------------------------------

    async def play(self, scenario: Callable[[Scene], Awaitable[None]], *, limit: float = 900.0) -> Scene:
        """Play a leg with the scenario alongside, until the leg ends. Raises TimeoutError after `limit` virtual s."""
        self.caller = ScriptedCaller()
        self.decoder = ScriptedDecoder(self.caller)
        self.stopping = asyncio.Event()
        self.events: list[AnyEvent] = []
        self.store = Store(self.folder / "events.db")
        loop = asyncio.get_running_loop()
        interview = agreed(self.ids, probes=self.probes, mode=self.mode)
        lease = await self.store.acquire(interview.id, "scene", 3600.0)
        opening: list[AnyEvent] = [
            Created(at=0, interview=interview),
            Consented(at=0, by="scene", text_version="1", scope=["recording"]),
            Started(at=0, owner="scene"),
        ]
        await self.store.append(lease, opening, 0)
        self.events += opening
        self.journal = Journal(
            self.store, lease, fold(opening), self.events.append, length=len(opening), patience=self.patience
        )  # fmt: skip
        engines = Engines(
            self.decoder, self.voice, self.ending, None, [], measure=self._measure, cache=PhraseCache(0.0)
        )
        engines.fallback_voice = None
        watcher = Watcher(
            caption=lambda who, text, final: self.captions.append((who, text)) if final else None,
            phase=self.phases.append,
            note=self.notes.append,
        )
        plan = CallPlan(engines, self.interviewer, self.caller, watcher, 3600.0, clock=loop.time)
        self.leg = Leg(plan, self.journal, Recorder(self.folder, self.journal.token))
        try:
            async with asyncio.timeout(limit):
                leasing = asyncio.create_task(asyncio.Event().wait(), name="leasing")
                acting = asyncio.create_task(scenario(self), name="scenario")
                try:
                    await self.leg.run(self.stopping, leasing)  # type: ignore[arg-type]
                    await acting
                finally:
                    for task in (leasing, acting):
                        task.cancel()
                    await asyncio.gather(leasing, acting, return_exceptions=True)
        finally:
            await engines.close()
            await self.store.close()
        return self

    def _measure(self, answer: Answer) -> Delivery:
        self.measured.append(answer)
        return measure_answer(answer)
