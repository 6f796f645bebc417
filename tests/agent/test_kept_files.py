"""Files made once are whole or absent, and removing what is no longer used never removes anybody else's files."""

from __future__ import annotations

import secrets
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agent.cli.packs import run as packs
from agent.errors import UserError
from agent.service.tokens import kept_secret
from simulation import render
from simulation.script import load_script, persona_path


def test_a_secret_is_one_though_many_begin_at_once(tmp_path: Path) -> None:
    path = tmp_path / "home" / "signing.key"
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(kept_secret, [path] * 32))
    assert len(found) == 1 and len(found.pop()) > 30
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [p.name for p in path.parent.iterdir()] == ["signing.key"]


def test_a_crash_while_a_secret_is_made_leaves_no_empty_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty key signs for everybody."""

    def dies(length: int) -> str:
        raise MemoryError

    path = tmp_path / "signing.key"
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(secrets, "token_urlsafe", dies)
        kept_secret(path)
    assert len(kept_secret(path)) > 30
    path.write_text("")
    with pytest.raises(UserError, match="is empty"):
        kept_secret(path)


@pytest.mark.parametrize("what", ["file", "link", "no folder"])
def test_a_new_pack_overwrites_nothing(what: str, tmp_path: Path) -> None:
    from rich.console import Console

    pack, other = tmp_path / "mine.yaml", tmp_path / "other.txt"
    if what == "file":
        pack.write_text("mine")
    elif what == "link":
        pack.symlink_to(other)
    else:
        pack = tmp_path / "nowhere" / "mine.yaml"
    with pytest.raises(UserError, match=r"mine\.yaml"):
        packs("new", [str(pack)], Console(quiet=True))
    assert not other.exists() and (what != "file" or pack.read_text() == "mine")


def test_rendering_a_persona_keeps_the_clips_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = tmp_path / "clips"
    shutil.copytree(render.CLIPS, clips)
    monkeypatch.setattr(render, "CLIPS", clips)
    monkeypatch.setattr(
        render, "clip_path", lambda voice, text, real=render.clip_path: clips / voice / real(voice, text).name
    )
    monkeypatch.setattr(render, "flite", lambda voice, text: np.zeros(1600, np.float32))
    (clips / "rms" / "unused.ogg").write_bytes(b"old")
    render.main("rambler")
    rambler = render.clips_of(load_script(persona_path("rambler")))
    assert rambler and all(p.exists() for p in rambler)
    render.main("sam")
    assert all(p.exists() for p in rambler) and not (clips / "rms" / "unused.ogg").exists()
