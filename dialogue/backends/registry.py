"""Adapters by name and version in a folder, and which one is champion. Promote moves an alias; roll back restores it.

adapters/NAME/VERSION/{adapter files, README.md, evaluation.json}      adapters/aliases.json
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dialogue.backends.base import BackendError
from dialogue.backends.local_transformers import base_of_adapter

CHAMPION = "champion"


class AdapterError(BackendError):
    """No such adapter, or it cannot be added; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """An adapter in the registry. `label` names it in logs."""

    name: str
    version: int
    folder: Path

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def base(self) -> str:
        """The model it was trained on."""
        return base_of_adapter(str(self.folder))

    @property
    def evaluation(self) -> dict[str, Any] | None:
        path = self.folder / "evaluation.json"
        found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.is_file() else None
        return found


class Registry:
    """`folder` need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[Entry]:
        """All adapters, by name and version."""
        found = [
            Entry(path.parent.name, int(path.name), path)
            for path in self.folder.glob("*/*")
            if path.name.isdigit() and (path / "adapter_config.json").is_file()
        ]
        return sorted(found, key=lambda e: (e.name, e.version))

    def add(self, name: str, adapter: Path, evaluation: Path | None = None) -> Entry:
        """Copy an adapter in as the next version of `name`. Raises AdapterError if it is not an adapter."""
        if not (adapter / "adapter_config.json").is_file():
            raise AdapterError(f"{adapter} is no adapter; give the folder `adapter` that `viva tune train` wrote")
        if not name.replace("-", "").isalnum():
            raise AdapterError(f"{name!r} is no name for an adapter; take letters, digits and hyphens")
        version = 1 + max((e.version for e in self.entries() if e.name == name), default=0)
        target = self.folder / name / str(version)
        building = self.folder / name / f".{version}"
        shutil.rmtree(building, ignore_errors=True)
        shutil.copytree(adapter, building)
        if evaluation:
            shutil.copy(evaluation, building / "evaluation.json")
        building.replace(target)
        return Entry(name, version, target)

    def find(self, wanted: str) -> Entry:
        """By `name` (its newest version), `name@version` or `champion`. Raises AdapterError, listing what exists."""
        entries = self.entries()
        if wanted == CHAMPION:
            label = self._aliases().get(CHAMPION, [])
            wanted = label[-1] if label else wanted
        name, _, version = wanted.partition("@")
        fitting = [e for e in entries if e.name == name and (not version or str(e.version) == version)]
        if not fitting:
            known = ", ".join(e.label for e in entries) or "none; `viva tune add NAME RUN` puts one in"
            raise AdapterError(f"there is no adapter {wanted!r} in {self.folder}; there are: {known}")
        return fitting[-1]

    @property
    def champion(self) -> Entry | None:
        """The promoted adapter; None while the embedded phraser is the champion."""
        return self.find(CHAMPION) if self._aliases().get(CHAMPION) else None

    def promote(self, entry: Entry) -> None:
        """Make it the champion and remember the previous one."""
        past = self._aliases().get(CHAMPION, [])
        self._write([*[label for label in past if label != entry.label], entry.label], f"promoted {entry.label}")

    def roll_back(self) -> Entry | None:
        """Back to the previous champion, or to the embedded phraser. Raises AdapterError if nothing was promoted."""
        past = self._aliases().get(CHAMPION, [])
        if not past:
            raise AdapterError("nothing was promoted yet, so there is nothing to roll back")
        self._write(past[:-1], f"rolled back {past[-1]}")
        return self.champion

    def _aliases(self) -> dict[str, list[str]]:
        path = self.folder / "aliases.json"
        found: dict[str, list[str]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        return found

    def _write(self, labels: list[str], what: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "aliases.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({CHAMPION: labels}, indent=1), "utf-8")
        fresh.replace(path)
        with (self.folder / "history.log").open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {what}\n")
