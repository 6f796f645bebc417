"""Commands from the API to the agent in a room: signed, for one interview, valid for a minute, executed once.

Anybody in a room may send data, and the SDK does not always know who did. So a command itself proves where it comes
from: the API and the workers share the LiveKit server's secret, and the signing key is derived from it.

A packet is `viva1.SIGNATURE.BODY`: the HMAC-SHA256 of the exact bytes of the body, in lower-case hex, and the body in
JSON. Everything here is pure except `gate_of`.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.rooms.commands import Refused
from agent.settings import load_settings

GOOD_FOR = 60.0  # s before and after the packet's timestamp: the clocks of two machines differ
LONGEST = 4096  # bytes; no command of ours comes near it
_CONTEXT = b"vivavoce: commands to the agent in a room, 1"
_PREFIX = b"viva1."


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    session: str
    at: float
    nonce: str
    payload: dict[str, Any]


def control_key(api_secret: str) -> bytes:
    """The signing key, for this purpose only: knowing it does not reveal the LiveKit server's secret."""
    return hmac.new(api_secret.encode(), _CONTEXT, hashlib.sha256).digest()


def sign_command(key: bytes, session: str, payload: Mapping[str, Any], at: float, nonce: str = "") -> bytes:
    """A packet for the agent of `session`. `at`: unix s."""
    body = {"session": session, "at": float(at), "nonce": nonce or secrets.token_hex(16), "payload": dict(payload)}
    encoded = json.dumps(body, separators=(",", ":")).encode()
    return _PREFIX + _signature(key, encoded) + b"." + encoded


class CommandGate:
    """Lets each command from the API through once. Remembers nonces for as long as their packets are valid."""

    def __init__(self, key: bytes, session: str) -> None:
        self._key = key
        self._session = session
        self._seen: dict[str, float] = {}  # nonce to its packet's timestamp

    def open(self, packet: bytes, now: float) -> str:
        """The payload as JSON. `now`: unix s. Raises Refused."""
        if len(packet) > LONGEST:
            raise Refused("it is too long")
        signature, dot, encoded = packet.removeprefix(_PREFIX).partition(b".")
        if not packet.startswith(_PREFIX) or not dot:
            raise Refused("it is not signed")
        if not hmac.compare_digest(signature, _signature(self._key, encoded)):
            raise Refused("its signature is wrong; do the API and this worker share LIVEKIT_API_SECRET?")
        try:
            body = _Body.model_validate_json(encoded)
        except ValidationError as error:
            raise Refused(
                "it is signed and still not a command; are the API and this worker of one version?"
            ) from error
        if body.session != self._session:
            raise Refused("it is for another interview")
        if not abs(now - body.at) <= GOOD_FOR:
            raise Refused("it is more than a minute old; are the clocks of the API and this worker right?")
        self._seen = {nonce: at for nonce, at in self._seen.items() if abs(now - at) <= GOOD_FOR}
        if body.nonce in self._seen:
            raise Refused("it was handled before")
        self._seen[body.nonce] = body.at
        return json.dumps(body.payload)


@functools.cache
def gate_of(session: str) -> CommandGate:
    """The gate of the one interview that this process runs, with the secret from its environment."""
    return CommandGate(control_key(load_settings().livekit_api_secret.get_secret_value()), session)


def _signature(key: bytes, encoded: bytes) -> bytes:
    return hmac.new(key, encoded, hashlib.sha256).hexdigest().encode()
