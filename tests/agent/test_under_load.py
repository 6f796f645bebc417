"""The artificial load starts and ends with the command it is for."""

from __future__ import annotations

import subprocess
import sys

import psutil

INSIDE = """
import os, psutil, sys
beside = [p for p in psutil.Process(os.getppid()).children() if "--take" in p.cmdline()]
cores = {tuple(p.cpu_affinity()) for p in beside} if sys.platform == "linux" else {(i,) for i in range(os.cpu_count())}
assert len(beside) == len(cores) == len(os.sched_getaffinity(0) if sys.platform == "linux" else range(os.cpu_count()))
print(*(p.pid for p in beside))
sys.exit(3)
"""


def test_the_load_is_there_for_the_command_and_only_for_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.under_load", sys.executable, "-c", INSIDE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids and not any(psutil.pid_exists(pid) for pid in pids)


WAITS = """
import os, time
print(os.getpid(), flush=True)
time.sleep(600)
"""


def test_a_command_ends_when_its_load_is_told_to() -> None:
    loaded = subprocess.Popen(
        [sys.executable, "-m", "tests.under_load", sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True
    )
    assert loaded.stdout is not None
    inside = psutil.Process(int(loaded.stdout.readline()))
    loaded.terminate()
    inside.wait(60)
    assert loaded.wait(60) != 0
