"""Child processes of `viva up` and the worker: none outlives its parent."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from agent.processes import ChildProcess

# Starts a process that ends for nothing but kill -9, and ends by itself when told to, or not even then.
STUBBORN = """
import signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
started = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
started.stdout.readline()
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", started.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(("how", "patience"), [("polite", 60.0), ("deaf", 0.1)])
def test_what_a_child_started_ends_with_it(how: str, patience: float, tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = ChildProcess("child", lambda: [sys.executable, "-c", STUBBORN, how], {}, log, patience=patience)
    child.start()
    while "ready" not in child.last_words():
        assert child.running, child.last_words()
        time.sleep(0.02)
    grandchild = psutil.Process(int(child.last_words(1).split()[1]))
    child.stop()
    assert not child.running
    grandchild.wait(60)


def test_a_child_that_never_started_or_has_ended_is_stopped_in_peace(tmp_path: Path) -> None:
    child = ChildProcess("child", lambda: [sys.executable, "-c", "print('over')"], {}, tmp_path / "child.log")
    child.stop()
    child.start()
    while child.running:
        time.sleep(0.02)
    child.stop()
    assert child.last_words() == "over"
