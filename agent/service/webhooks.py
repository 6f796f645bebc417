"""Webhooks, signed as Standard Webhooks (standardwebhooks.com): at least once, in order per interview."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import httpx

from agent.service.backoff import Backoff

log = logging.getLogger("agent.service")


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over "id.timestamp.body", in base64, prefixed with the version."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


class Webhooks:
    """A file in the session's folder records what was delivered, so a restart neither forgets nor repeats."""

    def __init__(self, url: str, secret: str, wall: Callable[[], float] = time.time) -> None:
        self._url = url
        self._secret = secret
        self._wall = wall
        self._client = httpx.AsyncClient(timeout=5.0)
        self._backoff = Backoff(2.0, 3600.0)  # by session: later messages wait for earlier ones
        self._delivered: set[str] = set()  # the file could not be written; this process still does not deliver twice

    @property
    def wanted(self) -> bool:
        return bool(self._url)

    async def close(self) -> None:
        await self._client.aclose()

    def told(self, folder: Path, session: str, kind: str) -> bool:
        """Whether this message was delivered."""
        return f"{session}-{kind}" in self._delivered or _mark(folder, kind).exists()

    def due(self, session: str) -> bool:
        """Whether anything about this interview may be sent now."""
        return self._backoff.due(session, self._wall())

    def keep_only(self, sessions: Container[str]) -> None:
        """Forget every other session."""
        self._backoff.keep_only(sessions)

    async def deliver(self, folder: Path, session: str, kind: str, data: dict[str, Any]) -> bool | None:
        """True: delivered now. None: delivered before, or not yet due for another try. False: it failed."""
        message = f"{session}-{kind}"
        if self.told(folder, session, kind) or not self.due(session):
            return None
        now = int(self._wall())
        body = json.dumps({"type": f"interview.{kind}", "timestamp": now, "data": {"id": session, **data}}).encode()
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._secret, message, now, body),
        }
        try:
            response = await self._client.post(self._url, content=body, headers=headers)
            delivered = response.is_success
            why = f"answered {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivered, why = False, type(error).__name__
        if delivered:
            self._remember(folder, message, kind)
            self._backoff.succeeded(session)
            return True
        wait = self._backoff.failed(session, self._wall(), why)
        log.warning("webhook %s: %s; again in %.0f s", kind, why, wait)
        return False

    def _remember(self, folder: Path, message: str, kind: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _mark(folder, kind).touch()
        except OSError as error:
            self._delivered.add(message)
            log.warning("webhook %s was delivered, and that cannot be noted (%s)", kind, error.strerror)


def _mark(folder: Path, kind: str) -> Path:
    return folder / f".told-{kind}"
