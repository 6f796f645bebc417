"""While our own connection is mended, silence is not the candidate's."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from livekit import rtc

from agent.rooms.conduct import Conduct, Stay


async def nobody(identity: str) -> None:
    raise AssertionError("nobody is sent away here")


@pytest.fixture
async def conduct() -> Any:
    made = Conduct(rtc.Room(), cast(Any, SimpleNamespace()), cast(Stay, SimpleNamespace(named="")), nobody)
    yield made
    await made._caller.aclose()


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_dead_connection_ends_the_leg_and_a_mended_one_lets_it_begin_again(conduct: Conduct) -> None:
    conduct._on_reconnecting()
    conduct._caller.gone = False
    await until(lambda: conduct._cut)
    assert conduct._caller.gone, "the leg ends as if the candidate had gone: it goes on when they are back"
    conduct._on_reconnected()
    assert not conduct._cut


async def test_a_signal_line_that_is_mended_while_sound_flows_changes_nothing(conduct: Conduct) -> None:
    conduct._on_reconnecting()
    for _ in range(50):  # a second of frames
        conduct._caller.heard_at = asyncio.get_running_loop().time()
        conduct._caller._incoming.push(np.zeros(480, np.float32))
        await asyncio.sleep(0.02)
    assert not conduct._cut
    conduct._on_reconnected()
    await asyncio.sleep(0.3)
    assert not conduct._cut
