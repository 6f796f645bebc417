"""The tests' clock: it skips waiting, and nothing else."""

from __future__ import annotations

import asyncio
import time

from simulation import virtual_time


def test_an_hour_of_waiting_takes_no_time() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(3600)
        try:
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        return loop.time()

    assert virtual_time.run(scenario()) == 3605


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def scenario() -> list[int]:
        order: list[int] = []

        async def after(seconds: int) -> None:
            await asyncio.sleep(seconds)
            order.append(seconds)

        await asyncio.gather(after(30), after(10), after(20))
        return order

    assert virtual_time.run(scenario()) == [10, 20, 30]


def test_the_clock_stands_still_while_a_thread_works() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        ticking = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.to_thread(time.sleep, 0.1)
        now = loop.time()
        ticking.cancel()
        return now

    assert virtual_time.run(scenario()) == 0
