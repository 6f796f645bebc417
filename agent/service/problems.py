"""Errors as problem+json (RFC 9457): what is wrong and what to do next, for people and programs alike."""

from __future__ import annotations

import http
import logging
import traceback
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.errors import UserError
from memory.store import LeaseHeld, LogConflict, StoreUnavailable, UnknownSession, UnreadableLog
from vivavoce.errors import VivavoceError

MEDIA_TYPE = "application/problem+json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
log = logging.getLogger("agent.service")


class Problem(Exception):
    """`kind`: a stable name for programs; `detail`: one line for people, which says what to do next."""

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail


def fault_of(error: BaseException) -> str:
    """What went wrong and where, for a log. Without the message: validation errors quote what was said in the call."""
    if isinstance(error, Problem):
        return error.kind
    if isinstance(error, UserError):  # its message is written for people
        return " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:]]
    cause = f", caused by {type(error.__cause__).__name__}" if error.__cause__ else ""
    return f"{type(error).__name__} at {' > '.join(places) or 'an unknown place'}{cause}"


def answer(status: int, kind: str, detail: str, **more: Any) -> JSONResponse:
    title = http.HTTPStatus(status).phrase if status in http.HTTPStatus.__members__.values() else "Error"
    body = {"type": f"urn:vivavoce:{kind}", "title": title, "status": status, "detail": detail, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Return every error as problem+json."""

    @app.exception_handler(Problem)
    async def _problem(_: Request, error: Problem) -> JSONResponse:
        return answer(error.status, error.kind, error.detail)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself is left out: it may hold a resume.
        errors = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        detail = f"{errors[0]['where']}: {errors[0]['what']}" if errors else "the request is not valid"
        return answer(422, "invalid", detail, errors=errors)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        response = answer(error.status_code, "http", str(error.detail))
        response.headers.update(error.headers or {})
        return response

    async def _expected(_: Request, error: Exception) -> JSONResponse:
        detail = " ".join(str(error).split())
        if isinstance(error, UnknownSession):
            return answer(404, "unknown-interview", "there is no such interview")
        if isinstance(error, LeaseHeld):
            return answer(409, "busy", "the interview is being run just now; try again in a few seconds")
        if isinstance(error, LogConflict):
            return answer(
                409, "conflict", "the log of this interview is not as expected; nothing was written, try again"
            )
        if isinstance(error, UnreadableLog):
            return answer(500, "unreadable", "the log of this interview cannot be read; the log of the API says where")
        if isinstance(error, StoreUnavailable):
            return answer(503, "store-away", "the session store cannot be reached just now; try again in a moment")
        return answer(400, "refused", detail)

    app.add_exception_handler(VivavoceError, _expected)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        # Only the route's pattern and the place in the code: a traceback could quote what was said in an interview.
        route = getattr(request.scope.get("route"), "path", "a path of no route")
        log.error("%s %s: %s", request.method, route, fault_of(error))
        return answer(500, "bug", "this is our fault; it is in the log of the API")
