"""What a call would otherwise do for the first time while somebody listens: done before there is a call.

Two parts. `share` runs once a machine, in the process that all calls are forked from: imports, certificates, fonts,
weights; nothing that starts a thread. `rehearse` runs in each call's process before a call is given to it: a second of
a call with nobody in it, so that every path of sound was gone once, on a loop that is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, inference
from livekit.agents.utils import http_context

from agent.engines import Engines
from agent.line import LineInput, LineOutput
from agent.recorder import RATE
from voice.audio import SPEECH_RATE, Samples, ear_resampler
from voice.refiner import Refiner
from voice.stt.stream import LocalSTT
from voice.tts.streaming import ClauseTTS
from voice.words import TimedWord

SECONDS = 1.2  # of sound in a rehearsal: more than the refiner looks ahead
TICK = RATE // 50
LONGEST = 10.0  # s that a rehearsal may take; the call comes first
# `agent.rooms.job` is all of a call; the others are what its report needs.
LATER = ("agent.rooms.job", "matplotlib.pyplot", "swift_f0")
HELPERS = 8  # threads for waiting on files and on the model host
log = logging.getLogger(__name__)


def share() -> None:
    """Once a machine, before any call. Imports what the end of a call needs as well: one second of work for each call."""
    for module in LATER:
        importlib.import_module(module)
    # Reading the certificates takes 20 ms here and 300 ms elsewhere; LiveKit keeps what it made.
    http_context._create_ssl_context()
    _hear()


def rehearse() -> None:
    """In a call's process, before its call. A rehearsal that fails is logged: the call itself would say why."""
    framework = logging.getLogger("livekit.agents")
    level = framework.level
    framework.setLevel(logging.ERROR)  # what it thinks of a session that ends at once is nobody's trouble
    try:
        asyncio.run(asyncio.wait_for(_rehearse(), LONGEST))
        _hear()
    except Exception:
        log.warning("the rehearsal of a call failed; the first words of the next one may come late", exc_info=True)
    finally:
        framework.setLevel(level)


async def start_threads(engines: Engines) -> None:
    """Start the threads of a call now: on a busy machine each start holds up whoever asks for it, and that is the loop."""
    loop = asyncio.get_running_loop()
    helpers = ThreadPoolExecutor(HELPERS, "helper")
    loop.set_default_executor(helpers)
    pools: list[tuple[Executor, int]] = [(helpers, HELPERS)]
    pools += [(pool, 1) for pool in (engines.ears, engines.mouth, engines.ruler)]
    starter = threading.Thread(target=_start_all, args=(pools,), name="starting-threads", daemon=True)
    starter.start()
    while starter.is_alive():
        await asyncio.sleep(0.005)


def _start_all(pools: list[tuple[Executor, int]]) -> None:
    for pool, count in pools:
        # A pool starts a thread for a task only while none of its threads is free, so they wait for one another.
        together = threading.Barrier(count)
        for work in [pool.submit(together.wait, LONGEST) for _ in range(count)]:
            with contextlib.suppress(threading.BrokenBarrierError):
                work.result()


def _hear() -> None:
    """The ear's own path, without a room."""
    resampler, refiner = ear_resampler(RATE, SPEECH_RATE), Refiner()
    for _ in range(round(SECONDS * RATE / TICK)):
        refiner.push(resampler.resample_chunk(_noise(TICK)))


async def _rehearse() -> None:
    """A session as a call has it: it hears a second of noise and says a word."""
    source = rtc.AudioSource(RATE, 1)  # brings LiveKit's own threads up
    with ThreadPoolExecutor(1, "rehearsal") as pool:
        session: AgentSession[None] = AgentSession(
            stt=LocalSTT(_Deaf(), pool), vad=inference.VAD(model="silero"), tts=ClauseTTS(_Dumb(), pool),
            turn_handling={
                "turn_detection": "manual",
                "interruption": {"enabled": True, "mode": "vad", "resume_false_interruption": False},
                "preemptive_generation": {"enabled": False},
            },
            aec_warmup_duration=None, user_away_timeout=None, session_close_transcript_timeout=0.0,
        )  # fmt: skip
        hears, says = LineInput(), LineOutput()
        session.input.audio, session.output.audio = hears, says
        await session.start(Agent(instructions=""), record=False)
        try:
            said = session.say("Hello.")
            ticks = 0
            while not said.done() or ticks < SECONDS * RATE / TICK:
                hears.push(_noise(TICK))
                says.take(TICK, ticks * TICK / RATE)
                ticks += 1
                await asyncio.sleep(0.002)
        finally:
            await session.aclose()
            await source.aclose()


def _noise(count: int) -> Samples:
    return np.asarray(np.random.default_rng(count).normal(scale=0.1, size=count), np.float32)


class _Deaf:
    """A recogniser that needs no weights."""

    name, max_window = "rehearsal", 14.0

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        return []


class _Dumb:
    """A voice that needs none."""

    name, rate = "rehearsal", RATE

    def say(self, clause: str) -> Samples:
        return _noise(RATE // 5)
