"""The watch, in virtual time: who gets an agent and when, and that one interview's trouble is nobody else's."""

from __future__ import annotations

import asyncio
import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

from tests import virtual_time
from tests.agent.watched import asked, ended, installation, now, spoken, started

HOUR = 3600.0


def lines(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if all(word in r.getMessage() for word in words)]


def seconds_between(times: list[float]) -> list[float]:
    return [round(b - a, 1) for a, b in itertools.pairwise(times)]


# -- one among many ----------------------------------------------------------------------------------------------------


def test_one_unreadable_session_hides_none_of_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            names = [await house.interview(f"session-{i}") for i in range(10)]
            house.arrive(*names)
            was = house.store.damage("session-3")
            await house.watch_for(60.0)
            reached = {name for name in names if house.livekit.sent_to(name)}
            assert reached == set(names) - {"session-3"}
            assert len(lines(caplog, "session-3")) == 1, "told once"
            assert "secret story" not in caplog.text, "and what stands in it is not told"
            assert house.store.reads.count("session-3") < 10 < house.store.reads.count("session-4"), "with back-off"
            house.store.damage("session-3", was)
            await house.watch_for(70.0)
            assert house.livekit.sent_to("session-3"), "one that was mended is attended to again"

    virtual_time.run(scenario())


@pytest.mark.parametrize("error", [RuntimeError("a transcript"), ValueError("x"), OSError(13, "denied")])
def test_any_error_of_one_session_is_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            names = [await house.interview(name) for name in ("a", "b", "c")]
            house.arrive(*names)
            house.livekit.broken["a"] = error
            await house.watch_for(30.0)
            assert house.livekit.sent_to("b") and house.livekit.sent_to("c") and not house.livekit.sent_to("a")
            assert len(lines(caplog, "interview a cannot be attended to")) == 1
            assert "a transcript" not in caplog.text
            del house.livekit.broken["a"]
            await house.watch_for(40.0)
            assert house.livekit.sent_to("a") and lines(caplog, "interview a can be attended to again")

    virtual_time.run(scenario())


def test_a_room_that_answers_slowly_delays_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("slow")
            await house.interview("quick")
            house.arrive("slow")
            house.livekit.slow["slow"] = 100.0
            watching = asyncio.create_task(house.watch.run())
            await asyncio.sleep(20.0)
            house.arrive("quick")
            await asyncio.sleep(3.0)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            assert 20.0 <= house.livekit.sent_to("quick")[0] <= 22.0

    virtual_time.run(scenario())


# -- sending -----------------------------------------------------------------------------------------------------------


def test_one_agent_is_sent_where_it_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            house.arrive("a")

            async def comes(session: str) -> None:
                lease = await house.store.acquire(session, "agent", HOUR)
                assert lease

            house.livekit.on_dispatch = comes
            await house.watch_for(300.0)
            assert house.livekit.sent_to("a") == [0.0]
            assert house.watch.trouble("a") == ""

    virtual_time.run(scenario())


def test_nobody_is_sent_before_consent_or_where_no_candidate_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("alone")
            await house.interview("observed")
            house.livekit.people["observed"] = {"observer"}
            await house.interview("over", started(), ended(), spoken())
            await house.interview("typed", kind="typed")
            house.arrive("over", "typed")
            await house.watch_for(30.0)
            assert not house.livekit.sent

    virtual_time.run(scenario())


@pytest.mark.parametrize(
    ("taken", "waits", "most"),
    [
        (False, [2.5] * 10 + [5.0, 10.0, 10.0], 70),  # asking costs nothing, a worker that starts is wanted soon
        (True, [2.5, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 60.0], 16),
    ],
)
def test_agents_that_do_not_come_are_asked_for_less_and_less_often(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, taken: bool, waits: list[float], most: int
) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            house.arrive("a")
            house.livekit.taken = taken
            await house.watch_for(600.0)
            times = house.livekit.sent_to("a")
            assert seconds_between(times)[: len(waits)] == waits
            assert len(times) <= most
            reason = "none took the interview" if taken else "no worker took the call"
            assert len(lines(caplog, "interview a", reason)) == 1, "why, in one line"
            assert len(lines(caplog, "interview a")) == 2, "and one that it began"
            assert reason in house.watch.trouble("a")
            text = f'viva_candidates_without_agent{{reason="{"not_taken" if taken else "no_worker"}"}} 1.0'
            from prometheus_client import generate_latest

            await house.watch.look()
            assert text in generate_latest(house.metrics.registry).decode()

    virtual_time.run(scenario())


