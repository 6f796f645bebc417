"""Latency and false cut-offs, measured from the recording: ours beside a stock LiveKit AgentSession, same engines, same run.

    python -m bench.latency [--quick]

Latency: from the end of the candidate's last word (known from the clip) to the first audible sample of the agent.
False cut-off: the agent sounded before that end. Both are measured on the stereo recording, not taken from any log.
Writes docs/results/latency.md and latency.png.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from livekit.agents import NOT_GIVEN, Agent, AgentSession, APIConnectOptions, inference, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from rich.console import Console
from rich.table import Table

from agent.call.audio_bridge import AudioBridge
from agent.call.call import Call
from agent.call.journal import Journal
from agent.call.recording import RATE, Recorder, Recording
from agent.engines.loading import Engines, load_engines
from agent.sessions import begin, new_id
from agent.settings import load_settings
from bench.answers import Answer, Answerer, answers
from bench.machine import machine
from dialogue.manager.interviewer import Interviewer
from dialogue.plan.plan import draw, questions_of
from memory.records import CandidateSource, Interview
from memory.sqlite_store import SqliteStore
from prompts.loader import load_pack
from voice.audio import Samples
from voice.stt.stream import LocalSTT
from voice.tts.streaming import ClauseTTS

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


@dataclass(frozen=True)
class Outcome:
    """One answer: its kind, the latency in s (None: no reply within 15 s), and whether the agent cut in."""

    kind: str
    latency: float | None
    cut: bool


class FixedLLM(llm.LLM):  # type: ignore[type-arg]
    """The stock session's model: a fixed question at no cost, so that only listening is compared."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: Any = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: Any = NOT_GIVEN,
        tool_choice: Any = NOT_GIVEN,
        extra_kwargs: Any = NOT_GIVEN,
    ) -> llm.LLMStream:
        return _FixedStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _FixedStream(llm.LLMStream):
    async def _run(self) -> None:
        text = "Okay. What came of it in the end?"
        self._event_ch.send_nowait(llm.ChatChunk(id="fixed", delta=llm.ChoiceDelta(role="assistant", content=text)))


async def run_stock(engines: Engines, clips: list[Answer], home: Path) -> Answerer:
    """LiveKit's own turn-taking with its defaults (v1-mini, fixed endpointing, preemptive generation)."""
    caller, recorder = Answerer(clips, RATE), Recorder(home)
    line = AudioBridge(caller, recorder)
    session: AgentSession[Any] = AgentSession(
        stt=LocalSTT(engines.decoder, engines.stt_executor),
        vad=inference.VAD(model="silero"),
        llm=FixedLLM(),
        tts=ClauseTTS(engines.voice, engines.tts_executor, cache=engines.cache),
        turn_handling={"turn_detection": inference.TurnDetector(version="v1-mini"), "interruption": {"mode": "vad"}},
        aec_warmup_duration=None,
        user_away_timeout=None,
    )
    session.input.audio, session.output.audio = line.input, line.output
    await session.start(Agent(instructions="interview"), record=False)
    session.say("Here is the first question. What did you change?")
    await line.run()
    await session.aclose()
    recorder.close()
    return caller


async def run_ours(engines: Engines, clips: list[Answer], home: Path) -> Answerer:
    """Our call: one core question per answer, no follow-ups."""
    pack = load_pack("phone-screen")
    questions = draw(questions_of(pack), minutes=60, probes=0, count=min(len(clips) + 1, len(pack["questions"])))
    agreed = Interview(
        id=new_id(), mode="practice", title="bench", pack="phone-screen", source=CandidateSource(kind="recordings"),
        questions=questions, probe_budget=0, minutes=60,
    )  # fmt: skip
    settings = load_settings()
    store = SqliteStore(home.with_suffix(".db"))
    begun = await begin(store, settings, agreed, "bench", lambda _: None)
    journal: Journal = begun.journal
    caller, recorder = Answerer(clips, RATE), Recorder(home)
    line = AudioBridge(caller, recorder)
    call = Call(journal, Interviewer(), engines)
    call.session.input.audio, call.session.output.audio = line.input, line.output
    await call.session.start(call.agent, record=False)
    talking = asyncio.create_task(call.run(line.output))
    await line.run()
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    await call.aclose()
    recorder.close()
    await store.close()
    return caller


