"""Where a report may be written, and how it gets there: no other files are touched, and nothing is half written."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from agent.errors import UserError

_OURS = {
    "report.json", "report.html", "transcript.json", "recording.wav", "timeline.png", "distributions.png",
    "comparison.json", "answers", ".DS_Store",
}  # fmt: skip
_ANSWER = re.compile(r"turn-\d+\.png")
ABANDONED = 3600.0  # s without a change after which a half-built report is taken for abandoned
_ATTEMPTS = 5  # at moving it into place, in case another process does the same


def check_place(folder: Path) -> None:
    """Raises UserError if a report would replace something that is not a report of ours.

    Meant to be called when a command starts, not after an interview has been held.
    """
    place = Path(os.path.realpath(folder))
    if not place.exists():
        above = next(parent for parent in place.parents if parent.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise UserError(
                f"{folder} cannot be made, because {above} cannot be written; choose another place with --out"
            )
        return
    if is_report(place):
        return
    if not place.is_dir():
        raise UserError(f"{folder} is there already and is no folder; choose another place with --out")
    try:
        empty = not any(place.iterdir())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); choose another place with --out") from error
    if not empty:
        raise UserError(
            f"{folder} holds other things than a report, and a report takes the place of all that is in its folder; "
            f"choose a new one, such as --out {folder / 'report'}"
        )


def is_report(folder: Path) -> bool:
    """Whether `folder` holds a report of ours and nothing else."""
    if not folder.is_dir():
        return False
    try:
        report = json.loads((folder / "report.json").read_bytes())
        ours = _holds_only_ours(folder)
    except (OSError, ValueError):
        return False
    return ours and isinstance(report, dict) and {"schema_version", "session", "questions"} <= report.keys()


def _holds_only_ours(folder: Path) -> bool:
    inside = list(folder.iterdir())
    answers = list((folder / "answers").iterdir()) if (folder / "answers").is_dir() else []
    known = all(path.name in _OURS and path.is_dir() == (path.name == "answers") for path in inside)
    return known and all(path.is_file() and _ANSWER.fullmatch(path.name) for path in answers)


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` that replaces it when the block ends without error. Raises UserError, OSError.

    At every moment either the old or the new report is complete on disk: the old one is moved aside, the new one moved
    in, and only then is the old one removed.
    """
    folder = Path(os.path.realpath(folder))
    check_place(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".new", dir=folder.parent))
    try:
        yield building
        building.chmod(0o755)
        for path in sorted(building.rglob("*")):
            _sync(path)
        _sync(building)
        _put(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove what was moved aside, by this process or a dead one, and what a dead one was building."""
    left = re.compile(re.escape(f".{folder.name}-") + r"\w{8}(\.\d\.old|\.new)")
    for path in [p for p in folder.parent.iterdir() if left.fullmatch(p.name)]:
        with contextlib.suppress(OSError):  # another process may be sweeping too
            abandoned = path.suffix == ".old" or time.time() - path.stat().st_mtime > ABANDONED
            if abandoned and _holds_only_ours(path):
                shutil.rmtree(path, ignore_errors=True)


def _put(building: Path, folder: Path) -> None:
    for attempt in range(_ATTEMPTS):
        check_place(folder)  # somebody may have put something there meanwhile
        aside = building.with_suffix(f".{attempt}.old")
        with contextlib.suppress(FileNotFoundError):
            if any(folder.iterdir()):
                folder.rename(aside)
        try:
            building.rename(folder)  # onto nothing or an empty folder
            return
        except OSError as error:
            if aside.exists() and not folder.exists():
                aside.rename(folder)
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or attempt == _ATTEMPTS - 1:
                raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str) -> None:
    """Replace a file of ours atomically."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
