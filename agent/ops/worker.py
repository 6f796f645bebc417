"""The worker: takes dispatched interviews, one process each, with all models in one host process next to them.

viva worker            python -m agent start            the same
viva worker --dev      python -m agent dev              ends at once on Ctrl-C, logs in colour
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from livekit.agents import AgentServer, JobProcess, JobRequest

from agent.engines.machine_load import LoadMeter, Trial, Verdict, advice, judge
from agent.engines.model_client import MODEL_KEY, MODEL_SOCKET, Remote
from agent.errors import UserError
from agent.ops.machine import Kept, keep
from agent.processes import ChildProcess, end_with_parent
from agent.rooms.entrypoint import run_job
from agent.rooms.job_metadata import read_metadata
from agent.rooms.roles import SESSION
from agent.rooms.stop import IN_ORDER, STOP_FILE
from agent.settings import Settings
from agent.signals import stop_signals
from voice.errors import EngineError

HOST_CHECK = 0.5  # s
AGAIN = 20.0  # s before a machine that could not carry a call is tried again
ENDING = 4.0  # s beyond a call's own limit for ending, after which the worker ends without it
log = logging.getLogger("agent.ops.worker")


def prewarm(process: JobProcess) -> None:
    """Runs in a call's process before its call. The weights are in the host."""
    from agent.rooms.warm import rehearse

    end_with_parent(IN_ORDER)
    rehearse()


class Worker:
    """Takes the calls that this machine can carry. `verdict`: of its trial; while None, every call is taken."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._meter = LoadMeter(os.cpu_count() or 1)
        self.verdict: Verdict | None = None
        self.server = _server(settings, self._meter, self.accept)

    async def accept(self, request: JobRequest) -> None:
        """Take a job that is ours and can be carried; refuse one without a session, leave others to other machines."""
        try:
            metadata = read_metadata(request.job.metadata)
        except ValueError as error:
            log.warning("refused: %s", error)
            await request.reject()
            return
        if self.verdict is not None and not self.verdict.calls:
            log.error("a call was refused: %s", self.verdict.why)
            await request.reject(terminate=False)
            return
        await request.accept(
            name="Viva", identity=f"viva-{secrets.token_hex(4)}", attributes={SESSION: metadata.session, "viva.role": "agent"}
        )  # fmt: skip

    async def try_machine(self, ask: Callable[[str], Awaitable[Any]]) -> None:
        """Measure what this machine can do while it has no call; if it cannot carry one, try again later.

        `ask`: calls a method of the model host. Raises EngineError if the host does not answer.
        """
        while True:
            while self.server.active_jobs:
                await asyncio.sleep(AGAIN)
            trial: Trial = await ask("trial")
            if self.server.active_jobs:  # one came meanwhile and affects the numbers
                continue
            cores = os.cpu_count() or 1
            found = judge(trial, cores, self._settings.worker_load_limit)
            if not found.calls:
                found = replace(found, why=f"this machine cannot carry a call: {found.why}; {advice(trial)}")
                if self.verdict is None or self.verdict.calls:
                    log.error("%s", found.why)
            elif self.verdict is not None and not self.verdict.calls:
                log.warning("this machine can carry a call again")
            self.verdict = found
            self._meter.prior = found.cost
            keep(self._settings.home, Kept(time.time(), trial, found.calls, found.why))
            if found.calls:
                log.info("this machine carries about %d calls at once", found.calls)
                return
            await asyncio.sleep(AGAIN)


async def run_worker(settings: Settings, *, dev: bool) -> None:
    """Run until a signal. Then take no new calls, let the running ones finish (not in dev), and end the host."""
    if not settings.livekit_api_key or not settings.livekit_api_secret.get_secret_value():
        raise UserError(
            "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET (and LIVEKIT_URL), or let `viva up` start everything"
        )
    # Otherwise each library would have a thread per core spinning alongside the calls; their work is short.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with tempfile.TemporaryDirectory(prefix="viva-") as folder:
        stop_file = Path(folder) / "stopping"
        os.environ[STOP_FILE] = str(stop_file)
        host = _model_host(settings, Path(folder))
        worker = Worker(settings)
        async with stop_signals() as stopping:
            running = asyncio.create_task(worker.server.run(devmode=dev), name="worker")
            try:
                async with asyncio.TaskGroup() as beside:
                    tasks = [
                        beside.create_task(_keep(host), name="model-host"),
                        # Calls may come while the models load and wait for the host: saves seconds after a crash.
                        beside.create_task(_loaded(host, worker), name="loading"),
                    ]
                    stopped = beside.create_task(stopping.wait(), name="stopped")
                    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    if running.done():
                        running.result()
                    elif not dev:
                        log.info("draining: calls finish, no new ones are taken")
                        with contextlib.suppress(TimeoutError):
                            await worker.server.drain()
                    for task in (*tasks, stopped):
                        task.cancel()
            except BaseExceptionGroup as group:
                raise group.exceptions[0] from None  # one failed, the others were cancelled because of it
            finally:
                stop_file.touch()  # tells running calls to shut down cleanly
                await _end(worker.server, running)
                host.stop(3.0)


async def _end(server: AgentServer, running: asyncio.Task[None]) -> None:
    """Bounded: a call that does not end kills itself (agent/rooms/stop.py), and anything left ends with us."""
    closing = asyncio.create_task(server.aclose(), name="closing")
    _, late = await asyncio.wait({closing, running}, timeout=IN_ORDER + ENDING)
    if late:
        log.error("calls did not end in time; they end with the worker")
    for task in late:
        task.cancel()
    await asyncio.wait({closing, running}, timeout=1.0)


def _model_host(settings: Settings, folder: Path) -> ChildProcess:
    """The host's address and key reach the calls through the environment that they inherit."""
    os.environ[MODEL_SOCKET] = str(folder / "models")
    os.environ[MODEL_KEY] = secrets.token_hex(32)
    command = [sys.executable, "-m", "agent.engines.model_host", os.environ[MODEL_SOCKET]]
    return ChildProcess("models", lambda: command, {}, settings.home / "logs" / "models.log")


