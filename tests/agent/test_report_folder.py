"""A report replaces a report and nothing else, and at every moment one of the two is complete."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.call.recording import RATE, Recorder, Recording
from agent.errors import UserError
from agent.reporting.report_files import write_report
from agent.reporting.report_folder import check_place, is_report, replacing
from dialogue.state import fold
from tests.dialogue.helpers import Conversation, agreed


def held(words: str = "I deleted a table by accident and told my manager at once.") -> Conversation:
    call = Conversation(agreed(["mistake"], probes=0))
    call.open()
    call.answer(words)
    return call


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    (mine / "chapters").mkdir(parents=True)
    (mine / "chapters" / "one.tex").write_text("years of work")
    for place in (mine, mine / "chapters"):
        with pytest.raises(UserError, match="--out"):
            check_place(place)
        with pytest.raises(UserError, match="--out"):
            write_report(held().events, None, place)
    assert everything(mine) == {"chapters/one.tex": b"years of work"}
    assert [p.name for p in tmp_path.iterdir()] == ["thesis"], "nothing half made is left beside it"


def test_a_report_with_something_of_the_users_in_it_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    write_report(held().events, None, folder)
    for name in ("notes.txt", "answers/mine.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("read this")
        before = everything(folder)
        with pytest.raises(UserError, match="--out"):
            write_report(held().events, None, folder)
        assert everything(folder) == before
        (folder / name).unlink()
    (folder / "report.json").write_text('{"some": "other tool\'s"}')
    assert not is_report(folder)


@pytest.mark.parametrize("before", ["nothing", "empty", "report", "link"])
def test_where_a_report_may_go(tmp_path: Path, before: str) -> None:
    folder = tmp_path / "deep" / "report"
    if before == "empty":
        folder.mkdir(parents=True)
    elif before == "report":
        write_report(held("Something else entirely happened to me, and I learnt from it.").events, None, folder)
    elif before == "link":
        (tmp_path / "real").mkdir()
        folder.parent.mkdir()
        folder.symlink_to(tmp_path / "real")
    check_place(folder)
    report = write_report(held().events, None, folder)
    assert json.loads((folder / "report.json").read_text())["session"] == report.session
    assert folder.is_symlink() == (before == "link")
    assert "told my manager" in (folder / "report.html").read_text()
    assert not [p for p in folder.resolve().parent.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_places_that_cannot_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="--out"):
        check_place(tmp_path / place)


class Dies(BaseException):
    """Like kill -9: none of our code runs after it."""


def test_a_crash_at_any_point_leaves_the_old_or_the_new_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies before each change of the file system in turn, until one run gets through."""
    old, new = held("An old answer about something else that happened."), held()
    reached = 0
    for deadly in range(200):
        place = tmp_path / str(deadly)
        folder = place / "report"
        write_report(old.events, None, folder)
        was = everything(folder)
        count = 0

        def step(real: object, deadly: int = deadly) -> object:
            def stepped(*arguments: object, **named: object) -> object:
                nonlocal count
                if count >= deadly:
                    raise Dies
                count += 1
                return real(*arguments, **named)  # type: ignore[operator]

            return stepped

        with monkeypatch.context() as patch:
            for module, name in ((os, "rename"), (os, "replace"), (os, "rmdir"), (os, "unlink"), (shutil, "rmtree")):
                patch.setattr(module, name, step(getattr(module, name)))
            try:
                write_report(new.events, None, folder)
                survived = True
            except Dies:
                survived = False
        whole = [everything(p) for p in place.iterdir() if is_report(p) and p.suffix != ".new"]
        assert any(found == was or b"told my manager" in found.get("report.html", b"") for found in whole)
        write_report(new.events, None, folder)  # and the next attempt gets through
        assert b"told my manager" in everything(folder)["report.html"]
        assert not list(place.glob(".*.old")), "what the dead one moved aside is removed"
        reached = deadly
        if survived:
            break
    assert reached >= 4


def test_what_a_dead_process_was_building_is_removed_once_nobody_can_be_at_it(tmp_path: Path) -> None:
    dead, living, foreign = (tmp_path / f".report-{name}.new" for name in ("aaaaaaaa", "bbbbbbbb", "cccccccc"))
    for folder in (dead, living, foreign):
        folder.mkdir()
        (folder / ("mine.txt" if folder == foreign else "recording.wav")).write_text("x")
    for folder in (dead, foreign):
        os.utime(folder, (0, 0))
    write_report(held().events, None, tmp_path / "report")
    assert not dead.exists() and living.exists() and foreign.exists()


def test_what_cannot_be_moved_in_puts_the_old_one_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "report"
    write_report(held().events, None, folder)
    was = everything(folder)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="No space"), replacing(folder) as building:
        (building / "report.json").write_text("{}")
    assert everything(folder) == was and [p.name for p in tmp_path.iterdir()] == ["report"]


def test_a_report_with_its_sound_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the call was: no part of its recording longer than ten seconds is in memory at once."""
    recorder, rng = Recorder(tmp_path, 1), np.random.default_rng(0)
    for _ in range(25):
        side = (rng.standard_normal(RATE) * 0.05).astype(np.float32)
        recorder.write(side, -side[::-1])
    recorder.close()
    longest = 0
    stereo = Recording.stereo

    def counted(self: Recording, start: int, end: int) -> object:
        nonlocal longest
        longest = max(longest, min(end, self.length) - start)
        return stereo(self, start, end)

    monkeypatch.setattr(Recording, "stereo", counted)
    call = held()
    report = write_report(call.events, Recording(tmp_path), tmp_path / "report")
    assert report.duration == 25.0 and fold(call.events).turns
    assert 0 < longest <= 10 * RATE
    assert (tmp_path / "report" / "timeline.png").stat().st_size > 5_000
    page = (tmp_path / "report" / "report.html").read_text()
    assert "data:audio/mpeg;base64," in page
    import base64
    import io

    import soundfile

    packed = base64.b64decode(page.split("data:audio/mpeg;base64,")[1].split('"')[0])
    played, rate = soundfile.read(io.BytesIO(packed))
    assert len(played) / rate == pytest.approx(25.0, abs=0.15)


def test_a_reports_comparison_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.reporting.report_folder import write_whole

    write_whole(tmp_path / "comparison.json", "old")

    def failing(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "comparison.json", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("comparison.json", "old")]
