"""The watch, in virtual time: who gets an agent and when, and that trouble with one interview affects no other."""

from __future__ import annotations

import asyncio
import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

from simulation import virtual_time
from tests.agent.watched import asked, ended, installation, now, spoken, started

HOUR = 3600.0


def lines(caplog: pytest.LogCaptureFixture, *words: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if all(word in r.getMessage() for word in words)]


def seconds_between(times: list[float]) -> list[float]:
    return [round(b - a, 1) for a, b in itertools.pairwise(times)]


# -- one among many ----------------------------------------------------------------------------------------------------


def test_one_unreadable_session_hides_none_of_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            names = [await deployment.interview(f"session-{i}") for i in range(10)]
            deployment.arrive(*names)
            was = deployment.store.damage("session-3")
            await deployment.watch_for(60.0)
            reached = {name for name in names if deployment.livekit.sent_to(name)}
            assert reached == set(names) - {"session-3"}
            assert len(lines(caplog, "session-3")) == 1, "told once"
            assert "secret story" not in caplog.text, "and what stands in it is not told"
            assert deployment.store.reads.count("session-3") < 10 < deployment.store.reads.count("session-4"), (
                "with back-off"
            )
            deployment.store.damage("session-3", was)
            await deployment.watch_for(70.0)
            assert deployment.livekit.sent_to("session-3"), "one that was mended is attended to again"

    virtual_time.run(scenario())


@pytest.mark.parametrize("error", [RuntimeError("a transcript"), ValueError("x"), OSError(13, "denied")])
def test_any_error_of_one_session_is_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            names = [await deployment.interview(name) for name in ("a", "b", "c")]
            deployment.arrive(*names)
            deployment.livekit.broken["a"] = error
            await deployment.watch_for(30.0)
            assert (
                deployment.livekit.sent_to("b")
                and deployment.livekit.sent_to("c")
                and not deployment.livekit.sent_to("a")
            )
            assert len(lines(caplog, "interview a cannot be attended to")) == 1
            assert "a transcript" not in caplog.text
            del deployment.livekit.broken["a"]
            await deployment.watch_for(40.0)
            assert deployment.livekit.sent_to("a") and lines(caplog, "interview a can be attended to again")

    virtual_time.run(scenario())


def test_a_room_that_answers_slowly_delays_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("slow")
            await deployment.interview("quick")
            deployment.arrive("slow")
            deployment.livekit.slow["slow"] = 100.0
            watching = asyncio.create_task(deployment.watch.run())
            await asyncio.sleep(20.0)
            deployment.arrive("quick")
            await asyncio.sleep(3.0)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            assert 20.0 <= deployment.livekit.sent_to("quick")[0] <= 22.0

    virtual_time.run(scenario())


# -- sending -----------------------------------------------------------------------------------------------------------


def test_one_agent_is_sent_where_it_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            deployment.arrive("a")

            async def comes(session: str) -> None:
                lease = await deployment.store.acquire(session, "agent", HOUR)
                assert lease

            deployment.livekit.on_dispatch = comes
            await deployment.watch_for(300.0)
            assert deployment.livekit.sent_to("a") == [0.0]
            assert deployment.watch.trouble("a") == ""

    virtual_time.run(scenario())


def test_nobody_is_sent_before_consent_or_where_no_candidate_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("alone")
            await deployment.interview("observed")
            deployment.livekit.people["observed"] = {"observer"}
            await deployment.interview("over", started(), ended(), spoken())
            await deployment.interview("typed", kind="typed")
            deployment.arrive("over", "typed")
            await deployment.watch_for(30.0)
            assert not deployment.livekit.sent

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
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            deployment.arrive("a")
            deployment.livekit.taken = taken
            await deployment.watch_for(600.0)
            times = deployment.livekit.sent_to("a")
            assert seconds_between(times)[: len(waits)] == waits
            assert len(times) <= most
            reason = "none took the interview" if taken else "no worker took the call"
            assert len(lines(caplog, "interview a", reason)) == 1, "why, in one line"
            assert len(lines(caplog, "interview a")) == 2, "and one that it began"
            assert reason in deployment.watch.trouble("a")
            text = f'viva_candidates_without_agent{{reason="{"not_taken" if taken else "no_worker"}"}} 1.0'
            from prometheus_client import generate_latest

            await deployment.watch.look()
            assert text in generate_latest(deployment.metrics.registry).decode()

    virtual_time.run(scenario())


