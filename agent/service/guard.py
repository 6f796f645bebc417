"""What is refused before anything else sees it: paths that cannot name anything, and bodies that could fill the memory.

FastAPI reads a body before it checks who sent it, so the limit has to come before FastAPI.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.service.problems import answer

LONGEST_PATH = 1024
BODY = 256 * 1024  # bytes, from anybody
DOCUMENTS = 24 * 1024 * 1024  # bytes, from an operator creating an interview: two documents in base64
MAKING = "/api/v1/interviews"


def names_something(path: str) -> bool:
    """Whether a decoded path could be one of ours: no control characters, no "..", no broken encoding. Pure."""
    if len(path) > LONGEST_PATH or not path.isprintable() or "\\" in path or "\ufffd" in path:
        return False
    return not any(part in (".", "..") for part in path.split("/"))


class Guard:
    """ASGI middleware. `is_operator`: whether a key is one of this installation's."""

    def __init__(self, app: ASGIApp, is_operator: Callable[[str], bool]) -> None:
        self._app = app
        self._is_operator = is_operator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not names_something(scope["path"]):
            refusal = answer(404, "no-such-path", "there is nothing here; the API is described at /api/docs")
            await refusal(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = self._most(scope, headers)
        if _has_body(headers):
            body = await _read(headers, receive, most)
            if body is None:
                more = "; a smaller document, or its text, will do" if most == DOCUMENTS else ""
                refusal = answer(413, "too-large", f"a request may have {most // 1024} KiB here{more}")
                refusal.headers["connection"] = "close"  # do not wait for the rest of the body
                await refusal(scope, receive, send)
                return
            receive = _replay(body, receive)
        await self._app(scope, receive, send)

    def _most(self, scope: Scope, headers: Headers) -> int:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        making = scope["method"] == "POST" and scope["path"].rstrip("/") == MAKING
        return DOCUMENTS if making and scheme.lower() == "bearer" and self._is_operator(key.strip()) else BODY


def _has_body(headers: Headers) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers


async def _read(headers: Headers, receive: Receive, most: int) -> Message | None:
    """The whole body as one message, or the disconnect message; None as soon as the body is too large."""
    declared = headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 12 or int(declared) > most):
        return None
    body = bytearray()  # joined as it comes: a body sent byte by byte would otherwise be kept as one message per byte
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


def _replay(message: Message, receive: Receive) -> Receive:
    """First what was already read, then whatever else comes."""
    waiting = [message]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
