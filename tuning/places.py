"""Where results are written: nothing that somebody may have worked on is overwritten. Told before the work, not after it."""

from __future__ import annotations

from pathlib import Path

from tuning.checks import TuneError


def new_file(path: Path) -> None:
    """Raises TuneError where there is something already."""
    if path.exists():
        raise TuneError(f"{path} is there already and may have been edited; choose another name, or remove it")


def new_folder(path: Path) -> None:
    """Raises TuneError where there is a file, or a folder that holds anything."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TuneError(f"{path} is there already and not empty; choose another folder, or remove it")