def test_after_a_crash_the_next_agent_is_sent_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            deployment.arrive("a")
            calls = [60.0, 1.0, 1.0, HOUR]  # how long each agent lives

            async def comes(session: str) -> None:
                await deployment.store.acquire(session, f"agent-{len(calls)}", calls.pop(0))

            deployment.livekit.on_dispatch = comes
            await deployment.watch_for(200.0)
            first, second, third, fourth = deployment.livekit.sent_to("a")
            assert first == 0.0 and second - 60.0 <= 0.5, "by the next look"
            assert third - second <= 2.5 and fourth - third <= 2.5

    virtual_time.run(scenario())


def test_an_agent_that_dies_at_its_start_is_not_sent_for_ever(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            deployment.arrive("a")

            async def comes_and_dies(session: str) -> None:
                lease = await deployment.store.acquire(session, "agent", 1.0)
                assert lease

            deployment.livekit.on_dispatch = comes_and_dies
            await deployment.watch_for(600.0)
            assert len(deployment.livekit.sent_to("a")) <= 16

    virtual_time.run(scenario())


def test_a_candidate_who_comes_back_begins_anew(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            deployment.arrive("a")
            await deployment.watch_for(200.0)
            many = len(deployment.livekit.sent)
            deployment.leave("a")
            await deployment.watch_for(5.0)
            assert len(deployment.livekit.sent) == many and deployment.watch.trouble("a") == ""
            deployment.arrive("a")
            await deployment.watch_for(5.5)
            assert seconds_between(deployment.livekit.sent_to("a")[many:]) == [2.5, 2.5]

    virtual_time.run(scenario())


def test_a_page_that_joins_again_and_again_sends_one_agent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            for _ in range(20):
                await deployment.interviews.join("a", take_over=True)
                await asyncio.sleep(0.05)
            assert len(deployment.livekit.sent) == 1
            deployment.arrive("a")
            await deployment.watch.look()
            assert len(deployment.livekit.sent) == 1, "nor does the watch, while that one is on its way"

    virtual_time.run(scenario())


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_an_interview_that_was_left_ends_and_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, abandon_minutes=10.0) as deployment:
            for name in ("left", "there", "new"):
                await deployment.interview(name, *([started()] if name != "new" else []))
            deployment.arrive("there")
            await deployment.watch_for(590.0)
            assert (await deployment.interviews.known("left")).state.ended is None
            await deployment.watch_for(15.0)
            outcomes = [(await deployment.interviews.known(n)).state.ended for n in ("left", "there", "new")]
            assert outcomes == ["candidate_left", None, None]

    virtual_time.run(scenario())


# -- reports -----------------------------------------------------------------------------------------------------------


def test_the_report_of_a_call_that_died_is_written_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked(), ended())
            await deployment.interview("nothing-said", started(), ended("candidate_left"))
            await deployment.watch_for(30.0)
            assert deployment.written == ["a"]
            reads = deployment.store.reads.count("a")
            await deployment.watch_for(30.0)
            assert deployment.store.reads.count("a") == reads, "nothing is left to do for it"

    virtual_time.run(scenario())


def test_a_slow_report_delays_no_agent_and_ends_with_the_watch(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            for number in range(3):
                await deployment.interview(f"over-{number}", started(), asked(), ended())
            await deployment.interview("waiting")
            finished = []

            async def slowly(session: str) -> None:
                try:
                    await asyncio.sleep(120.0)
                finally:
                    finished.append(session)

            deployment.write = slowly
            deployment.arrive("waiting")
            watching = asyncio.create_task(deployment.watch.run())
            await asyncio.sleep(1.0)
            assert deployment.livekit.sent_to("waiting") == [0.0]
            assert len(deployment.written) == 2, "so many at once"
            await asyncio.sleep(60.0)
            assert len(deployment.written) == 2 and not finished, "and each once"
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            assert len(finished) == 2, "nothing outlives the watch"
            assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]

    virtual_time.run(scenario())


