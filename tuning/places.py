"""Where results are written: never over anything somebody may have worked on. Checked before the work, not after."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuning.errors import TuneError


def new_file(path: Path) -> None:
    """Raises TuneError if something is already there."""
    if path.exists():
        raise TuneError(f"{path} is there already and may have been edited; choose another name, or remove it")


def own_folder(path: Path, mark: str, names: Sequence[str]) -> None:
    """Raises TuneError if one of `names` would be overwritten in a folder that is not ours: ours contains `mark`."""
    there = [name for name in names if (path / name).exists()]
    if there and not (path / mark).is_file():
        raise TuneError(f"{path} holds a {there[0]} that is not ours; choose another folder with --out")


def new_folder(path: Path) -> None:
    """Raises TuneError if there is a file, or a folder that is not empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TuneError(f"{path} is there already and not empty; choose another folder, or remove it")
