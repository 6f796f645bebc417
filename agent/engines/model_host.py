"""The machine's models in one process, serving all calls over a private Unix socket: loaded once, calls kept isolated.

A call's process holds the conversation and no weights. If it dies, the models stay warm; if this host dies, the worker
restarts it and the calls ask again. All requests are stateless, so asking twice is harmless.

    python -m agent.engines.model_host SOCKET        (started by the worker)
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from agent.engines.loading import Engines, choose_llm, load_engines
from agent.engines.model_client import MODEL_KEY
from agent.engines.self_test import try_machine
from agent.processes import end_with_parent
from agent.settings import load_settings
from dialogue.backends.base import BackendError, Prompt, ask
from voice.errors import EngineError

BESIDE = 5  # niceness of measuring: nobody waits for it, and calls go on meanwhile
PARTS = ("decode", "say", "probability")
log = logging.getLogger(__name__)
GONE_CHECK = 0.05  # s between checks whether the caller of a completion is still there
HUNG = 120.0  # s that one call into an engine may take; the longest window on a slow machine takes a tenth of it
HUNG_CHECK = 2.0  # s


class CallerGone(Exception):
    """Nobody is waiting for the answer any more."""


def _give_way() -> None:
    """Lower the calling thread's priority. On Linux niceness is per thread; elsewhere this does nothing."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), BESIDE)


class Host:
    """Answers requests, one at a time per part: the engines are not made for more."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._locks = {part: threading.Lock() for part in PARTS}
        self._busy_since: dict[str, float] = {}  # part to when the call into it began, by the monotonic clock
        self._measuring = ThreadPoolExecutor(1, "measuring", initializer=_give_way)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="model", daemon=True).start()

    def answer(self, method: str, arguments: tuple[Any, ...], gone: Callable[[], bool] = lambda: False) -> Any:
        """`gone`: whether the caller has left. Raises CallerGone, and whatever the engine raises."""
        engines = self._engines
        if method == "describe":
            return {
                "decoder": engines.decoder.name, "max_window": engines.decoder.max_window, "voice": engines.voice.name,
                "rate": engines.voice.rate, "model": engines.model.name if engines.model else "",
            }  # fmt: skip
        if method == "complete":
            [prompt] = arguments
            return self._complete(prompt, gone)
        if method == "measure":
            return self._measuring.submit(engines.measure, *arguments).result()
        if method == "trial":  # requested only while there is no call
            with self._locks["decode"], self._locks["say"], self._locks["probability"]:
                return try_machine(engines)
        with self._locks[method]:
            self._busy_since[method] = time.monotonic()
            try:
                match method:
                    case "decode":
                        samples, timed, prompt = arguments
                        return engines.decoder.decode(samples, timed=timed, prompt=prompt)
                    case "say":
                        return engines.voice.say(*arguments)
                    case _:
                        return engines.end_of_turn.probability(*arguments)
            finally:
                del self._busy_since[method]

    def hung(self, now: float) -> str:
        """The part that has been at one request for longer than HUNG, if any. Every other call waits behind it."""
        return next((part for part, since in list(self._busy_since.items()) if now - since > HUNG), "")

    def _complete(self, prompt: Prompt, gone: Callable[[], bool]) -> str:
        """The model queues its requests itself; one that nobody waits for any more leaves the queue, or is stopped."""
        assert self._engines.model is not None
        work = asyncio.run_coroutine_threadsafe(ask(self._engines.model, prompt), self._loop)
        try:
            while not wait([work], GONE_CHECK).done:
                if gone():
                    raise CallerGone
            return work.result()
        finally:
            work.cancel()

    def admit(self, connection: Connection, key: bytes) -> None:
        """Both sides prove that they know the key, then one client is served. On the client's own thread: one that
        connects and says nothing (a stopped process) keeps nobody else waiting."""
        try:
            deliver_challenge(connection, key)
            answer_challenge(connection, key)
        except (OSError, EOFError, AuthenticationError):  # a client that left, or is not ours
            connection.close()
            return
        self.serve(connection)

    def serve(self, connection: Connection) -> None:
        """One client, until it hangs up."""
        with contextlib.closing(connection), contextlib.suppress(EOFError, OSError):
            while True:
                method, arguments = connection.recv()
                try:
                    answer: tuple[str, Any] = ("ok", self.answer(method, arguments, connection.poll))
                except CallerGone:
                    return
                except (EngineError, BackendError) as error:
                    answer = ("error", error)
                except Exception as error:  # reported to the caller as an engine failure; the host lives on
                    log.exception("%s failed", method)
                    answer = ("error", EngineError(f"{method}: {type(error).__name__}: {error}"))
                connection.send(answer)


def serve(address: str, key: bytes) -> None:
    """Load the engines and answer until killed."""
    settings = load_settings()
    # A model on a server is called by the calls themselves.
    if choose_llm(settings).engine == "openai":
        settings = settings.model_copy(update={"llm": "embedded"})
    host = Host(load_engines(settings))
    Path(address).unlink(missing_ok=True)
    threading.Thread(target=_end_when_hung, args=(host,), name="hung", daemon=True).start()
    with Listener(address, "AF_UNIX", backlog=64) as listener:
        while True:
            with contextlib.suppress(OSError, EOFError):
                threading.Thread(target=host.admit, args=(listener.accept(), key), daemon=True).start()


def _end_when_hung(host: Host) -> None:
    """A thread inside an engine cannot be stopped, so the process is: the worker starts another, and the calls ask again."""
    while not (part := host.hung(time.monotonic())):
        time.sleep(HUNG_CHECK)
    log.error(
        "the engine for %r has been at one request for %.0f s; the model host ends and is started anew", part, HUNG
    )
    os._exit(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which then ends us
    end_with_parent()
    serve(sys.argv[1], bytes.fromhex(os.environ[MODEL_KEY]))
