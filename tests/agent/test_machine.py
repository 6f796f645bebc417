"""What a machine can carry: the trial's verdict, the worker's refusal, and the doctor's line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.engines.machine_load import LIMITS, Trial, judge
from agent.engines.self_test import TIMES, try_machine
from agent.ops.doctor import _machine
from agent.ops.machine import FILE, Kept, keep, last_trial
from agent.ops.worker import Worker
from agent.settings import Settings
from simulation import virtual_time
from voice.audio import SPEECH_RATE, Samples
from voice.words import TimedWord

GOOD = Trial(decode=0.04, say=0.001, listen=0.004, end_of_turn=0.02, late=0.001)
SLOW = replace(GOOD, decode=0.9)


def test_a_good_machine_carries_some_calls_and_a_slow_one_none_and_says_which_number_is_too_high() -> None:
    assert judge(GOOD, cores=2).calls == 9 and judge(GOOD, cores=2, limit=0.5).calls == 4
    assert judge(GOOD, cores=0.1).calls == 1, "what passed the trial carries one"
    for name, bound in LIMITS.items():
        verdict = judge(replace(GOOD, **{name: bound.most * 1.5}), cores=64)
        assert verdict.calls == 0 and bound.what in verdict.why and f"{bound.most * 1.5:.2f}" in verdict.why


positive = st.floats(0.0001, 3.0)


@given(st.builds(Trial, positive, positive, positive, positive, positive), st.integers(1, 64))
def test_more_cores_carry_no_fewer_calls_and_a_slower_machine_no_more(trial: Trial, cores: int) -> None:
    found = judge(trial, cores)
    assert 0 < found.cost <= cores and bool(found.why) == (found.calls == 0)
    assert judge(trial, cores + 1).calls >= found.calls
    assert judge(replace(trial, decode=trial.decode * 2), cores).calls <= found.calls


class Slow:
    """Engines that take a stated time, by a clock that they push on."""

    name, rate, max_window = "slow", SPEECH_RATE, 14.0

    def __init__(self) -> None:
        self.now = 0.0
        self.took: list[float] = []

    def clock(self) -> float:
        return self.now

    def say(self, clause: str) -> Samples:
        self.now += 1.0
        return np.zeros(4 * SPEECH_RATE, np.float32)

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        assert len(samples) == 4 * SPEECH_RATE and timed, "a reply waits for the decode with times"
        self.took.append(2.0 if not self.took else 8.0)
        self.now += self.took[-1]
        return []

    def probability(self, samples: Samples) -> float:
        self.now += 0.25
        return 0.5


def test_a_trial_counts_the_best_of_several_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(
        "agent.engines.self_test.time.sleep", lambda seconds: setattr(slow, "now", slow.now + seconds + 0.005)
    )
    engines: Any = SimpleNamespace(voice=slow, decoder=slow, end_of_turn=slow)
    trial = try_machine(engines, slow.clock)
    assert trial.say == 0.25 and trial.decode == 0.5 and trial.end_of_turn == 0.25
    assert len(slow.took) == TIMES and trial.late == pytest.approx(0.005)
    assert trial.listen == 0.0, "the ear itself pushes no clock"


def settings(home: Path) -> Settings:
    return Settings(home=home, livekit_api_key="key", livekit_api_secret="s" * 32, worker_port=0)  # type: ignore[arg-type]


class Request:
    """A dispatch, and what became of it."""

    def __init__(self, metadata: str = '{"session": "a"}') -> None:
        self.job = SimpleNamespace(metadata=metadata)
        self.answer = ""

    async def accept(self, **_: Any) -> None:
        self.answer = "accepted"

    async def reject(self, *, terminate: bool = True) -> None:
        self.answer = "rejected" if terminate else "left to other machines"


async def trials(worker: Worker, *found: Trial) -> None:
    """The trials of a machine, one after another."""
    left = list(found)

    async def ask(method: str) -> Trial:
        assert method == "trial"
        return left.pop(0)

    await worker.try_machine(ask)


async def answer(worker: Worker, metadata: str = '{"session": "a"}') -> str:
    request: Any = Request(metadata)
    await worker.accept(request)
    return str(request.answer)


def test_a_machine_that_cannot_carry_a_call_takes_none_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, idle: Callable[[Worker], None]
) -> None:
    async def scenario() -> None:
        worker = Worker(settings(tmp_path))
        idle(worker)
        assert await answer(worker) == "accepted", "nobody waits for the trial"
        trying = asyncio.create_task(trials(worker, SLOW, SLOW, GOOD))
        await asyncio.sleep(0.1)
        assert await answer(worker) == "left to other machines"
        assert await answer(worker, "{}") == "rejected", "what is not ours is nobody's"
        lines = [r.message for r in caplog.records if "cannot carry" in r.message]
        assert len(lines) == 2 and "0.90 s for a second of speech" in lines[1] and "VIVA_STT=moonshine" in lines[1]
        doctor = _machine(settings(tmp_path))
        assert doctor.engine == "none" and "recognising speech takes 0.90" in doctor.better
        await trying
        assert await answer(worker) == "accepted" and worker.verdict and worker.verdict.calls > 0
        assert _machine(settings(tmp_path)).engine.startswith("about ")

    virtual_time.run(scenario())


def test_a_trial_waits_until_there_is_no_call(tmp_path: Path, idle: Callable[[Worker, int], None]) -> None:
    async def scenario() -> None:
        worker = Worker(settings(tmp_path))
        idle(worker, 1)
        trying = asyncio.create_task(trials(worker, GOOD))
        await asyncio.sleep(600)
        assert worker.verdict is None, "a call goes on: it would be disturbed, and be in the numbers"
        idle(worker, 0)
        await trying
        assert worker.verdict is not None

    virtual_time.run(scenario())


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a worker have so many calls."""

    def set_calls(worker: Worker, calls: int = 0) -> None:
        monkeypatch.setattr(type(worker.server), "active_jobs", property(lambda _: [None] * calls))

    return set_calls


def test_what_is_kept_of_a_trial_is_read_again_and_rubbish_is_no_trial(tmp_path: Path) -> None:
    assert last_trial(tmp_path) is None and _machine(settings(tmp_path)).engine == "not known"
    keep(tmp_path / "new", Kept(1.0, GOOD, 3, ""))
    assert last_trial(tmp_path / "new") == Kept(1.0, GOOD, 3, "")
    for rubbish in ("", "[]", '{"at": 1}', '{"at": 1, "trial": {"speed": 2}, "calls": 1, "why": ""}'):
        (tmp_path / FILE).write_text(rubbish)
        assert last_trial(tmp_path) is None
