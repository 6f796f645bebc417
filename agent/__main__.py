"""`python -m agent start|dev`: the worker, as LiveKit's own agents are started."""

from __future__ import annotations

import sys

from agent.cli.main import main

if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] in (["start"], ["dev"]):
        command = ["worker", *(["--dev"] if command[0] == "dev" else []), *command[1:]]
    main(command)
