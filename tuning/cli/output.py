"""What the commands of `viva tune` share: the type of the log reader, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table

from memory.events import AnyEvent

Sessions = Callable[[], list[tuple[str, list[AnyEvent]]]]


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table for the terminal."""
    shown = Table(title=title)
    for head in heads:
        shown.add_column(head)
    for row in rows:
        shown.add_row(*row)
    return shown
