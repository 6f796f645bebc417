"""Fixtures for all tests: a real Redis, the shared recordings, and small helpers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment

# Tests that share something costly go to one of pytest-xdist's processes together; the rest goes wherever there is time.
# (pytest-xdist 3.8's own `xdist_group` has no effect with pytest 9.)
TOGETHER = {
    "tests/battery/": "battery",  # modes and characters share their answers, and what was read in them
    "tests/tuning/test_training.py": "tuning",
    "tests/tuning/test_served.py": "tuning",
    "tests/e2e/test_demo.py": "first",
    "test_a_rambler": "first",  # before its file
    "tests/e2e/test_personas.py": "second",
    "tests/e2e/test_reopen.py": "second",
    "tests/e2e/test_resume.py": "second",
}


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """By group if there is one, else test by test."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for part, group in TOGETHER.items() if part in nodeid), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    return Together(config, log)


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# Whatever this machine's user has set must not reach the tests.
for name in [n for n in os.environ if n.startswith("VIVA_")]:
    del os.environ[name]


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server on loopback, private to this test session."""
    server = shutil.which("redis-server")
    assert server, "redis-server is missing: `make test` installs it, or apt-get install redis-server"
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(5)


@pytest.fixture(scope="session")
def speech() -> Path:
    """The shared recordings; tests that need them are skipped without."""
    folder = SHARED / "speech"
    if not folder.is_dir():
        pytest.skip("../shared/data/speech is not there")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate home for sessions."""
    monkeypatch.setenv("VIVA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """The folder for screenshots of the pages, for people to look at after a run."""
    folder = Path(os.environ.get("SCREENSHOTS", Path(__file__).resolve().parents[1] / "build" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One `viva up` for all tests in rooms: what a user would start, paid for once per run."""
    from tests.e2e.deployment import Deployment

    running = Deployment.start(tmp_path_factory.mktemp("house"), VIVA_WAIT_SECONDS="20", VIVA_WORKER_LOAD_LIMIT="1.0")
    yield running
    assert running.stop() == 0, "Ctrl-C ends everything in order"
    assert not running.left_behind(), "nothing is left running"
