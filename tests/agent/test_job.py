"""A call's process: warm before it enters a room, nothing heavy on its event loop, gone when the call is over."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import loop_watch
from agent.engines.loading import Engines
from agent.loop_watch import Stood, watch_loop
from agent.planning.planning import Wishes, planned
from agent.rooms import job, stop
from agent.rooms.stop import STOP_FILE, end_within, ends_with_its_lease, told_to_stop
from agent.rooms.warm import HELPERS, start_threads
from agent.sessions import consent_of, create, take
from agent.settings import Settings
from memory.records import CandidateSource
from memory.sqlite_store import SqliteStore
from simulation import virtual_time

# -- where a loop stood --------------------------------------------------------------------------------------------------


def test_the_watch_says_where_the_loop_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = threading.Event()
    look = loop_watch._look_around

    def look_and_tell(thread: int) -> Any:
        found = look(thread)
        seen.set()
        return found

    monkeypatch.setattr(loop_watch, "_look_around", look_and_tell)
    reports: list[Stood] = []

    def heavy_work() -> None:
        seen.clear()
        seen.wait(1.0)  # until it was looked at

    async def scenario() -> None:
        with watch_loop(0.02, reports.append):
            async with asyncio.timeout(60):  # a busy machine may stand still elsewhere, too
                while not any("heavy_work" in str(stood) for stood in reports):
                    heavy_work()
                    await asyncio.sleep(0.001)

    asyncio.run(scenario())
    assert all(stood.seconds > 0.02 for stood in reports)


# -- warm ----------------------------------------------------------------------------------------------------------------

WARM = """
import json, ssl, sys, threading
import agent.rooms.preload
threads = [t.name for t in threading.enumerate()]
before = set(sys.modules)
def again(*_, **__):
    raise AssertionError("certificates are read in a call")
ssl.create_default_context = again
from agent.rooms import warm
warm.rehearse()
from livekit.agents.utils import http_context
http_context._create_ssl_context()
ours = sorted(m for m in set(sys.modules) - before if m.split(".")[0] in ("agent", "voice", "dialogue", "matplotlib", "scipy"))
print(json.dumps({"threads": threads, "late": ours, "pyplot": "matplotlib.pyplot" in sys.modules}))
"""


def test_what_calls_share_is_there_before_them_and_starts_no_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WARM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["threads"] == ["MainThread"], "processes are forked from this one"
    assert found["pyplot"] and found["late"] == [], "a call imports nothing"
    assert "rehearsal of a call failed" not in done.stderr


def test_the_threads_of_a_call_are_there_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        engines: Any = Engines(None, None, None, None, [])  # type: ignore[arg-type]
        await start_threads(engines)
        helpers = asyncio.get_running_loop()._default_executor  # type: ignore[attr-defined]
        assert len(helpers._threads) == HELPERS

        def no_more(thread: threading.Thread) -> None:
            raise AssertionError(f"{thread.name} is started while the call goes on")

        monkeypatch.setattr(threading.Thread, "start", no_more)
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.001) for _ in range(HELPERS)))
        for pool in (engines.stt_executor, engines.tts_executor, engines.metrics_executor):
            await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0)
        monkeypatch.undo()
        await engines.close()

    asyncio.run(scenario())


# -- the end -------------------------------------------------------------------------------------------------------------


def test_a_worker_that_stops_or_dies_is_heard_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(stops: Any, parents: list[int]) -> None:
        insisted: list[tuple[float, str]] = []
        async with told_to_stop(lambda: parents[-1], lambda *given: insisted.append(given)) as stopping:
            await asyncio.sleep(100)
            assert not stopping.is_set() and not insisted
            stops()
            await asyncio.wait_for(stopping.wait(), 1.0)
        assert insisted == [(stop.IN_ORDER, "the worker ended")], "a call that hangs in its end has seconds"

    file, parents = tmp_path / "stopping", [10]
    monkeypatch.setenv(STOP_FILE, str(file))
    virtual_time.run(scenario(file.touch, parents))
    file.unlink()
    virtual_time.run(scenario(lambda: parents.append(1), parents))


def test_a_process_whose_session_another_has_taken_does_not_stay() -> None:
    async def scenario() -> None:
        insisted: list[str] = []
        holders: list[str | None] = ["me"]

        async def holder() -> str | None:
            if holders[-1] == "away":
                raise OSError("the store is away")
            return holders[-1]

        async with ends_with_its_lease(holder, "me", 4.0, lambda _, why: insisted.append(why)):
            for held in ("me", "away", None):
                holders.append(held)
                await asyncio.sleep(60)
                assert not insisted, f"{held!r} does not say that another has it"
            holders.append("another")
            await asyncio.sleep(5)
            assert insisted == ["another agent has this interview"]
            await asyncio.sleep(60)
            assert len(insisted) == 1

    virtual_time.run(scenario())


def test_an_end_that_hangs_is_an_end() -> None:
    ended: list[int] = []
    over = threading.Event()

    def end(code: int) -> None:
        ended.append(code)
        over.set()

    end_within(0.0, "the call is over", end)
    assert over.wait(60) and ended == [1]


HANGS = """
import threading
from agent.rooms.stop import end_within
threading.Thread(target=threading.Event().wait).start()  # Python waits for such a thread for ever
end_within(0.1, "the call is over")
"""


def test_a_thread_that_never_returns_does_not_keep_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "the call is over" in done.stderr


class Told:
    """A job's context, which records what it was asked to do."""

    def __init__(self, session: str, steps: list[str]) -> None:
        self.job = SimpleNamespace(metadata=json.dumps({"session": session}))
        self.room = SimpleNamespace(name=session, disconnect=self._disconnect)
        self.api: Any = None
        self._steps = steps

    async def connect(self, **_: Any) -> None:
        self._steps.append("in the room")

    async def _disconnect(self) -> None:
        self._steps.append("out of the room")

    def shutdown(self, reason: str) -> None:
        self._steps.append("over")


