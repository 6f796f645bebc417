"""What a candidate could request endlessly, what one damaged interview may cost, and what must not reach a log."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import agent.service.practice as practice_module
from agent.engines.loading import open_store
from agent.errors import UserError
from agent.reporting.ratings import MOST_CHANGES, Opinion, rate
from agent.service import models, tokens
from agent.service.app import create_app
from agent.service.known import Catalogue, Unreadable
from agent.service.practice import OPEN_RETRIES
from agent.service.problems import Problem
from agent.service.tokens import kept_secret
from dialogue.report.coach import Advice
from memory.events import AnyEvent, Followed
from memory.store import EventStore
from simulation import virtual_time
from tests.agent.test_service import API, HEADERS, client, made, problem, settings
from tests.agent.watched import Installation, asked, ended, installation, now, started

__all__ = ["client", "settings"]  # fixtures
AGAIN = models.Retry(question="mistake")


async def refused(work: Any, status: int, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        await work
    assert (caught.value.status, caught.value.kind) == (status, kind)


# -- another try -------------------------------------------------------------------------------------------------------


async def _over(deployment: Installation, name: str = "a") -> str:
    return await deployment.interview(name, started(), asked(), ended())


def test_another_try_that_was_not_begun_is_given_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await _over(deployment)
            made = {(await deployment.practice.retry("a", AGAIN)).id for _ in range(20)}
            at_once = await asyncio.gather(*(deployment.practice.retry("a", AGAIN) for _ in range(10)))
            assert len(made | {one.id for one in at_once}) == 1
            assert len(await deployment.store.sessions()) == 2

    virtual_time.run(scenario())


def test_tries_that_were_begun_are_finished_before_there_are_more(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await _over(deployment)
            begun = []
            for _ in range(OPEN_RETRIES):
                begun.append((await deployment.practice.retry("a", AGAIN)).id)
                await deployment.add(begun[-1], started())
            assert len(set(begun)) == OPEN_RETRIES
            await refused(deployment.practice.retry("a", AGAIN), 409, "tries-open")
            # Another process, which has seen none of it, finds the same.
            deployment.interviews.catalogue = Catalogue(deployment.store)
            await refused(deployment.practice.retry("a", AGAIN), 409, "tries-open")
            await deployment.add(begun[0], ended())
            assert (await deployment.practice.retry("a", AGAIN)).id not in begun

    virtual_time.run(scenario())


def test_a_damaged_log_among_the_tries_is_passed_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await _over(deployment)
            await deployment.interview("b")
            deployment.store.damage("b")
            assert (await deployment.practice.retry("a", AGAIN)).id

    virtual_time.run(scenario())


# -- opinions ----------------------------------------------------------------------------------------------------------


def _followed() -> Followed:
    return Followed(
        at=now(),
        turn=1,
        question="mistake",
        probe="evidence",
        gap="a number",
        span=None,
        text="How?",
        why="?",
        engine="e",
    )


def test_the_same_opinion_again_adds_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), asked(), _followed(), ended())
            said = Opinion(4, {1: True}, {1: "What  showed you that?"}, True)
            await rate(deployment.store, deployment.settings, "a", "candidate", said)
            length = len(await deployment.store.read("a"))
            for _ in range(10):
                await rate(deployment.store, deployment.settings, "a", "candidate", said)
            assert len(await deployment.store.read("a")) == length
            await rate(deployment.store, deployment.settings, "a", "candidate", Opinion(3, {1: False}, may_teach=False))
            assert len(await deployment.store.read("a")) == length + 3, "a change is kept"
            state = (await deployment.interviews.known("a")).state
            assert state.stars == 3 and state.follow_ups[0].thumb is False

    virtual_time.run(scenario())


def test_that_somebody_was_asked_and_said_no_is_kept_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), ended())
            for _ in range(3):
                await rate(deployment.store, deployment.settings, "a", "candidate", Opinion(may_teach=False))
            assert [e.kind for e in await deployment.store.read("a")].count("consented") == 2

    virtual_time.run(scenario())


def test_a_candidate_cannot_fill_a_log_with_opinions(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a", started(), ended())
            before = len(await deployment.store.read("a"))
            for number in range(MOST_CHANGES - 1):  # one is the consent
                await deployment.interviews.rate("a", "candidate", models.Opinion(stars=1 + number % 2))
            more = models.Opinion(stars=5)
            await refused(deployment.interviews.rate("a", "candidate", more), 429, "enough-opinions")
            assert len(await deployment.store.read("a")) == before + MOST_CHANGES - 1
            await deployment.interviews.rate("a", "operator", more)

    virtual_time.run(scenario())


# -- the coach ---------------------------------------------------------------------------------------------------------


def test_the_coach_thinks_about_one_message_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await _over(deployment)
            await _over(deployment, "b")
            thinking = asyncio.Event()
            go_on = asyncio.Event()

            async def history(*_: object) -> list[object]:
                thinking.set()
                await go_on.wait()
                return []

            monkeypatch.setattr(practice_module, "history_of", history)
            monkeypatch.setattr(practice_module, "coach_answer", lambda *_: Advice("Well done."))
            talk = models.Talk(messages=[models.CoachMessage(who="you", text="Why?")])
            first = asyncio.create_task(deployment.practice.coach("a", talk))
            await thinking.wait()
            await refused(deployment.practice.coach("a", talk), 429, "one-at-a-time")
            other = asyncio.create_task(deployment.practice.coach("b", talk))
            go_on.set()
            assert (await first).text == (await other).text == "Well done."
            assert (await deployment.practice.coach("a", talk)).text, "and then about the next"

    virtual_time.run(scenario())


# -- one damaged interview ---------------------------------------------------------------------------------------------


def test_a_list_shows_what_cannot_be_read_and_all_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            for name in ("a", "b", "c"):
                await deployment.interview(name)
            deployment.store.damage("b")
            for _ in range(3):
                listed = await deployment.interviews.page(0, 50)
                assert [(one.id, one.status) for one in listed] == [
                    ("c", "consented"), ("b", "unreadable"), ("a", "consented"),
                ]  # fmt: skip
            assert len(caplog.records) == 1 and "secret story" not in caplog.text
            with pytest.raises(Unreadable):
                await deployment.interviews.details("b")

    virtual_time.run(scenario())


def test_what_was_erased_is_not_shown_from_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installation(tmp_path) as deployment:
            await deployment.interview("a")
            await deployment.interviews.known("a")
            await deployment.store._run(lambda: deployment.store._db.execute("DELETE FROM event"))
            assert await deployment.interviews.page(0, 50) == []
            await refused(deployment.interviews.known("a"), 404, "unknown-interview")

    virtual_time.run(scenario())


def test_two_readers_at_once_see_whole_states_and_the_longer_one_stays() -> None:
    """The slower reader began earlier; what it knows must not replace what is newer."""

    async def scenario(tmp: Path) -> None:
        async with installation(tmp) as deployment:
            await deployment.interview("a")
            slow, catalogue = _Slow(deployment.store), Catalogue(deployment.store)
            catalogue._store = slow  # type: ignore[assignment]
            reader = asyncio.create_task(catalogue.known("a"))
            await asyncio.sleep(0.1)
            await deployment.add("a", started(), ended())
            catalogue._store = deployment.store
            newer = await catalogue.known("a")
            slow.go_on.set()
            older = await reader
            assert (older.length, newer.length) == (2, 4) and older.state.ended is None
            assert (await catalogue.known("a")).length == 4 and newer.state.ended == "completed"

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        virtual_time.run(scenario(Path(folder)))


class _Slow:
    def __init__(self, store: EventStore) -> None:
        self.store, self.go_on = store, asyncio.Event()

    async def read(self, session: str, after: int = 0) -> list[AnyEvent]:
        found = await self.store.read(session, after)
        await self.go_on.wait()
        return found


# -- what must not reach a log, and what must be counted ---------------------------------------------------------------


def test_a_bug_is_logged_without_what_was_said(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session, _ = made(client)

    def broken(*_: object) -> None:
        raise ValueError("the words of a candidate")

    monkeypatch.setattr("agent.service.interviews.Interviews.events", broken)
    with caplog.at_level(logging.ERROR, "agent.service"):
        problem(client.get(f"{API}/{session}/events", headers=HEADERS), 500, "bug")
    assert "ValueError" in caplog.text and "test_limits.py" in caplog.text
    assert "the words" not in caplog.text and session not in caplog.text
    counted = 'viva_http_seconds_count{method="GET",route="/api/v1/interviews/{session}/events",status="500"} 1.0'
    assert counted in client.get("/metrics").text


def test_a_damaged_interview_is_told_over_http(client: TestClient, settings: Any) -> None:
    session, _ = made(client)
    other, _ = made(client)

    async def damage() -> None:
        store: Any
        store, _ = await open_store(settings)
        body = '{"kind": "heard", "text": "my story"}'
        await store._run(lambda: store._db.execute("UPDATE event SET body = ? WHERE session = ?", (body, session)))
        await store.close()

    asyncio.run(damage())
    assert "my story" not in problem(client.get(f"{API}/{session}", headers=HEADERS), 500, "unreadable")
    listed = {one["id"]: one["status"] for one in client.get(API, headers=HEADERS).json()}
    assert listed == {session: "unreadable", other: "invited"}


def test_an_app_without_its_watch_says_nothing_is_amiss(client: TestClient) -> None:
    session, _ = made(client)
    assert client.get(f"{API}/{session}", headers=HEADERS).json()["trouble"] == ""


# -- keys --------------------------------------------------------------------------------------------------------------


def test_all_processes_that_start_at_once_have_the_same_key(tmp_path: Path) -> None:
    for number in range(20):
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(kept_secret, [tmp_path / f"{number}.key"] * 8))
        assert len(keys) == 1 and len(keys.pop()) > 30
    assert {path.suffix for path in tmp_path.iterdir()} == {".key"}, "nothing is left lying about"
    assert (tmp_path / "0.key").stat().st_mode & 0o777 == 0o600


def test_an_empty_key_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "operator.key").touch()
    with pytest.raises(UserError, match="empty"):
        kept_secret(tmp_path / "operator.key")


def test_a_key_that_was_not_written_whole_is_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tokens.os, "fsync", full)
    with pytest.raises(UserError, match="No space"):
        kept_secret(tmp_path / "operator.key")
    assert not list(tmp_path.iterdir())


def test_the_app_can_be_made_twice(settings: Any) -> None:
    for _ in range(2):
        with TestClient(create_app(settings, "http://test", watch=False)) as made:
            assert made.get("/healthz").status_code == 200
