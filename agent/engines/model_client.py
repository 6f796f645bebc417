"""Client of the model host: engines that look like any others, but do their work in another process.

Light to import: the worker and its calls need this to start, not the models.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import TYPE_CHECKING, Any

from dialogue.backends.base import BackendError, LanguageModel, Prompt
from voice.errors import EngineError

if TYPE_CHECKING:
    from agent.engines.loading import Engines
    from agent.engines.measuring import Answer
    from memory.records import Delivery
    from voice.audio import Samples
    from voice.words import TimedWord

MODEL_SOCKET = "VIVA_MODEL_SOCKET"  # set by the worker for its calls; not a setting
MODEL_KEY = "VIVA_MODEL_KEY"
PATIENCE = 30.0  # s to wait for a host that is being restarted
ANSWER = 60.0  # s after which a running host that does not answer counts as hung
MEASURING = 600.0  # s: the same for measuring an answer, which may be ten minutes long
KEPT = 4  # idle connections kept open: one for each part that a call may ask at the same time
_LOOK = 0.05  # s between checks whether anybody still waits for the answer
_AGAIN = 0.1  # s between two attempts


class Remote:
    """A thread-safe client. A connection carries one request at a time and is then kept for the next."""

    def __init__(self, address: str, key: bytes) -> None:
        self._address = address
        self._key = key
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def ask(
        self, method: str, *arguments: Any, seconds: float = ANSWER, given_up: threading.Event | None = None
    ) -> Any:  # fmt: skip
        """Blocking. Raises EngineError or BackendError as the engine would, and EngineError if no host answers.

        `given_up`: soon after it is set, the request is dropped and its connection closed, which tells the host that
        the answer is no longer wanted.
        """
        given_up = given_up or threading.Event()
        lost: float | None = None  # when the host was first seen to be gone
        while True:
            connection = None
            try:
                connection = self._take() or self._connect(seconds, given_up)
                connection.send((method, arguments))
                _await(connection, seconds, given_up)
                kind, value = connection.recv()
            except (EOFError, OSError) as error:
                _close(connection)
                self.close()  # idle connections to a dead host are dead too
                lost = time.monotonic() if lost is None else lost
                if time.monotonic() - lost >= PATIENCE:
                    raise EngineError(f"the model host does not answer ({error}); is the worker running?") from error
                if given_up.wait(_AGAIN):
                    raise _GivenUp from error
            except EngineError:
                _close(connection)
                raise
            except AuthenticationError as error:
                _close(connection)
                raise EngineError(
                    "authentication failed: the model host was started with another key than this process"
                ) from error
            except Exception as error:  # what came back is not a valid answer
                _close(connection)
                raise EngineError(
                    f"the model host sent something that is no answer ({type(error).__name__})"
                ) from error
            else:
                self._keep(connection)
                break
        if kind == "error":
            raise value if isinstance(value, Exception) else EngineError(f"the model host reports {value!r}")
        return value

    async def answer(self, method: str, *arguments: Any, seconds: float = ANSWER) -> Any:
        """As `ask`. Cancelling the task drops the request, here and in the host."""
        given_up = threading.Event()
        try:
            return await asyncio.to_thread(self.ask, method, *arguments, seconds=seconds, given_up=given_up)
        finally:
            given_up.set()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            _close(connection)

    def _take(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        _close(connection)

    def _connect(self, seconds: float, given_up: threading.Event) -> Connection:
        """Does what multiprocessing's Client does, but does not wait for ever for a suspended host."""
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(_LOOK * 10)
            raw.connect(self._address)
            raw.settimeout(None)
            connection = Connection(raw.detach())
        try:
            _await(connection, seconds, given_up)
            answer_challenge(connection, self._key)
            deliver_challenge(connection, self._key)
        except BaseException:
            _close(connection)
            raise
        return connection


class _GivenUp(EngineError):
    """Nobody is waiting for the answer any more."""


def _await(connection: Connection, seconds: float, given_up: threading.Event) -> None:
    """Wait until there is something to read. Raises EngineError after `seconds`, or once nobody wants the answer."""
    until = time.monotonic() + seconds
    while not connection.poll(_LOOK):
        if given_up.is_set():
            raise _GivenUp
        if time.monotonic() >= until:
            raise EngineError(f"the model host has not answered for {seconds:g} s; it seems to hang")


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.close()


class _Decoder:
    def __init__(self, remote: Remote, name: str, max_window: float) -> None:
        self._remote, self.name, self.max_window = remote, name, max_window

    def decode(self, samples: Samples, *, timed: bool, prompt: str = "") -> list[TimedWord]:
        words: list[TimedWord] = self._remote.ask("decode", samples, timed, prompt)
        return words


class _Voice:
    def __init__(self, remote: Remote, name: str, rate: int) -> None:
        self._remote, self.name, self.rate = remote, name, rate

    def say(self, clause: str) -> Samples:
        samples: Samples = self._remote.ask("say", clause)
        return samples


class _EndOfTurn:
    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def probability(self, samples: Samples) -> float:
        return float(self._remote.ask("probability", samples))


class _Model:
    """The model in the host. It works only while somebody waits: cancelling or killing the caller ends it there too."""

    def __init__(self, remote: Remote, name: str) -> None:
        self._remote, self.name = remote, name

    async def complete(self, prompt: Prompt) -> str:
        try:
            return str(await self._remote.answer("complete", prompt))
        except EngineError as error:
            raise BackendError(f"{self.name}: {error}") from error

    async def close(self) -> None:
        pass


def remote_engines(address: str, model: LanguageModel | None = None, key: bytes | None = None) -> Engines:
    """Engines whose work is done by the host at `address`. `model`: one on a server, called from here. Blocking."""
    from agent.engines.loading import Engines

    remote = Remote(address, key or bytes.fromhex(os.environ[MODEL_KEY]))
    what = remote.ask("describe")

    def measure(answer: Answer) -> Delivery:
        delivery: Delivery = remote.ask("measure", answer, seconds=MEASURING)
        return delivery

    if model is None and what["model"]:
        model = _Model(remote, what["model"])
    return Engines(
        decoder=_Decoder(remote, what["decoder"], what["max_window"]),
        voice=_Voice(remote, what["voice"], what["rate"]),
        end_of_turn=_EndOfTurn(remote),
        model=model,
        choices=[],
        measure=measure,
    )