def test_a_report_that_fails_is_tried_again_and_the_reason_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked(), ended())
            times: list[float] = []

            async def fails(session: str) -> None:
                times.append(asyncio.get_running_loop().time())
                if len(times) < 6:
                    raise RuntimeError("somebody's words")

            deployment.write = fails
            await deployment.watch_for(100.0)
            assert len(times) == 5 and "RuntimeError" in deployment.watch.trouble("a")
            await deployment.watch_for(100.0)
            assert [round(x) for x in seconds_between(times)] == [5, 10, 20, 40, 80]
            assert len(lines(caplog, "the report of a cannot be written", "RuntimeError")) == 1
            assert lines(caplog, "the report of a is written now") and "somebody's words" not in caplog.text
            assert deployment.watch.trouble("a") == ""

    virtual_time.run(scenario())


def test_reports_and_webhooks_need_no_livekit_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as deployment:
            await deployment.interview("a", started(), asked(), ended(), spoken())
            deployment.livekit.away = True
            await deployment.watch_for(20.0)
            assert deployment.written == ["a"] and len(deployment.told) == 3
            assert len(lines(caplog, "cannot reach the LiveKit server")) == 1
            deployment.livekit.away = False
            await deployment.watch_for(1.0)
            assert lines(caplog, "LiveKit server is back")

    virtual_time.run(scenario())


def test_a_store_that_is_away_is_no_fault_of_the_sessions(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            names = [await deployment.interview(f"session-{i}") for i in range(3)]
            deployment.arrive(*names)
            deployment.store.away = True
            await deployment.watch_for(60.0)
            assert len(caplog.records) == 1 and "password" not in caplog.text
            deployment.store.away = False
            at = asyncio.get_running_loop().time()
            await deployment.watch_for(1.0)
            assert [deployment.livekit.sent_to(n) for n in names] == [[at]] * 3, "at once when it is back"

    virtual_time.run(scenario())


# -- webhooks ----------------------------------------------------------------------------------------------------------


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return [call["type"].removeprefix("interview.") for call in told]


def test_webhooks_come_in_order_and_one_that_fails_holds_back_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as deployment:
            await deployment.interview("a", started(), asked(), ended())
            await deployment.interview("b", started())
            refusals = {"a": 3}

            async def answer(body: dict[str, Any]) -> int:
                session = body["data"]["id"]
                refusals[session] = refusals.get(session, 0) - 1
                return 500 if refusals[session] >= 0 else 200

            deployment.answer = answer
            await deployment.watch_for(60.0)
            of_a = [call for call in deployment.told if call["data"]["id"] == "a"]
            assert kinds(of_a) == ["started"] * 4 + ["ended", "report"]
            assert [round(x) for x in seconds_between([call["at"] for call in of_a])[:3]] == [2, 4, 8]
            assert kinds([call for call in deployment.told if call["data"]["id"] == "b"]) == ["started"]
            await deployment.watch_for(60.0)
            assert len(deployment.told) == 7, "each once"

    virtual_time.run(scenario())


def test_a_receiver_that_hangs_delays_no_agent_and_no_report(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as deployment:
            await deployment.interview("over", started(), asked(), ended())
            await deployment.interview("waiting")
            deployment.arrive("waiting")

            async def hangs(_: dict[str, Any]) -> int:
                await asyncio.sleep(HOUR)
                return 200

            deployment.answer = hangs
            await deployment.watch_for(10.0)
            assert deployment.livekit.sent_to("waiting")[0] == 0.0 and deployment.written == ["over"]

    virtual_time.run(scenario())


def test_old_interviews_are_no_news(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path, webhook_url="http://receiver") as deployment:
            await deployment.interview("a", started(), ended("candidate_left"))
            assert now() > 0
            await asyncio.sleep(2 * 86_400)
            await deployment.watch_for(10.0)
            assert not deployment.told

    virtual_time.run(scenario())


@pytest.fixture(autouse=True)
def _only_ours(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    caplog.set_level(logging.WARNING)
