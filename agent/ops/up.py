"""`viva up`: everything on one machine, one link, one Ctrl-C. Parts that die are restarted; the interviews go on."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from rich.console import Console

from agent.errors import UserError
from agent.ops.servers import (
    LOOPBACK,
    answers,
    free_port,
    livekit_config,
    livekit_server,
    port_free,
    redis_command,
    web_app,
)
from agent.processes import ChildProcess
from agent.service.tokens import kept_secret, operator_keys
from agent.settings import Settings
from agent.signals import stop_signals
from memory.redis_store import RedisStore
from memory.store import StoreUnavailable

CHECK = 0.2  # s
PATIENCE = 90.0  # s for each part to come up; includes loading the models
ENDING_CALLS = 18.0  # s for a worker to end its calls: more than it needs by itself
TOO_OFTEN = 5  # deaths within a minute after which a part is given up


@dataclass
class LocalServers:
    """What was started, in order of start, and the URL for people to open."""

    children: list[ChildProcess] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    url: str = ""
    memory: str = ""


async def up(settings: Settings, console: Console, *, host: str, port: int | None) -> None:
    """Run until Ctrl-C. Raises UserError if a part cannot be started, after ending everything again."""
    house = LocalServers()
    logs = settings.home / "logs"
    async with stop_signals() as stopping:
        try:
            if problem := await asyncio.to_thread(web_app, console):
                console.print(problem)
            await _livekit(house, settings, console, host, logs, stopping)
            await _memory(house, settings, console, logs, stopping)
            await _api(house, settings, host, port, logs, stopping)
            await _worker(house, settings, console, logs, stopping)
            if not stopping.is_set():
                _welcome(house, settings, console, host)
                await _keep(house, console, stopping)
        finally:
            with console.status("ending"):
                for child in reversed(house.children):
                    await asyncio.to_thread(child.stop)


async def _livekit(
    house: LocalServers, settings: Settings, console: Console, host: str, logs: Path, stopping: asyncio.Event
) -> None:
    if settings.livekit_api_key:  # one that runs elsewhere
        console.print(f"LiveKit    {settings.livekit_url} (as set)", highlight=False)
        return
    program = await asyncio.to_thread(livekit_server, console)
    bind = LOOPBACK if host == LOOPBACK else "0.0.0.0"  # reachable by others because --host asked for it
    port = free_port(7880, bind)
    media = free_port(7882, bind, udp=True)
    key, secret = "viva", kept_secret(settings.home / "livekit.key")
    config = settings.home / "livekit.yaml"
    config.touch(0o600)
    config.write_text(livekit_config(host=host, port=port, media_port=media, key=key, secret=secret), "utf-8")
    command = [str(program), "--config", str(config)]
    await _start(
        house,
        ChildProcess("livekit", lambda: command, {}, logs / "livekit.log", guarded=True),
        lambda: answers(port),
        stopping,
    )
    house.env |= {
        "LIVEKIT_URL": f"ws://{LOOPBACK if host == LOOPBACK else host}:{port}",
        "LIVEKIT_API_KEY": key,
        "LIVEKIT_API_SECRET": secret,
        # The page is served on localhost; some browsers treat 127.0.0.1 as another site.
        "VIVA_LIVEKIT_PUBLIC_URL": f"ws://{'localhost' if host == LOOPBACK else host}:{port}",
    }
    console.print(
        f"LiveKit    port {port}, media {media}/udp, {'this machine only' if host == LOOPBACK else host}",
        highlight=False,
    )


async def _memory(
    house: LocalServers, settings: Settings, console: Console, logs: Path, stopping: asyncio.Event
) -> None:
    if settings.memory != "sqlite":
        redis = RedisStore(settings.redis_url)
        try:
            await redis.ping()
            house.memory = (
                f"Redis at {urlsplit(settings.redis_url).hostname}:{urlsplit(settings.redis_url).port or 6379}"
            )
            house.env |= {"VIVA_MEMORY": "redis", "VIVA_REDIS_URL": settings.redis_url}
        except StoreUnavailable:
            address = urlsplit(settings.redis_url)
            here = address.hostname in ("localhost", LOOPBACK)
            if "redis_url" in settings.model_fields_set and not (here and shutil.which("redis-server")):
                raise
            if shutil.which("redis-server"):
                port = free_port(address.port or 6379 if here else 6379)
                command = redis_command(settings.home / "redis", port)
                child = ChildProcess("redis", lambda: command, {}, logs / "redis.log", guarded=True)
                await _start(house, child, lambda: answers(port), stopping)
                house.memory = f"Redis, port {port}, kept in {settings.home / 'redis'}"
                house.env |= {"VIVA_MEMORY": "redis", "VIVA_REDIS_URL": f"redis://{LOOPBACK}:{port}/0"}
        finally:
            await redis.close()
    if not house.memory:
        house.memory = "SQLite, one worker" + ("" if settings.memory == "sqlite" else " (no Redis here)")
        house.env["VIVA_MEMORY"] = "sqlite"
    console.print(f"memory     {house.memory}", highlight=False)


async def _api(
    house: LocalServers, settings: Settings, host: str, port: int | None, logs: Path, stopping: asyncio.Event
) -> None:
    bind = LOOPBACK if host == LOOPBACK else "0.0.0.0"
    if port is not None and not port_free(port, bind):
        raise UserError(f"port {port} is in use; choose another with --port, or leave it out")
    port = port or free_port(settings.api_port, bind)
    house.url = settings.public_url or f"http://{'localhost' if host == LOOPBACK else host}:{port}"
    house.env |= {"VIVA_API_PORT": str(port), "VIVA_API_HOST": bind, "VIVA_PUBLIC_URL": house.url}
    command = [sys.executable, "-m", "agent", "api"]
    child = ChildProcess(
        "api", lambda: command, {**house.env, "VIVA_HOME": str(settings.home)}, logs / "api.log", guarded=True
    )
    await _start(house, child, lambda: _ok(f"http://{LOOPBACK}:{port}/healthz"), stopping)


async def _worker(
    house: LocalServers, settings: Settings, console: Console, logs: Path, stopping: asyncio.Event
) -> None:
    port = free_port(settings.worker_port or 8081)
    # As in development: Ctrl-C ends this machine's calls too, so they are shut down cleanly rather than waited for.
    command = [sys.executable, "-m", "agent", "dev"]
    env = {**house.env, "VIVA_HOME": str(settings.home), "VIVA_WORKER_PORT": str(port)}
    child = ChildProcess("worker", lambda: command, env, logs / "worker.log", guarded=True, patience=ENDING_CALLS)
    with console.status("loading the models"):
        await _start(house, child, lambda: _ok(f"http://{LOOPBACK}:{port}/"), stopping)


async def _start(house: LocalServers, child: ChildProcess, ready: Callable[[], bool], stopping: asyncio.Event) -> None:
    house.children.append(child)
    child.start()
    deadline = time.monotonic() + PATIENCE
    while not stopping.is_set():
        if await asyncio.to_thread(ready):
            return
        if not child.running:
            raise UserError(f"{child.name} did not start: {child.last_words() or 'it said nothing'}")
        if time.monotonic() > deadline:
            raise UserError(
                f"{child.name} did not answer within {PATIENCE:.0f} s: {child.last_words() or 'it said nothing'}"
            )
        await asyncio.sleep(CHECK)


def _ok(url: str) -> bool:
    try:
        return httpx.get(
            url, timeout=2.0, trust_env=False, verify=False
        ).is_success  # plain HTTP: no certificates to read
    except httpx.HTTPError:
        return False


async def _keep(house: LocalServers, console: Console, stopping: asyncio.Event) -> None:
    """Restart parts that die, in order of dependency. Raises UserError if one keeps dying."""
    deaths: dict[str, list[float]] = {}
    while not stopping.is_set():
        for child in house.children:
            if child.running:
                continue
            recent = [t for t in deaths.get(child.name, []) if time.monotonic() - t < 60.0]
            deaths[child.name] = [*recent, time.monotonic()]
            if len(recent) >= TOO_OFTEN:
                raise UserError(f"{child.name} dies again and again: {child.last_words()}")
            console.print(f"{time.strftime('%H:%M:%S')}   {child.name} died and is started again", highlight=False)
            child.start()
        await asyncio.sleep(CHECK)


def _welcome(house: LocalServers, settings: Settings, console: Console, host: str) -> None:
    key = operator_keys(settings)[0]
    if host != LOOPBACK and house.url.startswith("http://"):
        console.print(
            "Browsers give a page a microphone on https or localhost only: put a TLS proxy in front (docs/deployment.md)."
        )
    console.print("open this page; Ctrl-C ends everything", style="dim")
    # The last line, plain and unwrapped, for people and scripts. The key is behind the #, so it reaches no server log.
    print(f"ready: {house.url}/#key={key}", flush=True)
