"""Task ownership: ended tasks have really ended, failures are logged, and waiting can be cancelled."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agent.tasks import Background, cancel_and_wait, first_of
from simulation import virtual_time


def test_who_waits_for_a_task_to_end_can_be_cancelled() -> None:
    async def scenario() -> None:
        async def stubborn() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(100)  # takes its time

        stubborn_task = asyncio.create_task(stubborn())
        waiting = asyncio.create_task(cancel_and_wait(stubborn_task))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.get_running_loop().time() == 1 and not stubborn_task.done()
        await cancel_and_wait(stubborn_task, None)
        assert stubborn_task.done()

    virtual_time.run(scenario())


def test_what_fails_in_the_background_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async def fails() -> None:
            raise ValueError("broken")

        background = Background()
        background.start("the thing", fails())
        other = background.start("another", asyncio.sleep(5))
        assert await background.settle(10.0) and other.done() and not other.cancelled()

    with caplog.at_level(logging.WARNING):
        virtual_time.run(scenario())
    assert "the thing failed: ValueError" in caplog.text


def test_settling_is_bounded_and_closing_ends_what_is_left() -> None:
    async def scenario() -> float:
        background = Background()
        endless = background.start("endless", asyncio.Event().wait())
        assert not await background.settle(10.0) and not endless.done()
        await background.aclose()
        assert endless.cancelled()
        return asyncio.get_running_loop().time()

    assert virtual_time.run(scenario()) == 10.0


def test_the_first_of_some_is_known_and_the_others_go_on() -> None:
    async def scenario() -> None:
        fast, slow = asyncio.create_task(asyncio.sleep(1)), asyncio.create_task(asyncio.sleep(2))
        assert await first_of(fast, slow) == {fast} and not slow.done()
        await cancel_and_wait(slow)

    virtual_time.run(scenario())
