"""One `viva up` for all tests in rooms: what a user would start, and what CI pays for once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.house import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    running = House.start(tmp_path_factory.mktemp("house"), VIVA_WAIT_SECONDS="20", VIVA_WORKER_LOAD_LIMIT="1.0")
    yield running
    assert running.stop() == 0, "Ctrl-C ends everything in order"
    assert not running.left_behind(), "nothing is left running"