def outcomes(caller: Answerer, agent: Samples) -> list[Outcome]:
    """Read the recording: when did the agent sound, relative to each answer's end?"""
    loud = np.abs(agent) > 0.004
    found: list[Outcome] = []
    for answer, began in caller.given:
        end = began + answer.end
        during = loud[round((began + 0.3) * RATE) : round(end * RATE)]
        after = np.flatnonzero(loud[round(end * RATE) : round((end + 15.0) * RATE)])
        cut = bool(during.any())
        found.append(Outcome(answer.kind, None if cut or not len(after) else float(after[0]) / RATE, cut))
    return found


def summary(found: list[Outcome]) -> tuple[str, str, str, str]:
    """(answers, p50, p90, cut-offs) as text."""
    times = sorted(o.latency for o in found if o.latency is not None)
    p50, p90 = (f"{np.percentile(times, q):.2f} s" for q in (50, 90)) if times else ("–", "–")
    return str(len(found)), p50, p90, f"{sum(o.cut for o in found)} of {len(found)}"


async def main(quick: bool) -> None:
    engines = load_engines(load_settings(stt="moonshine", tts="espeak", llm="embedded"))
    clips = answers(RATE)
    if quick:
        clips = clips[:2] + clips[6:8]
    console = Console()
    systems: dict[str, Callable[..., Any]] = {"LiveKit AgentSession, stock": run_stock, "Vivavoce": run_ours}
    results: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, run) in enumerate(systems.items()):
            home = Path(folder) / f"{i}"
            with console.status(f"{name}: {len(clips)} answers in real time"):
                caller = await run(engines, clips, home)
            results[name] = outcomes(caller, Recording(home).read()[1])
    rows = [
        (name, kind, *summary([o for o in found if kind in ("all", o.kind)]))
        for name, found in results.items()
        for kind in ("fluent", "hesitant", "human", "all")
        if kind == "all" or any(o.kind == kind for o in found)
    ]
    table = Table(title="End of the candidate's last word to first agent sound")
    for column in ("system", "answers", "n", "p50", "p90", "false cut-offs"):
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if not quick:
        write(rows, results)
    await engines.close()


def write(rows: Sequence[tuple[str, ...]], results: dict[str, list[Outcome]]) -> None:
    """The table as Markdown and the distributions as a picture."""
    lines = [
        "# Latency and false cut-offs", "",
        "`python -m bench.latency`, " + time.strftime("%Y-%m-%d") + f", {machine()}.", "",
        "End of the candidate's last word to the first audible sample of the agent, read off the stereo recording. A false",
        "cut-off is agent sound before that end; a cut answer has no latency. Same recogniser (Moonshine tiny-en), voice",
        "(espeak-ng), voice activity detection (Silero) and answers for both. The stock session uses LiveKit's defaults with",
        "`TurnDetector(version=\"v1-mini\")` and a language model that answers at once. Fluent and hesitant answers are flite's",
        "(voices rms and slt, pauses of 0.8 to 2.2 s in the hesitant ones), human ones are recordings of people. n is small:",
        "read the order of magnitude, not the decimals.", "",
        "| system | answers | n | p50 | p90 | false cut-offs |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", "![Distribution](latency.png)", ""]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "latency.md").write_text("\n".join(lines), "utf-8")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 2.6), layout="constrained")
    for i, (name, found) in enumerate(results.items()):
        times = [o.latency for o in found if o.latency is not None]
        axis.scatter(times, np.full(len(times), i) + np.linspace(-0.12, 0.12, len(times)), s=18)
        axis.text(0.02, i + 0.25, f"{name}: {summary(found)[3]} cut off", fontsize=8)
    axis.set(yticks=[], xlabel="s from last word to agent's sound", xlim=(0, None), ylim=(-0.5, len(results) - 0.3))
    figure.savefig(RESULTS / "latency.png", dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four answers, nothing written")
    asyncio.run(main(parser.parse_args().quick))
