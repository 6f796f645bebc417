"""Telling another system: signed as Standard Webhooks (standardwebhooks.com), at least once, in order per interview."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

log = logging.getLogger("agent.service")


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over "id.timestamp.body", base64, with its version."""
    signed = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


class Webhooks:
    """A file beside the session remembers what was delivered, so a restart neither forgets nor repeats."""

    def __init__(self, url: str, secret: str, wall: Callable[[], float] = time.time) -> None:
        self._url = url
        self._secret = secret
        self._wall = wall
        self._client = httpx.AsyncClient(timeout=5.0)
        self._not_before: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    @property
    def wanted(self) -> bool:
        return bool(self._url)

    async def close(self) -> None:
        await self._client.aclose()

    async def deliver(self, folder: Path, session: str, kind: str, data: dict[str, Any]) -> bool | None:
        """True: delivered now. None: it was already, or it is not yet time to try again. False: it failed."""
        mark = folder / f".told-{kind}"
        message = f"{session}-{kind}"
        if mark.exists() or self._wall() < self._not_before.get(message, 0.0):
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
        except httpx.HTTPError as error:
            delivered, why = False, type(error).__name__
        if delivered:
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
            return True
        failures = self._failures[message] = self._failures.get(message, 0) + 1
        wait = min(3600.0, 2.0**failures)
        self._not_before[message] = self._wall() + wait
        log.warning("webhook %s: %s; again in %.0f s", kind, why, wait)
        return False
