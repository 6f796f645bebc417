"""`viva doctor`: which engine each part would use, why, and how to get a better one."""

from __future__ import annotations

import importlib.metadata
import shutil
import time

from rich.console import Console
from rich.table import Table

from agent.engines.loading import Choice, choose_llm, choose_stt, choose_tts, open_store
from agent.engines.readers import choose_reader
from agent.ops.machine import last_trial
from agent.ops.servers import PAGE, where_livekit
from agent.settings import Settings

_CALLS = [
    Choice("voice activity", "silero", "bundled with livekit-agents, offline"),
    Choice("end of turn", "v1-mini", "bundled with livekit-agents, offline; with our patience rules"),
]


async def run(settings: Settings) -> None:
    """Print the table. Loads no model."""
    store, memory = await open_store(settings)
    await store.close()
    rooms = Choice("rooms", *where_livekit(settings.livekit_url, settings.livekit_api_key))
    pages = (
        Choice("web app", "built", "made by `make web`")
        if PAGE.is_file()
        else Choice("web app", "none", "not built", "make web")
    )
    rows = [
        *_CALLS,
        choose_stt(settings),
        choose_tts(settings),
        choose_llm(settings),
        choose_reader(settings),
        memory,
        rooms,
        pages,
        _machine(settings),
    ]
    console = Console()
    table = Table(title="What each part would use", title_justify="left")
    for column in ("part", "engine", "why", "for the better one"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row.part, row.engine, row.why, row.better or "–")
    console.print(table)
    home = settings.home if settings.home.exists() else settings.home.parent
    while not home.exists():
        home = home.parent
    console.print(f"home: {settings.home} ({shutil.disk_usage(home).free // 2**20} MB free)", soft_wrap=True)
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("vivavoce", "livekit-agents", "moonshine-voice")
    )
    console.print(versions, soft_wrap=True)


def _machine(settings: Settings) -> Choice:
    """What this machine can carry, as last measured by the worker."""
    found = last_trial(settings.home)
    if found is None:
        return Choice("calls at once", "not known", "the worker tries the machine when it starts")
    when = f"tried on {time.strftime('%Y-%m-%d %H:%M', time.localtime(found.at))}"
    if not found.calls:
        return Choice("calls at once", "none", when, found.why)
    return Choice(
        "calls at once", f"about {found.calls}", f"{when}: speech is recognised in {found.trial.decode:.2f} of its time"
    )
