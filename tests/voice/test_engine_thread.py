"""The thread of a hung engine is abandoned, up to a maximum number."""

from __future__ import annotations

import threading

import pytest

from voice.engine_thread import MOST_LEFT_BEHIND, EngineCallFailed, EngineCalls, EngineThread


def test_work_goes_on_beside_a_call_that_hangs() -> None:
    thread, hangs, running = EngineThread("test"), threading.Event(), threading.Event()

    def hang() -> str:
        running.set()
        assert hangs.wait(30)
        return "late"

    stuck = thread.submit(hang)
    waiting = thread.submit(lambda: "never")
    assert running.wait(30)
    assert thread.replace()
    assert waiting.cancelled(), "whoever waits behind it is told"
    assert thread.submit(lambda: "now").result(30) == "now"
    assert not stuck.done()
    hangs.set()
    assert stuck.result(30) == "late"
    thread.shutdown()
    with pytest.raises(RuntimeError, match="closed"):
        thread.submit(print)


def test_no_more_threads_are_left_behind_than_a_few() -> None:
    thread, hangs = EngineThread("test"), threading.Event()
    before = threading.active_count()
    left = 0
    for _ in range(MOST_LEFT_BEHIND + 1):
        running = threading.Event()

        def hang(running: threading.Event = running) -> None:
            running.set()
            hangs.wait(30)

        thread.submit(hang)
        assert running.wait(30)
        left += thread.replace()
    assert left == MOST_LEFT_BEHIND
    assert not thread.replace(), "and the next call waits for one of them"
    assert threading.active_count() - before <= MOST_LEFT_BEHIND + 1
    waits = thread.submit(lambda: "then")
    hangs.set()
    assert waits.result(30) == "then"
    thread.shutdown()


def test_all_threads_are_daemons_so_that_none_holds_up_an_exit() -> None:
    thread = EngineThread("test")
    assert thread.submit(lambda: threading.current_thread().daemon).result(30)
    thread.shutdown()


@pytest.mark.parametrize("error", [ValueError("two\nlines"), SystemExit(1), KeyboardInterrupt()])
async def test_whatever_a_call_raises_is_one_kind_of_error(error: BaseException) -> None:
    def fails() -> None:
        raise error

    calls = EngineCalls(EngineThread("test"), "test")
    with pytest.raises(EngineCallFailed, match=type(error).__name__) as raised:
        await calls.call(fails, 30.0)
    assert "\n" not in str(raised.value)


async def test_a_closed_thread_is_an_error_and_no_cancellation() -> None:
    thread = EngineThread("test")
    thread.shutdown()
    with pytest.raises(EngineCallFailed, match="closed"):
        await EngineCalls(thread, "test").call(lambda: None, 30.0)
