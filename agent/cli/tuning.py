"""`viva tune` with this installation's settings: the adapters' folder, and the logs candidates let us learn from.

The one place in the product that imports `tuning`, and only when the command is run.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Sequence

from rich.console import Console

from agent.engines.loading import open_store
from agent.errors import UserError
from agent.settings import Settings, load_settings
from memory.events import AnyEvent


def run(argv: Sequence[str], console: Console) -> int:
    """Returns the exit code. Raises UserError if it cannot be done."""
    from tuning.cli.main import main
    from tuning.errors import DataError, TuneError

    # A progress bar for each file read would drown the command's own output.
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    settings = load_settings()
    key = settings.llm_key.get_secret_value()
    try:
        return main(argv, settings.home, lambda: asyncio.run(_logs(settings)), key, console)
    except (TuneError, DataError) as error:
        raise UserError(str(error)) from error


async def _logs(settings: Settings) -> list[tuple[str, list[AnyEvent]]]:
    store, _ = await open_store(settings)
    try:
        return [(name, await store.read(name)) for name in await store.sessions()]
    finally:
        await store.close()
