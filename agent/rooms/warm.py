"""Does in advance what a call would otherwise do for the first time while somebody is listening.

Two parts. `share` runs once per machine, in the process that all calls are forked from: imports, certificates, fonts,
weights; nothing that starts a thread. `rehearse` runs in each call's process before it is given a call: a second of a
call with nobody in it, so every path of the sound has been exercised once, on a loop that is thrown away.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
from livekit import rtc
from livekit.agents import Agent
from livekit.agents.utils import http_context

from agent.allocator import return_large_blocks
from agent.call.audio_bridge import BridgeInput, BridgeOutput
from agent.call.livekit_agent import session_of
from agent.call.recording import RATE
from agent.engines.loading import Engines
from dialogue.understanding.embedded import EmbeddedReader
from memory.records import untimed
from voice.audio import SPEECH_RATE, Samples, speech_resampler
from voice.stt.stream import LocalSTT
from voice.tts.streaming import ClauseTTS
from voice.vad.refiner import Refiner
from voice.words import TimedWord

SECONDS = 1.2  # of sound in a rehearsal: more than the refiner's look-ahead
TICK = RATE // 50
LONGEST = 10.0  # s that a rehearsal may take; the call comes first
# `agent.rooms.job` pulls in all of a call; the others are needed for its report.
LATER = ("agent.rooms.job", "matplotlib.pyplot", "swift_f0")
HELPERS = 8  # threads for waiting on files and on the model host
log = logging.getLogger(__name__)


def share() -> None:
    """Once per machine, before any call. Also imports what the end of a call needs, which saves each call a second."""
    return_large_blocks()
    for module in LATER:
        importlib.import_module(module)
    # Reading the certificates takes 20 ms here and 300 ms elsewhere; LiveKit caches the context.
    http_context._create_ssl_context()
    _hear()


def rehearse() -> None:
    """In a call's process, before its call. A failed rehearsal is only logged: the call itself would say why."""
    framework = logging.getLogger("livekit.agents")
    level = framework.level
    framework.setLevel(logging.ERROR)  # its complaints about a session that ends at once are irrelevant
    try:
        asyncio.run(asyncio.wait_for(_rehearse(), LONGEST))
        _hear()
    except Exception:
        log.warning("the rehearsal of a call failed; the first words of the next one may come late", exc_info=True)
    finally:
        framework.setLevel(level)
    # A full collection of all that was imported would stop the call's loop for 90 ms, again and again.
    gc.collect()
    gc.freeze()


async def start_threads(engines: Engines) -> None:
    """Start a call's threads now: on a busy machine each start blocks the thread asking for it, which is the loop's."""
    loop = asyncio.get_running_loop()
    helpers = ThreadPoolExecutor(HELPERS, "helper")
    loop.set_default_executor(helpers)
    pools: list[tuple[Executor, int]] = [(helpers, HELPERS)]
    pools += [(pool, 1) for pool in (engines.stt_executor, engines.tts_executor, engines.metrics_executor)]
    starter = threading.Thread(target=_start_all, args=(pools,), name="starting-threads", daemon=True)
    starter.start()
    while starter.is_alive():
        await asyncio.sleep(0.005)


def _start_all(pools: list[tuple[Executor, int]]) -> None:
    for pool, count in pools:
        # A pool starts a new thread only if none of its threads is free, so the tasks wait for one another.
        together = threading.Barrier(count)
        for work in [pool.submit(together.wait, LONGEST) for _ in range(count)]:
            with contextlib.suppress(threading.BrokenBarrierError):
                work.result()


def _hear() -> None:
    """The path of the speech detectors, without a room, and of the reader of answers."""
    EmbeddedReader().acts(untimed("Hello, can you hear me?"))
    resampler, refiner = speech_resampler(RATE, SPEECH_RATE), Refiner()
    for _ in range(round(SECONDS * RATE / TICK)):
        refiner.push(resampler.resample_chunk(_noise(TICK)))


async def _rehearse() -> None:
    """A session like a call's: it hears a second of noise and says a word."""
    source = rtc.AudioSource(RATE, 1)  # starts LiveKit's own threads
    with ThreadPoolExecutor(1, "rehearsal") as pool:
        session = session_of(LocalSTT(_Deaf(), pool), ClauseTTS(_Dumb(), pool))
        hears, says = BridgeInput(), BridgeOutput()
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
    """A voice that needs no weights."""

    name, rate = "rehearsal", RATE

    def say(self, clause: str) -> Samples:
        return _noise(RATE // 5)
