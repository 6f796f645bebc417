"""Child processes that never outlive their parent and can be restarted when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def end_with_parent(grace: float = 0.0) -> None:
    """End this process once its parent is gone, even by kill -9. `grace`: s it gets to end by itself first."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        time.sleep(grace)
        os._exit(0)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class ChildProcess:
    """A process that should be running. `command` is called at each start. `log`: file for its output."""

    def __init__(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        env: Mapping[str, str],
        log: Path,
        *,
        guarded: bool = False,
        patience: float = 8.0,
    ) -> None:
        self.name = name
        self._command = command
        self._env = dict(env)
        self._log = log
        self._patience = patience  # s it gets to shut down cleanly
        self._guarded = guarded  # third-party programs do not watch their parent, so the kernel does it for them
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self.starts += 1
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                list(self._command()),
                env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches only the parent, which ends its children cleanly
                preexec_fn=_die_with_parent if self._guarded else None,
            )

    def stop(self, seconds: float | None = None) -> None:
        """Ask it to end, and kill it after `seconds` (default: its patience), along with everything it started."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._patience if seconds is None else seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)

    def last_words(self, count: int = 3) -> str:
        """The end of its log, for a message about its failure."""
        if not self._log.is_file():
            return ""
        return " / ".join(self._log.read_text("utf-8", "replace").strip().splitlines()[-count:])


def _die_with_parent() -> None:
    """Linux only; elsewhere a third-party program may be left behind after a kill -9."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