async def _keep(host: ChildProcess) -> None:
    while True:
        if not host.running:
            if host.starts:
                log.error("the model host died; starting it again (%s)", host.last_words(1))
            host.start()
        await asyncio.sleep(HOST_CHECK)


async def _loaded(host: ChildProcess, worker: Worker) -> None:
    """Wait for the models, then try the machine. Raises UserError if the engines cannot be loaded."""
    remote = Remote(os.environ[MODEL_SOCKET], bytes.fromhex(os.environ[MODEL_KEY]))

    async def ask(method: str) -> Any:
        # A daemon thread that ends with the process: one of asyncio's would be waited for at exit.
        asked = _in_a_thread(lambda: remote.ask(method))
        while not asked.done():
            if method == "describe" and host.starts > 1:
                raise UserError(f"the models cannot be loaded: {host.last_words(1)}; `viva doctor` tells more")
            await asyncio.wait({asked}, timeout=0.1)
        return asked.result()

    try:
        await ask("describe")
    except EngineError as error:
        raise UserError(f"the models cannot be loaded in time: {error}") from error
    try:
        await worker.try_machine(ask)
    except EngineError as error:
        log.warning("this machine could not be tried, and takes calls untried: %s", error)


def _in_a_thread(work: Callable[[], Any]) -> asyncio.Future[Any]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def tell(result: Any, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except Exception as error:  # passed on to the waiter
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is gone, and the waiter with it
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, name="asking-the-host", daemon=True).start()
    return future


def _server(
    settings: Settings, meter: LoadMeter, accept: Callable[[JobRequest], Coroutine[None, None, None]]
) -> AgentServer:
    seen: dict[int, float] = {}
    last = time.monotonic()

    def load(server: AgentServer) -> float:
        nonlocal last
        now = time.monotonic()
        used = 0.0
        me = psutil.Process()
        for process in [me, *me.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total = times.user + times.system
                used += max(0.0, total - seen.get(process.pid, total))
                seen[process.pid] = total
        calls = len(server.active_jobs)
        meter.observe(used, now - last, calls)
        last = now
        return meter.load(calls)

    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret.get_secret_value(),
        host=settings.worker_host,
        port=settings.worker_port,
        load_fnc=load,
        load_threshold=settings.worker_load_limit,
        num_idle_processes=1,
        setup_fnc=prewarm,
        preload_modules=["agent.rooms.preload"],
        initialize_process_timeout=30.0,
        max_retry=10**6,  # wait for a server that restarts
    )
    server.rtc_session(run_job, agent_name=settings.agent_name, on_request=accept)
    return server
