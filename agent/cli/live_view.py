"""What the terminal shows during a call: who speaks, captions, timing per answer. Plain lines if it is no terminal."""

from __future__ import annotations

import time
from collections import deque

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.call.speaking import Watcher
from memory.events import Answered, AnyEvent, Asked, Followed, Measured
from memory.records import Delivery

_PHASES = {
    "speaking": ("interviewer speaks", "magenta"),
    "listening": ("candidate has the floor", "cyan"),
    "thinking": ("thinking", "yellow"),
}


class LiveView:
    """A context manager. Its `watcher` goes to the call, its `on_event` to the journal."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._captions: deque[tuple[str, str]] = deque(maxlen=9)
        self._partial = ""
        self._phase = "speaking"
        self._began = time.monotonic()
        self._asked: dict[int, str] = {}
        self._timing: list[tuple[str, Delivery]] = []
        self._live = (
            Live(console=console, refresh_per_second=8, get_renderable=self._render) if console.is_terminal else None
        )
        self.watcher = Watcher(caption=self._caption, phase=self._set_phase, note=self._note)

    def __enter__(self) -> LiveView:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def on_event(self, event: AnyEvent) -> None:
        if isinstance(event, Asked | Followed):
            kind = "question" if isinstance(event, Asked) else event.probe.replace("_", " ")
            self._asked[event.turn] = f"{event.turn + 1}. {kind}"
        elif isinstance(event, Measured):
            self._timing.append((self._asked.get(event.turn, str(event.turn)), event.delivery))
            if not self._live:
                self._console.print(_timing_line(*self._timing[-1]))
        elif isinstance(event, Answered):
            self._partial = ""

    def _caption(self, who: str, text: str, final: bool) -> None:
        if not final:
            self._partial = text
            return
        self._partial = ""
        self._captions.append((who, text))
        if not self._live:
            self._console.print(f"{time.monotonic() - self._began:6.1f} {who:>9}: {text}", soft_wrap=True)

    def _set_phase(self, phase: str) -> None:
        self._phase = phase

    def _note(self, text: str) -> None:
        self._captions.append(("note", text))
        if not self._live:
            self._console.print(f"{'note':>16}: {text}", soft_wrap=True)

    def _render(self) -> Group:
        label, colour = _PHASES.get(self._phase, (self._phase, "white"))
        seconds = int(time.monotonic() - self._began)
        head = Text.assemble(
            (f" {seconds // 60}:{seconds % 60:02d} ", "reverse"), "  ", (f"● {label}", f"bold {colour}")
        )
        body = Text()
        for who, text in self._captions:
            body.append(f"{who:>9}  ", style={"agent": "magenta", "candidate": "cyan"}.get(who, "dim"))
            body.append(f"{text}\n")
        if self._partial:
            body.append("candidate  ", style="cyan")
            body.append(f"{self._partial} …", style="italic dim")
        panel = Panel(body, title=self._title, border_style="dim")
        return Group(head, panel, _table(self._timing)) if self._timing else Group(head, panel)


def _table(timing: list[tuple[str, Delivery]]) -> Table:
    table = Table("answer", "delay", "spoke", "pauses", "longest", "fillers", "words/min", box=None, header_style="dim")
    for name, d in timing:
        pace = f"{d.words_per_minute:.0f}" if d.words_per_minute else "–"
        fillers = len(d.filled_pauses) + len(d.filler_words)
        table.add_row(
            name, _seconds(d.response_delay), _seconds(d.speaking_time), str(len(d.silent_pauses)),
            _seconds(d.longest_pause), str(fillers), pace,
        )  # fmt: skip
    return table


def _timing_line(name: str, d: Delivery) -> str:
    fillers = len(d.filled_pauses) + len(d.filler_words)
    return (
        f"{'timing':>16}: {name}: delay {_seconds(d.response_delay)}, spoke {_seconds(d.speaking_time)}, "
        f"{len(d.silent_pauses)} pauses (longest {_seconds(d.longest_pause)}), {fillers} fillers"
    )


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
