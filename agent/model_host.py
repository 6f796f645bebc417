"""The machine's models in one process, asked by every call over a private Unix socket: loaded once, calls stay apart.

A call's process holds the conversation and no weights; if it dies, the models stay warm, and if this host dies, the
worker starts it anew and the calls ask again. All requests are stateless, so asking twice is harmless.

    python -m agent.model_host SOCKET        (started by the worker)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from agent.engines import Engines, load_engines
from agent.children import end_with_parent
from agent.settings import load_settings
from dialogue.backends.base import BackendError, LanguageModel, Prompt
from memory.records import Delivery, Word
from voice.audio import Samples
from voice.stt.decoder import EngineError
from voice.words import TimedWord

MODEL_SOCKET = "VIVA_MODEL_SOCKET"  # set by the worker for its calls; not a setting
MODEL_KEY = "VIVA_MODEL_KEY"
PATIENCE = 30.0  # s for which a host that is being started anew is waited for
log = logging.getLogger(__name__)


class Host:
    """Answers requests. One at a time per part: the engines are not made for more."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._locks = {part: threading.Lock() for part in ("decode", "say", "probability", "measure", "complete")}
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="model", daemon=True).start()

    def answer(self, method: str, arguments: tuple[Any, ...]) -> Any:
        engines = self._engines
        if method == "describe":
            return {
                "decoder": engines.decoder.name, "max_window": engines.decoder.max_window, "voice": engines.voice.name,
                "rate": engines.voice.rate, "model": engines.model.name if engines.model else "",
            }  # fmt: skip
        with self._locks[method]:
            match method:
                case "decode":
                    samples, timed, prompt = arguments
                    return engines.decoder.decode(samples, timed=timed, prompt=prompt)
                case "say":
                    return engines.voice.say(*arguments)
                case "probability":
                    return engines.end_of_turn.probability(*arguments)
                case "measure":
                    return engines.measure(*arguments)
                case _:
                    prompt, seconds = arguments
                    assert engines.model is not None
                    work = asyncio.wait_for(engines.model.complete(prompt), seconds)
                    return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def serve(self, connection: Connection) -> None:
        """One client, until it hangs up."""
        with contextlib.closing(connection), contextlib.suppress(EOFError, OSError):
            while True:
                method, arguments = connection.recv()
                try:
                    answer: tuple[str, Any] = ("ok", self.answer(method, arguments))
                except (EngineError, BackendError) as error:
                    answer = ("error", error)
                except Exception as error:  # told to the caller as an engine's failure; the host lives on
                    log.exception("%s failed", method)
                    answer = ("error", EngineError(f"{method}: {type(error).__name__}: {error}"))
                connection.send(answer)


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


def remote_engines(address: str, model: LanguageModel | None = None, key: bytes | None = None) -> Engines:
    """Engines whose work is done by the host at `address`. `model`: one on a server, asked from here. Blocking."""
    remote = Remote(address, key or bytes.fromhex(os.environ[MODEL_KEY]))
    what = remote.ask("describe")

    def measure(
        samples: Samples, start: float, words: Sequence[Word], floor_given: float | None, interruptions: int
    ) -> Delivery:
        delivery: Delivery = remote.ask("measure", samples, start, list(words), floor_given, interruptions)
        return delivery

    if model is None and what["model"]:
        model = _Model(remote, what["model"], load_settings().llm_deadline)
    return Engines(
        decoder=_Decoder(remote, what["decoder"], what["max_window"]),
        voice=_Voice(remote, what["voice"], what["rate"]),
        end_of_turn=_EndOfTurn(remote),
        model=model,
        choices=[],
        measure=measure,
    )


def serve(address: str, key: bytes) -> None:
    """Load the engines and answer until killed."""
    settings = load_settings()
    # A model on a server is asked by the calls themselves.
    if settings.llm != "transformers" and settings.llm_url:
        settings = settings.model_copy(update={"llm": "embedded"})
    host = Host(load_engines(settings))
    Path(address).unlink(missing_ok=True)
    with Listener(address, "AF_UNIX", backlog=64, authkey=key) as listener:
        while True:
            with contextlib.suppress(OSError, EOFError, AuthenticationError):  # a client that left, or is none of ours
                threading.Thread(target=host.serve, args=(listener.accept(),), daemon=True).start()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the worker's business, which ends us in its turn
    end_with_parent()
    serve(sys.argv[1], bytes.fromhex(os.environ[MODEL_KEY]))
