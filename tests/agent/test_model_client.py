"""The client of the model host, over a real socket, with scripted engines behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.engines.model_client import KEPT, Remote, remote_engines
from agent.engines.model_host import HUNG, Host
from dialogue.backends.base import BackendError, Prompt
from dialogue.report.feedback import give_feedback
from voice.errors import EngineError

KEY = os.urandom(32)
PROMPT = Prompt("system", "user")
LONG = 20.0  # s for what takes milliseconds; only a failing test ever waits that long


class Model:
    """The model in the host: follows `script`, call by call, then answers "done"."""

    name = "scripted"

    def __init__(self, *script: str | Exception) -> None:
        self.script = list(script)
        self.begun, self.stopped = threading.Event(), threading.Event()

    async def complete(self, prompt: Prompt) -> str:
        step = self.script.pop(0) if self.script else "done"
        if isinstance(step, Exception):
            raise step
        if step == "hang":
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()
        return step

    async def close(self) -> None: ...


def engines(model: Model | None = None) -> Any:
    return SimpleNamespace(
        decoder=SimpleNamespace(name="ears", max_window=30.0), voice=SimpleNamespace(name="mouth", rate=16_000, say=str.upper),
        end_of_turn=SimpleNamespace(probability=lambda samples: 0.5), model=model, measure=lambda answer: answer,
    )  # fmt: skip


class Served:
    """A listener whose connections are answered by `serve`, each on a thread. `open`: connections not yet closed."""

    def __init__(self, address: Path, serve: Callable[[Connection], None]) -> None:
        self.address = str(address)
        self._serve = serve
        self._listener = Listener(self.address, "AF_UNIX", backlog=64, authkey=KEY)
        self.open: set[Connection] = set()
        self.most = 0
        self.changed = threading.Condition()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closing:
            with contextlib.suppress(OSError, EOFError, AuthenticationError):
                threading.Thread(target=self._run, args=(self._listener.accept(),), daemon=True).start()

    def _run(self, connection: Connection) -> None:
        with self.changed:
            self.open.add(connection)
            self.most = max(self.most, len(self.open))
        self._serve(connection)
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()

    def hang_up(self) -> None:
        with self.changed:
            for connection in self.open:
                with socket.socket(fileno=os.dup(connection.fileno())) as raw:
                    raw.shutdown(socket.SHUT_RDWR)  # closing alone would not wake who reads from it

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            self._listener.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[[Callable[[Connection], None]], Served]]:
    made: list[Served] = []

    def start(serve: Callable[[Connection], None]) -> Served:
        made.append(Served(tmp_path / f"models{len(made)}", serve))
        return made[-1]

    yield start
    for served in made:
        served.close()


Serving = Callable[[Callable[[Connection], None]], Served]


def model_of(served: Served) -> Any:
    return remote_engines(served.address, key=KEY).model


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, LONG)


def test_a_follow_ups_deadline_is_nothing_to_the_feedback(serving: Serving) -> None:
    """No deadline reaches the host: how long a completion may take, its caller decides."""
    asked: list[Any] = []

    def serve(connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                method, arguments = connection.recv()
                asked.append((method, arguments))
                described = {"decoder": "d", "max_window": 1.0, "voice": "v", "rate": 1, "model": "m"}
                connection.send(("ok", described if method == "describe" else "said"))

    assert asyncio.run(model_of(serving(serve)).complete(PROMPT)) == "said"
    assert asked[1:] == [("complete", (PROMPT,))]


async def test_who_cancels_stops_the_model_and_the_next_is_answered(serving: Serving) -> None:
    scripted = Model("hang")
    model = model_of(serving(Host(engines(scripted)).serve))
    waiting = asyncio.create_task(model.complete(PROMPT))
    await happened(scripted.begun)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await happened(scripted.stopped)
    assert await model.complete(PROMPT) == "done"
    # No thread waits on for an answer that nobody wants.
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), LONG)


async def test_a_completion_that_hangs_keeps_no_other_call_waiting(serving: Serving) -> None:
    scripted = Model("hang")
    served = serving(Host(engines(scripted)).serve)
    stuck = asyncio.create_task(model_of(served).complete(PROMPT))
    await happened(scripted.begun)
    assert await model_of(served).complete(PROMPT) == "done"
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)


@pytest.mark.parametrize(
    "failure", [BackendError("no memory"), EngineError("broken"), ZeroDivisionError("x"), KeyError("y")]
)
async def test_whatever_fails_in_the_host_is_a_models_failure(failure: Exception, serving: Serving) -> None:
    model = model_of(serving(Host(engines(Model(failure, failure))).serve))
    with pytest.raises(BackendError):
        await model.complete(PROMPT)
    feedback, note = await give_feedback("Why?", "Because it was late.", model, LONG)
    assert feedback is None and note


async def test_a_host_that_is_gone_is_a_models_failure(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serving(Host(engines(Model())).serve)
    model = model_of(served)
    served.close()
    served.hang_up()
    Path(served.address).unlink(missing_ok=True)
    monkeypatch.setattr("agent.engines.model_client.PATIENCE", 0.0)
    with pytest.raises(BackendError, match="does not answer"):
        await model.complete(PROMPT)


async def test_who_waits_for_a_dead_host_may_give_up(tmp_path: Path) -> None:
    """A worker that is told to stop while its models load, a call that is over: neither waits out the patience."""
    remote = Remote(str(tmp_path / "nobody"), KEY)
    waiting = asyncio.create_task(remote.answer("describe"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), LONG)


@pytest.mark.parametrize("reply", ["nonsense", ("ok",), 7, ("error", "words")])
def test_what_is_no_answer_is_an_engines_error(reply: Any, serving: Serving) -> None:
    def serve(connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while connection.recv():
                connection.send(reply)

    with pytest.raises(EngineError):
        Remote(serving(serve).address, KEY).ask("describe")


def test_bytes_that_are_no_pickle_are_an_engines_error(serving: Serving) -> None:
    def serve(connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while connection.recv():
                connection.send_bytes(b"\x80\x05garbage")

    with pytest.raises(EngineError, match="no answer"):
        Remote(serving(serve).address, KEY).ask("describe")


def test_a_wrong_key_is_told_at_once_and_for_what_it_is(serving: Serving) -> None:
    served = serving(Host(engines()).serve)
    with pytest.raises(EngineError, match="authentication failed"):
        Remote(served.address, b"another key").ask("describe")


def test_a_host_that_is_stopped_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with Listener(str(tmp_path / "stopped"), "AF_UNIX", authkey=KEY), pytest.raises(EngineError, match="hang"):
        Remote(str(tmp_path / "stopped"), KEY).ask("describe", seconds=0.05)


def test_connections_are_bounded_and_used_again(serving: Serving) -> None:
    served = serving(Host(engines()).serve)
    remote = Remote(served.address, KEY)
    for _ in range(3):  # one thread after the other: one connection serves them all
        thread = threading.Thread(target=remote.ask, args=("say", "a"))
        thread.start()
        thread.join(LONG)
    assert served.most == 1
    together = threading.Barrier(KEPT + 4)

    def ask() -> None:
        together.wait(LONG)
        assert remote.ask("say", "a") == "A"

    crowd = [threading.Thread(target=ask) for _ in range(KEPT + 4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(LONG)
    with served.changed:
        assert served.changed.wait_for(lambda: len(served.open) <= KEPT, LONG)


def test_a_host_that_was_started_anew_is_asked_again(serving: Serving) -> None:
    served = serving(Host(engines()).serve)
    remote = Remote(served.address, KEY)
    assert remote.ask("say", "once") == "ONCE"
    served.hang_up()
    assert remote.ask("say", "again") == "AGAIN"


def test_a_client_that_connects_and_says_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    host, address = Host(engines()), str(tmp_path / "models")
    with Listener(address, "AF_UNIX", backlog=64) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=host.admit, args=(listener.accept(), KEY), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(address)
            assert Remote(address, KEY).ask("say", "hello") == "HELLO"
        with pytest.raises(EngineError, match="key"):
            Remote(address, b"another key").ask("say", "hello")


def test_an_engine_that_hangs_is_found_and_only_that_one() -> None:
    entered, go = threading.Event(), threading.Event()

    def stuck(clause: str) -> str:
        entered.set()
        go.wait(LONG)
        return clause

    parts = engines()
    parts.voice.say = stuck
    host = Host(parts)
    assert host.answer("probability", (None,)) == 0.5 and host.hung(1e12) == "", "what is done does not hang"
    saying = threading.Thread(target=host.answer, args=("say", ("x",)))
    saying.start()
    assert entered.wait(LONG)
    now = time.monotonic()
    assert host.hung(now) == "" and host.hung(now + HUNG + 1) == "say"
    go.set()
    saying.join(LONG)
    assert host.hung(now + HUNG + 1) == ""
