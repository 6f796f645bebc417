"""The container image, tested without a container engine: what the builder stage copies is installed and run.

A wheel is built from exactly what the Dockerfile copies and .dockerignore lets through, and installed into an
environment with the product's own dependencies and nothing else: no extras, nothing from this checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from fnmatch import fnmatch
from importlib.metadata import Distribution, distribution
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
BUILT = "the page of a built web app"  # stands for what the image's first stage makes

Run = Callable[..., subprocess.CompletedProcess[str]]


def let_through(path: PurePosixPath, rules: list[str]) -> bool:
    """Whether .dockerignore sends this file to the engine: the last rule that matches it, or a folder above it, decides."""
    sent = True
    for rule in rules:
        pattern = rule.removeprefix("!").strip("/")
        above = [path, *path.parents][:-1]
        if any(fnmatch(str(p), pattern) or (pattern[:3] == "**/" and fnmatch(p.name, pattern[3:])) for p in above):
            sent = rule.startswith("!")
    return sent


def copied(into: Path) -> None:
    """Copy what the stage `builder` has in its folder before it runs pip."""
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").split() if not line.startswith("#")]
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [PurePosixPath(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    context = {str(path): path for path in files if let_through(path, rules)}
    [publisher] = re.findall(r"(?ms)^FROM \S+ AS builder\n(.*?)(?=^FROM )", (ROOT / "Dockerfile").read_text("utf-8"))
    copies = re.findall(r"(?m)^COPY (.+)$", publisher)
    assert copies
    for line in copies:
        *sources, target = line.split()
        if sources[0].startswith("--from="):
            (into / target).mkdir(parents=True, exist_ok=True)
            (into / target / "index.html").write_text(BUILT, "utf-8")
            continue
        for source in sources:
            below = [p for name, p in context.items() if name == source or name.startswith(source.rstrip("/") + "/")]
            assert below, f"COPY {source}: nothing of it passes .dockerignore"
            for path in below:
                place = into / target / (path.relative_to(source) if source.endswith("/") else path)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, place)


def needed(requirements: list[str], found: dict[str, Distribution]) -> dict[str, Distribution]:
    """The installed distributions that meet the requirements, and their own in turn."""
    for text in requirements:
        wanted = Requirement(text)
        if wanted.name.lower() in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        behind = found[wanted.name.lower()] = distribution(wanted.name)
        needed(list(behind.requires or ()), found)
        for extra in wanted.extras:
            more = [Requirement(r) for r in behind.requires or ()]
            needed(
                [f"{r.name}" for r in more if r.marker and r.marker.evaluate({"extra": extra})], found
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command of the image's environment, outside the checkout."""
    folder = tmp_path_factory.mktemp("image")
    copied(folder / "build")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder / "wheels", folder / "build"], check=True)
    environment = folder / "viva"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    [wheel] = (folder / "wheels").glob("vivavoce-*.whl")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)

    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for found in needed(project["dependencies"], {}).values():
        for name in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(str(found.locate_file(name))))
    home, data = folder / "home", folder / "data"
    data.mkdir()

    def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        named = {
            "PATH": f"{environment / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "VIVA_HOME": str(home),
            **settings,
        }
        return subprocess.run(
            [environment / "bin" / command[0], *command[1:]], cwd=data, env={"VIVA_MEMORY": "sqlite", "COLUMNS": "200", **named},
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


def test_ignored_files_do_not_reach_the_engine() -> None:
    rules = ["*", "!agent", "agent/service/web", "**/__pycache__"]
    sent = [
        let_through(PurePosixPath(p), rules) for p in ("agent/cli/main.py", "agent/service/app.py", "agent/__init__.py")
    ]
    kept = ["README.md", "docs/a.md", "agent/service/web/index.html", "agent/__pycache__/cli.pyc"]
    assert all(sent) and not any(let_through(PurePosixPath(p), rules) for p in kept)


@pytest.mark.parametrize("command", [("--help",), ("worker", "--help"), ("api", "--help"), ("tune", "--help")])
def test_the_commands_of_the_image_start(image: Run, command: tuple[str, ...]) -> None:
    done = image("viva", *command)
    assert done.returncode == 0 and "usage: viva" in done.stdout, done.stderr


def test_the_doctor_of_the_image_finds_its_parts(image: Run) -> None:
    done = image("viva", "doctor")
    assert done.returncode == 0, done.stderr
    assert "made by `make web`" in done.stdout and "moonshine" in done.stdout, done.stdout


def test_every_module_of_the_image_can_be_imported(image: Run) -> None:
    """What an engine of an extra needs is imported when that engine is chosen, and not before.

    Only the modules that train the reader are torch from end to end; `python -m tuning.reader` imports them where it needs them.
    """
    walk = (
        "import importlib, pkgutil, agent, dialogue, memory, prompts, simulation, tuning, voice\n"
        "trained = ('tuning.reader.export', 'tuning.reader.fit', 'tuning.reader.model', 'tuning.reader.refit')\n"
        "for package in (agent, dialogue, memory, prompts, simulation, tuning, voice):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if module.name.endswith('__main__') or module.name in trained: continue\n"
        "        importlib.import_module(module.name)\n"
        "print(agent.__file__)"
    )
    done = image("python", "-c", walk)
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout, "the checkout was imported"


def test_the_image_holds_its_data(image: Run) -> None:
    packs = image("viva", "pack", "lint")
    assert packs.returncode == 0, packs.stdout + packs.stderr
    records = image("viva", "tune", "data")
    assert records.returncode == 0 and "follow" in records.stdout, records.stdout + records.stderr
    clips = "from simulation.script import load_script, persona_path; load_script(persona_path('sam'))"
    assert image("python", "-c", clips).returncode == 0


@pytest.mark.parametrize(
    "command", [("train", "falcon-rw-1b"), ("eval", "run", "--out", "x"), ("prefer", "dpo", "run", "--out", "x")]
)
def test_training_without_its_extra_says_what_to_install(image: Run, command: tuple[str, ...]) -> None:
    done = image("viva", "tune", *command)
    assert done.returncode == 2 and done.stderr.startswith("viva: "), done.stdout + done.stderr
    assert "vivavoce[tune]" in done.stderr and "VIVA_TARGET=cuda" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "modules", ["agent.cli.main", "agent.rooms.job, agent.engines.model_host", "agent.service.app, agent.ops.worker"]
)
def test_what_runs_does_not_import_what_trains(modules: str) -> None:
    seen = "import sys\nprint(*sorted(m for m in sys.modules if m.split('.')[0] == 'tuning'))"
    done = subprocess.run(
        [sys.executable, "-c", f"import {modules}\n{seen}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
