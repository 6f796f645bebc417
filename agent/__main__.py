"""`python -m agent start|dev`: runs the worker, with the commands that LiveKit's own agents use."""

from __future__ import annotations

import sys

from agent.cli.main import main

if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] in (["start"], ["dev"]):
        command = ["worker", *(["--dev"] if command[0] == "dev" else []), *command[1:]]
    main(command)
