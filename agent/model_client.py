"""Asking the model host: engines that look like any others, and whose work is done in another process.

Light to import: the worker and its calls start in the time it takes to load this, not the models.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any

from dialogue.backends.base import LanguageModel, Prompt
from voice.stt.decoder import EngineError

if TYPE_CHECKING:
    from agent.engines import Engines
    from agent.measuring import Answer
    from memory.records import Delivery
    from voice.audio import Samples
    from voice.words import TimedWord

MODEL_SOCKET = "VIVA_MODEL_SOCKET"  # set by the worker for its calls; not a setting
MODEL_KEY = "VIVA_MODEL_KEY"
PATIENCE = 30.0  # s for which a host that is being started anew is waited for


class Remote:
    """A client. One connection a thread, made anew where the host was started anew."""

    def __init__(self, address: str, key: bytes) -> None:
        self._address = address
        self._key = key
        self._local = threading.local()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Raises EngineError or BackendError as the engine would, or EngineError where no host answers in time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection = getattr(self._local, "connection", None)
                if connection is None:
                    connection = self._local.connection = Client(self._address, "AF_UNIX", authkey=self._key)
                connection.send((method, arguments))
                kind, value = connection.recv()
                break
            except (EOFError, OSError) as error:
                self._local.connection = None
                if time.monotonic() > deadline:
                    raise EngineError(f"the model host does not answer ({error}); is the worker running?") from error
                time.sleep(0.1)
        if kind == "error":
            raise value
        return value


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
    """The model in the host. `seconds`: after which it may stop, whoever asked being gone by then."""

    def __init__(self, remote: Remote, name: str, seconds: float) -> None:
        self._remote, self.name, self._seconds = remote, name, seconds

    async def complete(self, prompt: Prompt) -> str:
        return str(await asyncio.to_thread(self._remote.ask, "complete", prompt, self._seconds))

    async def close(self) -> None:
        pass


def remote_engines(
    address: str, model: LanguageModel | None = None, key: bytes | None = None, deadline: float = 1.2
) -> Engines:
    """Engines whose work is done by the host at `address`. `model`: one on a server, asked from here. Blocking."""
    from agent.engines import Engines

    remote = Remote(address, key or bytes.fromhex(os.environ[MODEL_KEY]))
    what = remote.ask("describe")

    def measure(answer: Answer) -> Delivery:
        delivery: Delivery = remote.ask("measure", answer)
        return delivery

    if model is None and what["model"]:
        model = _Model(remote, what["model"], deadline)
    return Engines(
        decoder=_Decoder(remote, what["decoder"], what["max_window"]),
        voice=_Voice(remote, what["voice"], what["rate"]),
        end_of_turn=_EndOfTurn(remote),
        model=model,
        choices=[],
        measure=measure,
    )
