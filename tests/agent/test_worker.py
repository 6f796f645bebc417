"""The worker's life cycle: it waits for its models, ends its calls in order, and every wait is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.errors import UserError
from agent.ops import worker as worker_module
from agent.ops.worker import ENDING, Worker, _end, _in_a_thread, run_worker
from agent.rooms.stop import IN_ORDER, STOP_FILE
from agent.settings import Settings
from simulation import virtual_time
from voice.errors import EngineError


class Server:
    """LiveKit's worker. `ends`: whether it ends when told to."""

    def __init__(self, steps: list[str], *, ends: bool = True) -> None:
        self.active_jobs: list[Any] = []
        self._steps = steps
        self._ends = ends
        self._over = asyncio.Event()

    async def run(self, **_: Any) -> None:
        await self._over.wait()

    async def drain(self) -> None:
        self._steps.append("drained")

    async def aclose(self) -> None:
        self._steps.append("told to stop" if Path(os.environ.get(STOP_FILE, "/")).is_file() else "closed unheard")
        if not self._ends:
            await asyncio.Event().wait()
        self._over.set()


class Host:
    """The model host's process."""

    running, starts = True, 1

    def __init__(self, steps: list[str]) -> None:
        self._steps = steps

    def last_words(self, count: int = 3) -> str:
        return "no weights"

    def stop(self, seconds: float) -> None:
        self._steps.append("host stopped")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A worker whose server and host only record what was done with them."""
    found: list[str] = []
    monkeypatch.setenv(STOP_FILE, "")
    for name, value in (("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("VIVA_MODEL_SOCKET", "none"), ("VIVA_MODEL_KEY", "00")):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(worker_module, "_model_host", lambda *_: Host(found))
    monkeypatch.setattr(worker_module, "_server", lambda *_: Server(found))
    return found


def settings(home: Path) -> Settings:
    return Settings(home=home, livekit_api_key="key", livekit_api_secret="s" * 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("dev", [True, False])
def test_calls_are_told_before_the_worker_closes_and_drained_in_production(
    dev: bool, steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.asynccontextmanager
    async def stopped_later() -> AsyncIterator[asyncio.Event]:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_later(30.0, stopping.set)
        yield stopping

    async def loaded(*_: Any) -> None:
        await asyncio.Event().wait()  # models that never come do not keep the worker from ending

    monkeypatch.setattr(worker_module, "stop_signals", stopped_later)
    monkeypatch.setattr(worker_module, "_loaded", loaded)
    virtual_time.run(run_worker(settings(tmp_path), dev=dev))
    assert steps == ([] if dev else ["drained"]) + ["told to stop", "host stopped"]


@pytest.mark.parametrize("why", ["it says so", "it died"])
def test_models_that_cannot_be_loaded_end_the_worker_with_one_line(
    why: str, steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    class Remote:
        def __init__(self, *_: Any) -> None:
            pass

        def ask(self, method: str) -> Any:
            if why == "it says so":
                raise EngineError("the host does not answer")
            asked.wait()  # a host that died is asked for 30 s; nobody waits for this thread

    monkeypatch.setattr(worker_module, "Remote", Remote)
    if why == "it died":
        monkeypatch.setattr(Host, "starts", 2)
    with pytest.raises(UserError, match="cannot be loaded"):
        virtual_time.run(run_worker(settings(tmp_path), dev=True))
    asked.set()
    assert steps[-1] == "host stopped"


def test_a_server_that_never_closes_is_left() -> None:
    async def scenario() -> None:
        server: Any = Server([], ends=False)
        running = asyncio.create_task(server.run())
        began = asyncio.get_running_loop().time()
        await _end(server, running)
        took = asyncio.get_running_loop().time() - began
        assert IN_ORDER < took <= IN_ORDER + ENDING + 1.0 and running.cancelled()

    virtual_time.run(scenario())


def test_a_machine_that_cannot_be_tried_takes_calls_all_the_same(
    steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Remote:
        def __init__(self, *_: Any) -> None:
            pass

        def ask(self, method: str) -> Any:
            if method == "trial":
                raise EngineError("the voice failed")

    async def scenario() -> None:
        worker = Worker(settings(tmp_path))
        await worker_module._loaded(Host([]), worker)  # type: ignore[arg-type]
        assert worker.verdict is None and "untried" in caplog.text

    monkeypatch.setattr(worker_module, "Remote", Remote)
    virtual_time.run(scenario())


def test_what_runs_in_a_thread_of_its_own_is_waited_for_or_left() -> None:
    async def scenario() -> None:
        assert await _in_a_thread(lambda: 5) == 5
        with pytest.raises(ZeroDivisionError):
            await _in_a_thread(lambda: 1 // 0)
        kept = threading.Event()
        future = _in_a_thread(kept.wait)
        future.cancel()
        kept.set()
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