@pytest.mark.parametrize("how", ["the interview ends", "the worker stops", "it is cancelled", "it breaks"])
def test_a_job_is_warm_first_and_bounded_and_gives_its_session_back(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    settings = Settings(home=tmp_path, memory="sqlite")  # type: ignore[call-arg]
    monkeypatch.setenv("VIVA_MODEL_SOCKET", "none")
    monkeypatch.setenv(STOP_FILE, str(tmp_path / "stopping"))
    monkeypatch.setattr(job, "load_settings", lambda: settings)
    monkeypatch.setattr(job, "remote_engines", lambda *_: Engines(None, None, None, None, []))  # type: ignore[arg-type]
    monkeypatch.setattr(job, "end_within", lambda seconds, why: steps.append(f"gone in {seconds:.0f} s"))
    monkeypatch.setattr(job, "told_to_stop", lambda: told_to_stop(insist=lambda *_: None))

    async def warm(_: Engines) -> None:
        steps.append("warm")

    monkeypatch.setattr(job, "start_threads", warm)

    class RoomSession:
        def __init__(self, *_: Any) -> None:
            pass

        async def run(self, stopping: asyncio.Event) -> str:
            steps.append("call")
            if how == "it breaks":
                raise ValueError("something is wrong")
            if how == "the worker stops":
                (tmp_path / "stopping").touch()
                await stopping.wait()
                steps.append("told")
            if how == "it is cancelled":
                await asyncio.sleep(3600)
            return "nobody"

    monkeypatch.setattr(job, "RoomSession", RoomSession)

    async def scenario() -> None:
        store = SqliteStore(tmp_path / "sessions.db")
        interview = planned(settings, Wishes(questions=("slow-service",)), CandidateSource(kind="room")).model_copy(
            update={"id": "a"}
        )
        await create(store, settings, interview)
        begun = await take(store, settings, "a", lambda _: None)
        await begun.journal.write(consent_of("en", "test"))
        await begun.journal.release()
        running = asyncio.create_task(job.run(Told("a", steps)))  # type: ignore[arg-type]
        if how == "it is cancelled":
            while "call" not in steps:
                await asyncio.sleep(1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        else:
            await running
        assert await store.holder("a") is None, "the next agent need not wait for the lease to run out"
        await store.close()

    virtual_time.run(scenario())
    told = ["told"] if how == "the worker stops" else []
    assert steps == ["warm", "in the room", "call", *told, "out of the room", "over", "gone in 20 s"]
