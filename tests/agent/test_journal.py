"""Servers that die and come back: nothing is stored twice or lost, and a refusal is told apart from an outage."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from multiprocessing.connection import Listener
from pathlib import Path

import pytest

from agent.call.journal import Journal
from agent.engines.model_client import MODEL_KEY, Remote, remote_engines
from dialogue.state import State
from memory.events import Said
from memory.redis_store import RedisStore
from memory.store import StoreUnavailable
from tests.conftest import free_port
from voice.errors import EngineError


def said(text: str) -> Said:
    return Said(at=0, purpose="notice", text=text)


def start_redis(port: int, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes",
         "--appendfsync", "always"], stdout=subprocess.DEVNULL,
    )  # fmt: skip


async def test_a_redis_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    port = free_port()
    redis = start_redis(port, tmp_path)
    store = RedisStore(f"redis://127.0.0.1:{port}/0")
    try:
        await eventually(store)
        lease = await store.acquire("a", "me", 30)
        journal = Journal(store, lease, State(), patience=20)
        await journal.write(said("before"))
        journal.take_stall()
        redis.send_signal(signal.SIGSTOP)
        writing = asyncio.create_task(journal.write(said("one"), said("two")))
        for _ in range(10):  # moments, in which the request is sent; nobody reads it
            await asyncio.sleep(0)
        redis.kill()
        redis.wait()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):  # as the journal does meanwhile
                await store.ping()
        assert not writing.done() and journal.state.said == (said("before"),), "not stored, not true"
        redis = start_redis(port, tmp_path)
        await asyncio.wait_for(writing, 20)
        await journal.write(said("after"))
        assert [e.text for e in await store.read("a") if e.kind == "said"] == ["before", "one", "two", "after"]
        assert journal.take_stall() > 0 and journal.take_stall() == 0
    finally:
        redis.kill()
        redis.wait()
        await store.close()


async def test_connections_that_a_restart_left_dead_are_not_an_error(tmp_path: Path) -> None:
    port = free_port()
    redis = start_redis(port, tmp_path)
    store = RedisStore(f"redis://127.0.0.1:{port}/0")
    try:
        await eventually(store)
        await asyncio.gather(*(store.holder(f"s{i}") for i in range(8)))  # eight connections in the pool
        redis.kill()
        redis.wait()
        redis = start_redis(port, tmp_path)
        await eventually(RedisStore(f"redis://127.0.0.1:{port}/0"))
        assert await asyncio.gather(*(store.holder(f"s{i}") for i in range(8))) == [None] * 8
    finally:
        redis.kill()
        redis.wait()
        await store.close()


async def eventually(store: RedisStore) -> None:
    for _ in range(50):
        try:
            return await store.ping()
        except StoreUnavailable:
            await asyncio.sleep(0.1)
    raise AssertionError("no Redis")


def test_a_model_host_that_refuses_the_key_is_told_apart_from_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engines.model_client.PATIENCE", -1.0)
    address, key = str(tmp_path / "models"), os.urandom(32)
    with pytest.raises(EngineError, match="does not answer"):
        Remote(address, key).ask("describe")
    with Listener(address, "AF_UNIX", authkey=key) as listener:

        def serve() -> None:
            with pytest.raises(AuthenticationError):
                listener.accept()
            with listener.accept() as connection:
                method, _ = connection.recv()
                connection.send(("ok", method))

        with ThreadPoolExecutor(1) as thread:
            serving = thread.submit(serve)
            with pytest.raises(EngineError, match="key"):
                Remote(address, b"another key").ask("describe")
            assert Remote(address, key).ask("describe") == "describe"
            serving.result()


@pytest.mark.voice
def test_the_model_host_answers_as_the_models_do_and_may_die(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, key = str(tmp_path / "models"), os.urandom(32)
    monkeypatch.setenv(MODEL_KEY, key.hex())
    monkeypatch.setenv("VIVA_STT", "moonshine")
    monkeypatch.setenv("VIVA_TTS", "espeak")

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "agent.engines.model_host", address], cwd=Path(__file__).parents[2]
        )

    host = start()
    try:
        engines = remote_engines(address)
        sound = engines.voice.say("Tell me about your last project.")
        assert engines.voice.rate > 0 and len(sound) > engines.voice.rate
        from voice.audio import resample

        heard = " ".join(
            w.text for w in engines.decoder.decode(resample(sound, engines.voice.rate, 16_000), timed=True)
        )
        assert "project" in heard.lower()
        assert 0 <= engines.end_of_turn.probability(resample(sound, engines.voice.rate, 16_000)) <= 1
        host.kill()
        host.wait()
        began = time.monotonic()
        host = start()
        assert len(engines.voice.say("Once more.")) > 0, "asked again after its death"
        assert time.monotonic() - began < 30
        with pytest.raises(EngineError, match="key"):
            Remote(address, b"another key").ask("describe")
        assert len(engines.voice.say("Still here.")) > 0, "a stranger does no harm"
    finally:
        host.kill()
        host.wait()