def test_after_a_crash_the_next_agent_is_sent_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            house.arrive("a")
            calls = [60.0, 1.0, 1.0, HOUR]  # how long each agent lives

            async def comes(session: str) -> None:
                await house.store.acquire(session, f"agent-{len(calls)}", calls.pop(0))

            house.livekit.on_dispatch = comes
            await house.watch_for(200.0)
            first, second, third, fourth = house.livekit.sent_to("a")
            assert first == 0.0 and second - 60.0 <= 0.5, "by the next look"
            assert third - second <= 2.5 and fourth - third <= 2.5

    virtual_time.run(scenario())


def test_an_agent_that_dies_at_its_start_is_not_sent_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            house.arrive("a")

            async def comes_and_dies(session: str) -> None:
                lease = await house.store.acquire(session, "agent", 1.0)
                assert lease

            house.livekit.on_dispatch = comes_and_dies
            await house.watch_for(600.0)
            assert len(house.livekit.sent_to("a")) <= 16

    virtual_time.run(scenario())


def test_a_candidate_who_comes_back_begins_anew(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            house.arrive("a")
            await house.watch_for(200.0)
            many = len(house.livekit.sent)
            house.leave("a")
            await house.watch_for(5.0)
            assert len(house.livekit.sent) == many and house.watch.trouble("a") == ""
            house.arrive("a")
            await house.watch_for(5.5)
            assert seconds_between(house.livekit.sent_to("a")[many:]) == [2.5, 2.5]

    virtual_time.run(scenario())


def test_a_page_that_joins_again_and_again_sends_one_agent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a")
            for _ in range(20):
                await house.interviews.join("a", take_over=True)
                await asyncio.sleep(0.05)
            assert len(house.livekit.sent) == 1
            house.arrive("a")
            await house.watch.look()
            assert len(house.livekit.sent) == 1, "nor does the watch, while that one is on its way"

    virtual_time.run(scenario())


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_an_interview_that_was_left_ends_and_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, abandon_minutes=10.0) as house:
            for name in ("left", "there", "new"):
                await house.interview(name, *([started()] if name != "new" else []))
            house.arrive("there")
            await house.watch_for(590.0)
            assert (await house.interviews.known("left")).state.ended is None
            await house.watch_for(15.0)
            outcomes = [(await house.interviews.known(n)).state.ended for n in ("left", "there", "new")]
            assert outcomes == ["candidate_left", None, None]

    virtual_time.run(scenario())


# -- reports -----------------------------------------------------------------------------------------------------------


def test_the_report_of_a_call_that_died_is_written_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a", started(), asked(), ended())
            await house.interview("nothing-said", started(), ended("candidate_left"))
            await house.watch_for(30.0)
            assert house.written == ["a"]
            reads = house.store.reads.count("a")
            await house.watch_for(30.0)
            assert house.store.reads.count("a") == reads, "nothing is left to do for it"

    virtual_time.run(scenario())


def test_a_slow_report_delays_no_agent_and_ends_with_the_watch(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            for number in range(3):
                await house.interview(f"over-{number}", started(), asked(), ended())
            await house.interview("waiting")
            finished = []

            async def slowly(session: str) -> None:
                try:
                    await asyncio.sleep(120.0)
                finally:
                    finished.append(session)

            house.write = slowly
            house.arrive("waiting")
            watching = asyncio.create_task(house.watch.run())
            await asyncio.sleep(1.0)
            assert house.livekit.sent_to("waiting") == [0.0]
            assert len(house.written) == 2, "so many at once"
            await asyncio.sleep(60.0)
            assert len(house.written) == 2 and not finished, "and each once"
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            assert len(finished) == 2, "nothing outlives the watch"
            assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]

    virtual_time.run(scenario())


