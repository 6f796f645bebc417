"""The worker: takes dispatched interviews, one process each, with the machine's models in one host beside them.

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
import time
from pathlib import Path

import psutil
from livekit.agents import AgentServer, JobProcess, JobRequest

from agent.children import Child
from agent.errors import UserError
from agent.load import LoadMeter
from agent.model_client import MODEL_KEY, MODEL_SOCKET, Remote
from agent.rooms.cast import SESSION
from agent.rooms.order import order_of, run_job
from agent.settings import Settings
from agent.signals import stop_signals
from voice.stt.decoder import EngineError

HOST_CHECK = 0.5  # s
log = logging.getLogger("agent.worker")


def prewarm(process: JobProcess) -> None:
    """Import what a call needs before there is one. The weights are the host's."""
    import agent.rooms.job  # noqa: F401


async def accept(request: JobRequest) -> None:
    """Take what is ours, refuse what carries no session."""
    try:
        order = order_of(request.job.metadata)
    except ValueError as error:
        log.warning("refused: %s", error)
        await request.reject()
        return
    await request.accept(
        name="Viva", identity=f"viva-{secrets.token_hex(4)}", attributes={SESSION: order.session, "viva.role": "agent"}
    )


async def run_worker(settings: Settings, *, dev: bool) -> None:
    """Until a signal. Then no new calls, the running ones finish (not in dev), and the host ends."""
    if not settings.livekit_api_key or not settings.livekit_api_secret.get_secret_value():
        raise UserError(
            "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET (and LIVEKIT_URL), or let `viva up` start everything"
        )
    with tempfile.TemporaryDirectory(prefix="viva-") as folder:
        host = _model_host(settings, Path(folder))
        server = _server(settings)
        async with stop_signals() as stopping:
            watching = asyncio.create_task(_keep(host), name="model-host")
            # Calls can come while the models load: they wait for the host. After a crash that saves seconds.
            loading = asyncio.create_task(_until_answering(host, stopping), name="loading")
            running = asyncio.create_task(server.run(devmode=dev), name="worker")
            stopped = asyncio.create_task(stopping.wait())
            try:
                await asyncio.wait({running, stopped, loading}, return_when=asyncio.FIRST_COMPLETED)
                if loading.done():
                    loading.result()
                    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    running.result()
                elif not dev:
                    log.info("draining: calls finish, no new ones are taken")
                    with contextlib.suppress(TimeoutError):
                        await server.drain()
            finally:
                watching.cancel()
                loading.cancel()
                if not running.done():
                    await server.aclose()
                await asyncio.gather(running, watching, loading, return_exceptions=True)
                host.stop(3.0)


def _model_host(settings: Settings, folder: Path) -> Child:
    """The host's address and key reach the calls by the environment that they inherit."""
    os.environ[MODEL_SOCKET] = str(folder / "models")
    os.environ[MODEL_KEY] = secrets.token_hex(32)
    command = [sys.executable, "-m", "agent.model_host", os.environ[MODEL_SOCKET]]
    return Child("models", lambda: command, {}, settings.home / "logs" / "models.log")


async def _keep(host: Child) -> None:
    while True:
        if not host.running:
            if host.starts:
                log.error("the model host died; starting it again (%s)", host.last_words(1))
            host.start()
        await asyncio.sleep(HOST_CHECK)


async def _until_answering(host: Child, stopping: asyncio.Event) -> None:
    """Raises UserError where the engines cannot be loaded."""
    remote = Remote(os.environ[MODEL_SOCKET], bytes.fromhex(os.environ[MODEL_KEY]))
    asked = asyncio.create_task(asyncio.to_thread(remote.ask, "describe"))
    while not asked.done() and not stopping.is_set():
        if host.starts > 1:
            raise UserError(f"the models cannot be loaded: {host.last_words(1)}; `viva doctor` tells more")
        await asyncio.sleep(0.1)
    if asked.done():
        try:
            asked.result()
        except EngineError as error:
            raise UserError(f"the models cannot be loaded in time: {error}") from error


def _server(settings: Settings) -> AgentServer:
    meter = LoadMeter(os.cpu_count() or 1)
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
        preload_modules=["agent.rooms.job"],
        initialize_process_timeout=30.0,
        max_retry=10**6,  # a server that restarts is waited for
    )
    server.rtc_session(run_job, agent_name=settings.agent_name, on_request=accept)
    return server
