"""Three credentials: an operator's key, a candidate's signed link, and a short-lived token for one room and person."""

from __future__ import annotations

import datetime
import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jwt
from livekit import api

from agent.errors import UserError
from agent.rooms.roles import ROLE
from agent.service.problems import Problem
from agent.settings import Settings

AUDIENCE = "vivavoce-link"


def kept_secret(path: Path, length: int = 32) -> str:
    """The secret in a file of mode 0600, created on first use. Raises UserError if that fails or the file is empty."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path, secrets.token_urlsafe(length))
        kept = path.read_text("utf-8").strip()
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); set VIVA_HOME to a folder you can write") from error
    if not kept:
        raise UserError(f"{path} is empty, and an empty key opens everything; delete it, and a new one is made")
    return kept


def _make(path: Path, secret: str) -> None:
    """Atomically: another process starting now must not read a file that is still empty."""
    made = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)  # fails if another process was faster: its secret counts
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def operator_keys(settings: Settings) -> list[str]:
    """The configured keys, or this installation's own."""
    given = [key.strip() for key in settings.api_keys.get_secret_value().split(",") if key.strip()]
    return given or [kept_secret(settings.home / "operator.key")]


def is_operator(key: str, keys: list[str]) -> bool:
    """Compared in constant time."""
    matches = [hmac.compare_digest(key.encode(), known.encode()) for known in keys]  # all, even after a match
    return any(matches)


@dataclass(frozen=True)
class Link:
    """What a signed link grants: one role in one interview, until it expires (unix s)."""

    session: str
    role: Literal["candidate"]
    expires: float


class Links:
    """`now`: unix s, injected for tests."""

    def __init__(self, key: str, hours: float, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._seconds = hours * 3600.0
        self._now = now

    def mint(self, session: str, role: Literal["candidate"] = "candidate") -> str:
        now = int(self._now())
        claims = {"sub": session, "role": role, "aud": AUDIENCE, "iat": now, "exp": now + int(self._seconds)}
        return jwt.encode({**claims, "jti": secrets.token_hex(8)}, self._key, "HS256")

    def read(self, token: str) -> Link:
        """Raises Problem: expired (410) or not one of ours (401)."""
        try:
            # Times are checked below, by our own clock: it may be a second behind the machine that signed.
            options = {"verify_exp": False, "verify_iat": False, "require": ["sub", "exp", "role"]}
            claims = jwt.decode(token, self._key, ["HS256"], audience=AUDIENCE, options=options)  # type: ignore[arg-type]
        except jwt.InvalidTokenError as error:
            raise Problem(401, "bad-link", "this link is not valid; ask whoever sent it for a new one") from error
        if claims["exp"] < self._now():
            raise Problem(410, "expired-link", "this link has expired; ask whoever sent it for a new one")
        return Link(str(claims["sub"]), "candidate", float(claims["exp"]))


def links_of(settings: Settings) -> Links:
    key = settings.signing_key.get_secret_value() or kept_secret(settings.home / "signing.key")
    return Links(key, settings.link_hours)


def room_token(
    settings: Settings, room: str, identity: str, role: Literal["candidate", "panel", "observer"], name: str
) -> str:
    """Valid for `join_seconds`, for joining that room as that person. Nobody can change their own role."""
    may_speak = role != "observer"
    grants = api.VideoGrants(
        room_join=True, room=room, can_subscribe=True, can_publish=may_speak, can_publish_data=may_speak,
        can_update_own_metadata=False,
    )  # fmt: skip
    token = api.AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
    return (
        token.with_identity(identity)
        .with_name(name)
        .with_attributes({ROLE: role})
        .with_grants(grants)
        .with_ttl(datetime.timedelta(seconds=settings.join_seconds))
        .to_jwt()
    )
