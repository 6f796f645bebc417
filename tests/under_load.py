"""A command while half of every core is taken by something else: what passes here passes on a busy machine.

python -m tests.under_load [--share 0.5] COMMAND ...
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

STEP = 0.005  # s
DEBT = 0.05  # s of work that are made up for at most: a steady load, and no long stretches of it


def take(share: float, core: int) -> None:
    """Use that share of one core until the parent is gone. Imports nothing from the project, to stay small."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {core})
    parent = os.getppid()
    owed, before, worked = 0.0, time.monotonic(), time.process_time()
    while os.getppid() == parent:
        now, work = time.monotonic(), time.process_time()
        owed = min(DEBT, owed + (now - before) * share - (work - worked))
        before, worked = now, work
        if owed <= 0.0:
            time.sleep(STEP)


def main(arguments: list[str]) -> int:
    """Returns the command's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--take", type=int, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    if given.take is not None:
        take(given.share, given.take)
        return 0
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else range(os.cpu_count() or 1)
    load = [
        # In sessions of their own: the kernel shares the cores out by session, and another program would be in another.
        subprocess.Popen(
            [sys.executable, "-m", "tests.under_load", "--share", str(given.share), "--take", str(core)],
            start_new_session=True,
        )
        for core in cores
    ]
    try:
        command = subprocess.Popen(given.command)
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())  # it would run on, and nobody wait for it
        while True:
            try:
                return command.wait()
            except KeyboardInterrupt:
                command.send_signal(signal.SIGINT)
    finally:
        for process in load:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
