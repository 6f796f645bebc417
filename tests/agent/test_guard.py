"""What is refused up front: odd paths, and bodies that could fill the memory before the sender is authenticated."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

import agent.service.app as app_module
from agent.service.app import create_app
from agent.service.guard import BODY, DOCUMENTS, Guard, names_something
from tests.agent.test_service import API, HEADERS, made, problem, settings

__all__ = ["settings"]  # a fixture


@pytest.fixture
def client(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<title>Vivavoce</title>")
    (web / "icon.svg").write_text("<svg/>")
    (web / "assets" / "main.js").write_text("1")
    (tmp_path / "secret.txt").write_text("root:")
    monkeypatch.setattr(app_module, "WEB", web)
    with TestClient(create_app(settings, "http://test", watch=False), raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/join/%00", "/a%00b", "/%2e%2e", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/..%5csecret.txt",
        "/join/%0a", "/%7f", "/%ff", "/%ed%a0%80", "/%c0%ae%c0%ae/secret.txt", "/" + "a" * 5000, "/" + "a/" * 3000,
        "/assets/%00", "/assets/..%2f..%2fsecret.txt", "/assets/nothing.js", "/assets/" + "a" * 5000,
        "/api/v1/interviews/%00", "/api/%00", "/%E2%80%AE",
    ],
)  # fmt: skip
def test_odd_paths_name_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=HEADERS)
    assert answer.status_code == 404 and "root:" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_paths_of_ours_still_do(client: TestClient) -> None:
    for path in ("/", "/join/20261121-010203-ab12", "/report/x", "/index.html", "/J%C3%B6rg", "/a%20b"):
        assert "<title>Vivavoce</title>" in client.get(path).text, path
    assert client.get("/icon.svg").text == "<svg/>" and client.get("/assets/main.js").text == "1"


@given(path=st.text(max_size=50))
def test_no_path_up_or_with_a_control_character_passes(path: str) -> None:
    if names_something(path):
        assert ".." not in path.split("/") and "\x00" not in path
        path.encode()  # and it can be written


def test_a_body_of_anybody_has_a_limit(client: TestClient) -> None:
    session, link = made(client)
    large = b" " * (BODY + 1)
    for headers in ({}, link, HEADERS, {"Authorization": "Bearer nonsense"}):
        for path in (f"{API}/{session}/coach", f"{API}/{session}/opinion", "/nothing"):
            answer = client.post(path, content=large, headers={**headers, "content-type": "application/json"})
            assert "KiB" in problem(answer, 413, "too-large")
    assert client.get(API, headers=HEADERS).status_code == 200, "and the next request is served"


def test_only_an_operator_may_send_documents(client: TestClient) -> None:
    document = base64.b64encode(b"Ten years of Kafka. " * 20_000).decode()
    body = {"questions": ["mistake"], "resume_pdf": document, "job_pdf": document}
    assert len(json.dumps(body)) > BODY
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        problem(client.post(API, json=body, headers=headers), 413, "too-large")
    assert client.post(API, json=body, headers=HEADERS).status_code == 201
    answer = client.post(API, content=b" " * (DOCUMENTS + 1), headers={**HEADERS, "content-type": "application/json"})
    assert "smaller document" in problem(answer, 413, "too-large")


def test_two_documents_of_the_size_that_is_allowed_fit(client: TestClient) -> None:
    most = base64.b64encode(b"x" * 8_000_000).decode()
    body = json.dumps({"resume_pdf": most, "job_pdf": most})
    assert len(body) < DOCUMENTS


def _through(chunks: Iterator[bytes], *headers: tuple[bytes, bytes]) -> tuple[int, int, bytes]:
    """Returns the status, the chunks taken, and what the app got."""
    got = bytearray()
    taken = 0
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            got.extend(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> Any:
        nonlocal taken
        taken += 1
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": list(headers)}
    asyncio.run(Guard(app, lambda key: False)(scope, receive, send))
    return sent[0]["status"], taken, bytes(got)


def test_a_body_in_pieces_is_counted_and_not_read_to_its_end() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1024

    status, taken, got = _through(endless(), (b"transfer-encoding", b"chunked"))
    assert (status, got) == (413, b"") and taken == BODY // 1024 + 1


@pytest.mark.parametrize("length", [str(BODY + 1), "9" * 30, "9" * 5000])
def test_a_body_that_says_it_is_too_large_is_not_read_at_all(length: str) -> None:
    status, taken, _ = _through(iter([b"x"]), (b"content-length", length.encode()))
    assert (status, taken) == (413, 0)


def test_a_body_that_fits_arrives_whole() -> None:
    pieces = [bytes([i % 256]) * 100 for i in range(1000)]
    status, _, got = _through(iter(pieces), (b"transfer-encoding", b"chunked"))
    assert status == 204 and got == b"".join(pieces)


@pytest.mark.parametrize(
    "body", ["[" * 200_000, '{"a":' * 40_000, "1" * 200_000, '{"stars": ' + "9" * 200_000 + "}", "\x00", '"\\ud800"', "NaN"]
)  # fmt: skip
def test_bodies_that_are_made_to_break_a_parser_are_refused(client: TestClient, body: str) -> None:
    session, link = made(client)
    for path in ("opinion", "coach", "join"):
        headers = {**link, "content-type": "application/json"}
        answer = client.post(f"{API}/{session}/{path}", content=body.encode(), headers=headers)
        assert answer.status_code in (400, 422) and answer.headers["content-type"] == "application/problem+json"