def test_a_report_that_fails_is_tried_again_and_the_reason_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            await house.interview("a", started(), asked(), ended())
            times: list[float] = []

            async def fails(session: str) -> None:
                times.append(asyncio.get_running_loop().time())
                if len(times) < 6:
                    raise RuntimeError("somebody's words")

            house.write = fails
            await house.watch_for(100.0)
            assert len(times) == 5 and "RuntimeError" in house.watch.trouble("a")
            await house.watch_for(100.0)
            assert [round(x) for x in seconds_between(times)] == [5, 10, 20, 40, 80]
            assert len(lines(caplog, "the report of a cannot be written", "RuntimeError")) == 1
            assert lines(caplog, "the report of a is written now") and "somebody's words" not in caplog.text
            assert house.watch.trouble("a") == ""

    virtual_time.run(scenario())


def test_reports_and_webhooks_need_no_livekit_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as house:
            await house.interview("a", started(), asked(), ended(), spoken())
            house.livekit.away = True
            await house.watch_for(20.0)
            assert house.written == ["a"] and len(house.told) == 3
            assert len(lines(caplog, "cannot reach the LiveKit server")) == 1
            house.livekit.away = False
            await house.watch_for(1.0)
            assert lines(caplog, "LiveKit server is back")

    virtual_time.run(scenario())


def test_a_store_that_is_away_is_no_fault_of_the_sessions(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as house:
            names = [await house.interview(f"session-{i}") for i in range(3)]
            house.arrive(*names)
            house.store.away = True
            await house.watch_for(60.0)
            assert len(caplog.records) == 1 and "password" not in caplog.text
            house.store.away = False
            at = asyncio.get_running_loop().time()
            await house.watch_for(1.0)
            assert [house.livekit.sent_to(n) for n in names] == [[at]] * 3, "at once when it is back"

    virtual_time.run(scenario())


# -- webhooks ----------------------------------------------------------------------------------------------------------


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [call["type"].removeprefix("interview.") for call in told]


def test_webhooks_come_in_order_and_one_that_fails_holds_back_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as house:
            await house.interview("a", started(), asked(), ended())
            await house.interview("b", started())
            refusals = {"a": 3}

            async def answer(body: dict[str, Any]) -> int:
                session = body["data"]["id"]
                refusals[session] = refusals.get(session, 0) - 1
                return 500 if refusals[session] >= 0 else 200

            house.answer = answer
            await house.watch_for(60.0)
            of_a = [call for call in house.told if call["data"]["id"] == "a"]
            assert kinds(of_a) == ["started"] * 4 + ["ended", "report"]
            assert [round(x) for x in seconds_between([call["at"] for call in of_a])[:3]] == [2, 4, 8]
            assert kinds([call for call in house.told if call["data"]["id"] == "b"]) == ["started"]
            await house.watch_for(60.0)
            assert len(house.told) == 7, "each once"

    virtual_time.run(scenario())


def test_a_receiver_that_hangs_delays_no_agent_and_no_report(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as house:
            await house.interview("over", started(), asked(), ended())
            await house.interview("waiting")
            house.arrive("waiting")

            async def hangs(_: dict[str, Any]) -> int:
                await asyncio.sleep(HOUR)
                return 200

            house.answer = hangs
            await house.watch_for(10.0)
            assert house.livekit.sent_to("waiting")[0] == 0.0 and house.written == ["over"]

    virtual_time.run(scenario())


def test_old_interviews_are_no_news(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as house:
            await house.interview("a", started(), ended("candidate_left"))
            assert now() > 0
            await asyncio.sleep(2 * 86_400)
            await house.watch_for(10.0)
            assert not house.told

    virtual_time.run(scenario())


@pytest.fixture(autouse=True)
def _only_ours(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    caplog.set_level(logging.WARNING)
