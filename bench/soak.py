"""An hour of call, faster than real time: does memory stay where it is, and does the event loop ever stand still?

    python -m bench.soak [--minutes 60] [--moonshine]

The real call (session, speech tracker, refiner, endpointing, measuring, recording, SQLite, espeak-ng, v1-mini) runs on a clock
that jumps; a caller gives answers of about three quarters of a minute, one after the other. Words come at an even pace from a
stand-in for the recogniser, because in a room it runs in another process; --moonshine takes the real one, which takes long.
Both, and the measuring, run in this process here; in a room they are in the model host, and a call's process is smaller.

A stretch is the CPU time of the loop's thread between two looks for work: other programs on the machine do not count.
Writes docs/results/soak.md and soak.png; with --moonshine, soak-moonshine.md and soak-moonshine.png.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import psutil
from rich.console import Console
from rich.progress import Progress

from agent.call.leg import CallPlan, Leg
from agent.call.recording import RATE, Recorder
from agent.call.speaking import Watcher
from agent.engines.loading import Engines, load_engines
from agent.rooms import warm
from agent.sessions import begin, new_id
from agent.settings import load_settings
from bench.answers import FLUENT, HESITANT, Answer, Answerer
from bench.machine import machine
from bench.word_cost import bytes_a_word
from dialogue.manager.interviewer import Interviewer
from dialogue.plan.plan import questions_of
from memory.events import Started
from memory.records import CandidateSource, Interview
from memory.sqlite_store import SqliteStore
from prompts.loader import load_pack
from simulation import virtual_time
from simulation.script import ScriptLine
from simulation.speech import PersonaVoice
from voice.audio import SPEECH_RATE, Samples
from voice.tts.voice import KEPT
from voice.words import TimedWord

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
SETTLED = 11  # minutes after which memory has to stay where it is: ten minutes of sound are kept
LONGEST = 0.05  # s that the loop may stand still
WORD = 0.35  # s
# Many different ones: a recogniser that writes the same word again and again is not believed.
VOCABULARY = sorted(
    {
        w.strip(".,").lower()
        for line in (*FLUENT, *HESITANT)
        for part in line
        if isinstance(part, str)
        for w in part.split()
    }
)


class EvenWords:
    """A stand-in for a recogniser: a word for every 0.35 s of sound in the window."""

    name = "even words"
    max_window = 28.0

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        count = int(len(samples) / SPEECH_RATE / WORD)
        loud = [
            np.abs(samples[round(i * WORD * SPEECH_RATE) :][: SPEECH_RATE // 4]).max(initial=0.0) for i in range(count)
        ]
        return [
            TimedWord(VOCABULARY[i * 7 % len(VOCABULARY)], i * WORD, (i + 0.8) * WORD)
            for i, level in enumerate(loud)
            if level > 0.02
        ]


class Endless(Answerer):
    """The same answers again and again, until `seconds` of the call have passed."""

    def __init__(self, clips: list[Answer], seconds: float) -> None:
        super().__init__(clips, RATE)
        self._clips, self._seconds = clips, seconds

    def hear(self, samples: Samples) -> None:
        if len(self._left) < 2:
            self._left += self._clips
        self.given.clear()
        super().hear(samples)
        self.gone = self.gone or self._position / RATE >= self._seconds


@dataclass
class Readings:
    """Once a minute of the call: resident MB, objects that Python tracks, words said, MB of the voice's sentences that are
    kept. Stretches of the loop in s."""

    memory: list[float] = field(default_factory=list)
    objects: list[int] = field(default_factory=list)
    stretches: list[float] = field(default_factory=list)
    when: list[float] = field(default_factory=list)  # minute of the call, for each stretch over LONGEST
    words: list[int] = field(default_factory=list)
    phrases: list[float] = field(default_factory=list)
    looking: bool = False  # our own counting is no work of the call


def clips() -> list[Answer]:
    """Three answers of about 45 s."""
    made: list[Answer] = []
    for voice in ("rms", "slt"):
        segments: list[str | float] = []
        for line in (*HESITANT, *FLUENT):
            segments += [*line, 0.6]
        sound = PersonaVoice(voice, RATE).line(ScriptLine(tuple(segments)))[: 45 * RATE]
        made.append(Answer("long", sound, len(sound) / RATE))
    return made


async def soak(engines: Engines, caller: Endless, minutes: int, progress: Progress) -> Readings:
    loop = cast(virtual_time.VirtualTimeLoop, asyncio.get_running_loop())
    found = Readings()

    def on_turn(seconds: float) -> None:
        if found.looking:
            found.looking = False
            return
        if seconds > 0.005:
            found.stretches.append(seconds)
        if seconds > LONGEST:
            found.when.append(loop.time() / 60)

    with tempfile.TemporaryDirectory() as name:
        store = SqliteStore(Path(name) / "s.db")
        plan = questions_of(load_pack("behavioural"))
        agreed = Interview(
            id=new_id(), mode="screen", title="soak", pack="behavioural", source=CandidateSource(kind="recordings"),
            questions=plan, probe_budget=0, minutes=10_000,
        )  # fmt: skip
        begun = await begin(store, load_settings(), agreed, "bench", lambda _: None)
        await begun.journal.write(Started(at=time.time(), owner=begun.owner))
        call = CallPlan(engines, Interviewer(), caller, Watcher(), 1e9, clock=loop.time)
        leg = Leg(call, begun.journal, Recorder(Path(name), begun.journal.token))
        task = progress.add_task("minutes of call", total=minutes)

        async def look() -> None:
            while True:
                await asyncio.sleep(60)
                found.looking = True
                found.memory.append(psutil.Process().memory_info().rss / 2**20)
                found.objects.append(len(gc.get_objects()))
                found.phrases.append(engines.cache.nbytes / 2**20)
                found.words.append(sum(len(turn.words) for turn in begun.journal.state.turns))
                progress.advance(task)

        looking = asyncio.create_task(look(), name="looking")
        leasing = asyncio.create_task(asyncio.Event().wait(), name="leasing")
        loop.on_turn = on_turn
        try:
            await leg.run(asyncio.Event(), leasing)  # type: ignore[arg-type]
        finally:
            loop.on_turn = lambda seconds: None
            for task_ in (looking, leasing):
                task_.cancel()
            await asyncio.gather(looking, leasing, return_exceptions=True)
        await store.close()
    return found


def draw(found: Readings, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 5), sharex=True)
    above.plot(range(1, len(found.memory) + 1), found.memory)
    above.set_ylabel("resident memory, MB")
    above.set_ylim(0, max(found.memory) * 1.15)
    below.plot(range(1, len(found.objects) + 1), [n / 1000 for n in found.objects])
    below.set_ylabel("objects, thousands")
    below.set_ylim(bottom=0)
    below.set_xlabel("minute of the call")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main(minutes: int, moonshine: bool) -> None:
    engines = load_engines(load_settings(stt="moonshine", tts="espeak", llm="embedded"))
    if not moonshine:
        engines.decoder = EvenWords()
    warm.share()  # as a call's process does before its call
    warm.rehearse()
    # Made before the loop runs: to synthesise them is no work of the call.
    caller = Endless(clips(), minutes * 60)
    console, began, name = Console(), time.monotonic(), "soak-moonshine" if moonshine else "soak"
    with Progress(console=console) as progress:
        found = virtual_time.run(soak(engines, caller, minutes, progress))
    took = time.monotonic() - began
    at = min(SETTLED, len(found.memory)) - 1  # the reading after which memory has to stay where it is
    grown, more_words = found.memory[-1] - found.memory[at], found.words[-1] - found.words[at]
    worst = max(found.stretches, default=0.0)
    cost = bytes_a_word()
    lines = [
        "# An hour of call" if minutes == 60 else f"# {minutes} minutes of call", "",
        f"`python -m bench.soak --minutes {minutes}{' --moonshine' if moonshine else ''}`, "
        f"{time.strftime('%Y-%m-%d')}, {machine()}.", "",
        f"{minutes} minutes of call in {took / 60:.1f} minutes; {found.words[-1]} words were understood "
        f"({'Moonshine' if moonshine else 'a stand-in for the recogniser'}).", "",
        "| | |", "|---|---|",
        f"| memory after {at + 1} minutes, at the end | {found.memory[at]:.0f} MB, {found.memory[-1]:.0f} MB |",
        f"| grown in these {len(found.memory) - at - 1} minutes | {grown:+.1f} MB |",
        f"| of that, {more_words} words at {cost:.0f} bytes | {more_words * cost / 2**20:.1f} MB |",
        f"| of that, sentences of the voice, {KEPT:.0f} s of which are kept at most | {found.phrases[-1] - found.phrases[at]:.1f} MB |",
        f"| objects after {at + 1} minutes, at the end | {found.objects[at]:,}, {found.objects[-1]:,} |",
        f"| longest stretch of the event loop | {1000 * worst:.0f} ms |",
        f"| stretches over {1000 * LONGEST:.0f} ms | {len(found.when)}"
        + (f" (minute {', '.join(f'{m:.1f}' for m in found.when[:12])})" if found.when else "") + " |", "",
        f"![memory and objects over the call]({name}.png)", "",
        "What grows with a call: its words and the measures of its answers, in the state of the interview. Ten minutes of sound are",
        "kept, and two of what the voice has made; LiveKit's session keeps nothing, and the C library nothing of large blocks.", "",
    ]  # fmt: skip
    console.print("\n".join(lines))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text("\n".join(lines), "utf-8")
    draw(found, RESULTS / f"{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--moonshine", action="store_true", help="decode with the real recogniser")
    given = parser.parse_args()
    main(given.minutes, given.moonshine)
